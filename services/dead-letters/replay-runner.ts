/** Gives the runs of all tenants their turns, one after the other, on each node that has this service. */
import type { Logger } from 'pino';
import type { Database } from '../../adapters/database/database.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { TurnLoop } from '../../mixins/turn-loop.ts';
import type { DeadLetterRow } from './dead-letter-rows.ts';
import { claimNext, endTurn, type TakenReplay, type TurnEnd, takeReplay } from './replay-turns.ts';
import { type Tried, triedOf, tryAgain } from './trying.ts';

type Parts = {
  readonly database: Database;
  readonly ingress: Ingress;
  readonly limits: Limits;
  readonly instanceId: string;
  readonly log: Logger;
};

export class ReplayRunner extends TurnLoop {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    super({
      turn: () => this.#turn(),
      pollMs: parts.limits.jobPollMs,
      onError: err => parts.log.warn({ err }, 'dead letters could not be tried again'),
    });
    this.#parts = parts;
  }

  /** False: no run was due. */
  async #turn(): Promise<boolean> {
    const { database, instanceId, limits, log } = this.#parts;
    // Nothing could be stored.
    if (database.room?.readOnly !== undefined) return false;
    const run = await takeReplay(database, instanceId, limits.deadLetterClaimSeconds);
    if (run === undefined) return false;
    const isStored = await endTurn(database, instanceId, run, await this.#work(run));
    if (!isStored) log.warn({ replay: run.replay_id }, 'a run of dead letters took longer than it could be kept');
    return true;
  }

  async #work(run: TakenReplay): Promise<TurnEnd> {
    const { database, limits } = this.#parts;
    const left = Math.min(limits.deadLettersUnderWay, run.total - run.done);
    const rows = left <= 0 ? [] : await claimNext(database, run, limits.deadLetterClaimSeconds, left);
    if (rows.length === 0) return { tried: [], isOver: true, pauseMs: 0 };
    const untilMs = performance.now() + (limits.deadLetterClaimSeconds * 1_000) / 2;
    const devices = Map.groupBy(rows, row => row.device_id);
    const tried = (await Promise.all([...devices.values()].map(its => this.#tryInOrder(run, its, untilMs)))).flat();
    return { tried, isOver: false, pauseMs: tried.length < rows.length ? limits.jobRetryMs : 0 };
  }

  /** Of one device, one after the other: those behind one that could not be tried wait for it. */
  async #tryInOrder(run: TakenReplay, rows: readonly DeadLetterRow[], untilMs: number): Promise<Tried[]> {
    const all: Tried[] = [];
    for (const row of rows) {
      if (performance.now() > untilMs) break;
      const tried = triedOf(row, await tryAgain(this.#parts.ingress, run.tenant, row));
      if (tried === undefined) break;
      all.push(tried);
    }
    return all;
  }
}
