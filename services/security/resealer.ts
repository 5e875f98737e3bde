/**
 * After a new data key: seals everything with it that an older one sealed, in small transactions, and takes older ones away that nothing is sealed
 * with. A transaction holds the row of the new key, so one node does it at a time; one that dies leaves nothing but work, which any node does.
 */
import type { Logger } from 'pino';
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { type DataKeyLimits, keepSecondsOf } from '../../adapters/secrets/data-key-times.ts';
import { SEALED_COLUMNS, type SealedColumn } from '../../adapters/secrets/sealed-columns.ts';
import {
  countSealed,
  lockOtherwiseSealed,
  type RowKey,
  type SealedRow,
  storeSealed,
} from '../../adapters/secrets/sealed-rows.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import { appendAudit } from '../../mixins/audit.ts';

export type ResealerParts = {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly limits: DataKeyLimits & Pick<Limits, 'resealBatchSecrets'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
};
/** What could not be opened is tried again after this long. */
const RETRY_MS = 10 * 60_000;

type Turn = 'more' | 'done';

export class Resealer {
  readonly #parts: ResealerParts;
  /** Where it is: the column, and the last row of it that was looked at. */
  #column = 0;
  #after: RowKey | undefined;
  #failed = 0;
  #restUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ResealerParts) {
    this.#parts = parts;
  }

  /** Until there is nothing to do, or `stopped` says so. */
  async run(stopped: () => boolean = () => false): Promise<void> {
    if (performance.now() < this.#restUntilMs) return;
    while (!stopped() && this.#parts.sealer.dataKeys.hasOlder) if ((await this.turn()) === 'done') return;
  }

  /** One transaction. */
  async turn(): Promise<Turn> {
    const { database, sealer } = this.#parts;
    const { current } = sealer.dataKeys;
    return database.transaction(async tx => {
      const [mine] = await tx.query<{ is_newest: boolean }>(
        `SELECT NOT EXISTS (SELECT FROM data_key n WHERE n.data_key_id > $1 AND n.seals_from <= now()) AS is_newest
         FROM data_key WHERE data_key_id = $1 FOR NO KEY UPDATE SKIP LOCKED`,
        [current],
      );
      // Another node is at it, or this one has not read the newest key yet.
      if (mine?.is_newest !== true) return 'done';
      const [left] = await tx.query(
        'SELECT data_key_id FROM data_key WHERE data_key_id < $1 AND resealed_at IS NULL LIMIT 1',
        [current],
      );
      if (left === undefined) return this.#remove(tx, current);
      const column = SEALED_COLUMNS[this.#column];
      return column === undefined ? this.#passed(tx, current) : this.#reseal(tx, column, current);
    });
  }

  async #reseal(tx: Transaction, column: SealedColumn, current: number): Promise<Turn> {
    const { sealer, limits, log } = this.#parts;
    const rows = await lockOtherwiseSealed(tx, column, current, this.#after, limits.resealBatchSecrets);
    const anew: SealedRow[] = [];
    for (const { key, sealed } of rows) {
      const about = column.about(...key);
      const secret = this.#open(sealed, about);
      if (secret !== undefined) anew.push({ key, sealed: sealer.seal(secret, about) });
      else {
        this.#failed += 1;
        log.warn({ table: column.table, row: key }, 'a secret can not be opened, so its data key stays');
      }
    }
    await storeSealed(tx, column, anew);
    if (rows.length < limits.resealBatchSecrets) this.#goTo(this.#column + 1);
    else this.#after = rows.at(-1)!.key;
    return 'more';
  }

  #open(sealed: Uint8Array, about: string): Uint8Array | undefined {
    try {
      return this.#parts.sealer.open(sealed, about);
    } catch {
      return undefined;
    }
  }

  /** Everything was looked at once. */
  async #passed(tx: Transaction, current: number): Promise<Turn> {
    const failed = this.#failed;
    this.#goTo(0);
    this.#failed = 0;
    if (failed > 0) {
      this.#restUntilMs = performance.now() + RETRY_MS;
      return 'done';
    }
    // Of rows that somebody held, and of what was stored meanwhile, the next pass is.
    const counts = await countSealed(tx);
    if ([...counts.keys()].some(id => id < current)) return 'done';
    await tx.query('UPDATE data_key SET resealed_at = now() WHERE data_key_id < $1 AND resealed_at IS NULL', [current]);
    return 'more';
  }

  /** The older ones, when nobody can be sealing with them any more. */
  async #remove(tx: Transaction, current: number): Promise<Turn> {
    const old = await tx.query<{ data_key_id: number }>(
      `SELECT o.data_key_id FROM data_key o JOIN data_key c ON c.data_key_id = $1
       WHERE o.data_key_id < $1 AND c.seals_from < now() - make_interval(secs => $2)`,
      [current, keepSecondsOf(this.#parts.limits)],
    );
    if (old.length === 0) return 'done';
    const counts = await countSealed(tx);
    const ids = old.map(it => it.data_key_id);
    const used = ids.filter(id => counts.has(id));
    const unused = ids.filter(id => !counts.has(id));
    // Something was still being stored while all was sealed anew.
    if (used.length > 0)
      await tx.query('UPDATE data_key SET resealed_at = NULL WHERE data_key_id = ANY ($1::int[])', [used]);
    if (unused.length > 0) await this.#forget(tx, unused);
    return used.length > 0 ? 'more' : 'done';
  }

  async #forget(tx: Transaction, ids: readonly number[]): Promise<void> {
    await tx.query('DELETE FROM data_key WHERE data_key_id = ANY ($1::int[])', [ids]);
    const [operator] = await tx.query<{ tenant_id: number }>(
      'SELECT tenant_id FROM tenant WHERE is_operator ORDER BY 1 LIMIT 1',
    );
    if (operator === undefined) return;
    for (const id of ids)
      await appendAudit(tx, {
        tenantId: operator.tenant_id,
        actor: 'system',
        act: 'data_key.removed',
        target: `data key ${id}`,
        address: null,
        result: 'done',
      });
  }

  #goTo(column: number): void {
    this.#column = column;
    this.#after = undefined;
  }
}
