/**
 * What a PostgreSQL server does in processes of its own, and PGlite, which has only one, does not do at all: checkpoints when
 * the write-ahead log has grown (or it grows until the disk is full, and makes recovery longer and longer), and vacuum (or
 * deleted rows keep their space for ever, and the planner knows nothing of the tables).
 */
import type { Row } from '../database.ts';

/** Recovery after a crash reads at most about this much: well below a second. */
const WAL_MAX_BYTES = 64 * 1024 * 1024;
/** Like `autovacuum_naptime`. */
const TIDY_EVERY_TICKS = 60;

const WAL_BYTES = `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 AS bytes FROM pg_control_checkpoint()`;
/** The rules of autovacuum (https://www.postgresql.org/docs/15/routine-vacuuming.html#AUTOVACUUM); the worst table first. */
const WORST_TABLE = `
  SELECT format('%I.%I', s.schemaname, s.relname) AS name, n_dead_tup > 50 + 0.2 * n_live_tup AS dead,
         age(c.relfrozenxid) > 200000000 AS old
  FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid
  WHERE s.schemaname <> 'pg_toast' AND (n_dead_tup > 50 + 0.2 * n_live_tup OR age(c.relfrozenxid) > 200000000
        OR n_mod_since_analyze > 50 + 0.1 * n_live_tup)
  ORDER BY old DESC, n_dead_tup DESC LIMIT 1`;

export class Housekeeping {
  readonly #query: (sql: string) => Row[];
  #ticks = 0;

  /** `query` runs one statement by itself, at once. */
  constructor(query: (sql: string) => Row[]) {
    this.#query = query;
  }

  /** Does what is due. To be called about once a second, while something is being written and no transaction is open. */
  tick(): void {
    const [wal] = this.#query(WAL_BYTES);
    if ((wal?.bytes as number) > WAL_MAX_BYTES) this.#query('CHECKPOINT');
    if (++this.#ticks % TIDY_EVERY_TICKS === 0) this.tidy();
  }

  /** One table at a time, because everybody waits meanwhile. */
  tidy(): void {
    this.#query('SELECT pg_stat_force_next_flush()');
    const [table] = this.#query(WORST_TABLE);
    if (table === undefined) return;
    const options = [table.old && 'FREEZE', 'ANALYZE'].filter(Boolean).join(', ');
    this.#query(table.dead || table.old ? `VACUUM (${options}) ${table.name}` : `ANALYZE ${table.name}`);
  }
}
