/**
 * What a PostgreSQL server does in processes of its own, and PGlite, which has only one, does not do at all: checkpoints (or
 * the write-ahead log grows until the disk is full, and recovery with it), and vacuum (or deleted rows keep their
 * space for ever, and the planner knows nothing of the tables).
 */
import { serialize } from 'pg-protocol';
import type { Row } from '../database.ts';
import { decodeAnswer } from '../wire/decode-answer.ts';

export type HousekeepingLimits = {
  readonly checkpointEveryWalBytes: number;
  readonly tidyEveryMs: number;
};
/** The time is `autovacuum_naptime`. */
const LIMITS: HousekeepingLimits = { checkpointEveryWalBytes: 128 * 1024 * 1024, tidyEveryMs: 60_000 };

/** How often the size of the WAL is looked at. A byte of a request becomes up to about ten of WAL. */
const LOOK_EVERY_REQUEST_BYTES = 4 * 1024 * 1024;
const LOOK_EVERY_REQUESTS = 200;

const WAL_BYTES = 'SELECT (pg_current_wal_insert_lsn() - redo_lsn)::float8 AS bytes FROM pg_control_checkpoint()';
/** Without a server nobody else hands the counts of changed rows over. */
const HAND_OVER_COUNTS = 'SELECT pg_stat_force_next_flush()';
/** The rules of autovacuum (https://www.postgresql.org/docs/18/routine-vacuuming.html#AUTOVACUUM); the worst tables first. */
const UNTIDY_TABLES = `
  SELECT format('%s %I.%I', CASE WHEN old THEN 'VACUUM (FREEZE, ANALYZE)' WHEN dead THEN 'VACUUM (ANALYZE)' ELSE 'ANALYZE' END,
                schemaname, relname) AS remedy
  FROM (SELECT s.*, age(c.relfrozenxid) > 200000000 AS old, n_dead_tup > 50 + 0.2 * n_live_tup AS dead
        FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid WHERE s.schemaname <> 'pg_toast') AS t
  WHERE old OR dead OR n_mod_since_analyze > 50 + 0.1 * n_live_tup
  ORDER BY old DESC, n_dead_tup DESC, n_mod_since_analyze DESC`;

export class Housekeeping {
  readonly #run: (bytes: Uint8Array) => Uint8Array[];
  readonly #nowMs: () => number;
  readonly #limits: HousekeepingLimits;
  #requests = 0;
  #bytes = 0;
  #remedies: string[] = [];
  #lookedAtMs: number;

  /** `run` runs messages of the protocol, at once. */
  constructor(run: (bytes: Uint8Array) => Uint8Array[], nowMs: () => number, limits = LIMITS) {
    this.#run = run;
    this.#nowMs = nowMs;
    this.#limits = limits;
    this.#lookedAtMs = nowMs();
  }

  /** Does what is due after a request of so many bytes. No transaction may be open. */
  afterRequest(bytes: number): void {
    this.#bytes += bytes;
    if (++this.#requests >= LOOK_EVERY_REQUESTS || this.#bytes >= LOOK_EVERY_REQUEST_BYTES) this.#checkWal();
    if (this.#nowMs() - this.#lookedAtMs >= this.#limits.tidyEveryMs) this.#lookForUntidyTables();
    // One table at a time, because everybody waits meanwhile.
    const remedy = this.#remedies.shift();
    if (remedy !== undefined) this.#query(remedy);
  }

  #checkWal(): void {
    this.#requests = 0;
    this.#bytes = 0;
    const [wal] = this.#query(WAL_BYTES);
    if ((wal?.bytes as number) > this.#limits.checkpointEveryWalBytes) this.#query('CHECKPOINT');
  }

  #lookForUntidyTables(): void {
    this.#lookedAtMs = this.#nowMs();
    this.#query(HAND_OVER_COUNTS);
    this.#remedies = this.#query(UNTIDY_TABLES).map(row => row.remedy as string);
  }

  /** An error is as if nothing had been found: the same is due again later. */
  #query(sql: string): Row[] {
    return decodeAnswer(this.#run(serialize.query(sql))).rows[0] ?? [];
  }
}
