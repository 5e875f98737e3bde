/** Writes down who was refused, where it is known whose secret was tried. */
import type { Database } from '../../adapters/database/database.ts';
import { type ErrorType, errorTypeOf } from '../../contracts/errors.ts';
import { appendAudit } from '../../mixins/audit.ts';
import { spoken } from '../../mixins/database-errors.ts';
import type { Attempt, Batch } from './shown-batches.ts';

/** Refusals that are being written behind their answers; the rates bound how many come. */
const WAITING_MAX = 1_000;

/** Not worth a line: nothing was wrong with who asked. */
const OURS: ReadonlySet<ErrorType> = new Set(['internal', 'unavailable', 'unknown_outcome', 'overloaded']);

export class Refusals {
  readonly #database: Database;
  readonly #onError: (error: unknown) => void;
  readonly #waiting = new Set<Promise<void>>();

  constructor(database: Database, onError: (error: unknown) => void) {
    this.#database = database;
    this.#onError = onError;
  }

  /**
   * Behind the answer: one that came later when the key is of some batch would tell that it is. Beyond so many that wait nothing is written.
   */
  noteLater(batch: Batch, attempt: Attempt): void {
    if (this.#waiting.size >= WAITING_MAX) return;
    const written = this.note(batch, attempt, 'unauthorized').finally(() => this.#waiting.delete(written));
    this.#waiting.add(written);
  }

  async note({ batch_id, tenant_id }: Batch, { deviceId, address }: Attempt, reason: string): Promise<void> {
    const actor = `batch ${batch_id}`;
    const target = `device ${deviceId}`;
    const entry = { tenantId: tenant_id, actor, act: 'provisioning.refused', target, address } as const;
    await appendAudit(this.#database, { ...entry, result: 'refused', data: { reason } }).catch(this.#onError);
  }

  /** Writes down why `work` was refused, if it was, and passes it on. */
  async noting<T>(batch: Batch, attempt: Attempt, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const type = errorTypeOf(spoken(error));
      if (!OURS.has(type)) await this.note(batch, attempt, type);
      throw error;
    }
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    await Promise.all(this.#waiting);
  }
}
