/** Gives the imports of all tenants their turns, one after the other, on each node that has this service. */
import type { Logger } from 'pino';
import { isDatabaseError } from '../../mixins/database-errors.ts';
import { TurnLoop } from '../../mixins/turn-loop.ts';
import { refuseNext, takeTurn, type Working } from './turns.ts';

type Parts = Working & { readonly log: Logger };

export class ImportRunner extends TurnLoop {
  readonly #parts: Parts;
  /** Lines that are done one by one, because the database refused one of so many at once. */
  #oneByOne = 0;

  constructor(parts: Parts) {
    super({
      turn: () => this.#turn(),
      pollMs: parts.limits.jobPollMs,
      onError: err => parts.log.warn({ err }, 'an import could not have its turn'),
    });
    this.#parts = parts;
  }

  /** False: none was due. */
  async #turn(): Promise<boolean> {
    const { limits } = this.#parts;
    const isSingle = this.#oneByOne > 0;
    try {
      const hadOne = await takeTurn(this.#parts, isSingle ? 1 : limits.importPieceLines);
      if (isSingle) this.#oneByOne--;
      return hadOne;
    } catch (error) {
      if (!isDatabaseError(error) || error.kind !== 'refused') throw error;
      // Content that was checked is not refused, as far as is known; if it is, that one line must not hold up all others.
      if (isSingle) await refuseNext(this.#parts);
      this.#oneByOne = isSingle ? this.#oneByOne - 1 : limits.importPieceLines;
      return true;
    }
  }
}
