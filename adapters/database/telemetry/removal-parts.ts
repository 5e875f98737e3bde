/** Partitions of PostgreSQL, or chunks of TimescaleDB, as a whole: when nothing in one is to be kept, it goes at once. */
import { type Database, DatabaseError, type Transaction } from '../database.ts';
import { dayStart } from './days.ts';
import { waitForHolds } from './removal-locks.ts';
import type { RuleDefaults } from './removal-rules.ts';
import { hasRowsToKeep } from './removal-series.ts';

/** From one day to before another, counted from 1970. */
export type Part = {
  readonly name: string;
  readonly from_day: number;
  readonly to_day: number;
  readonly bytes: number;
  /** As the planner's statistics estimate them. */
  readonly rows: number;
  readonly is_compressed: boolean;
};
export type PartedTable = 'telemetry' | 'telemetry_1m';

/** In the order of time. */
export const listParts = (db: Pick<Transaction, 'query'>, table: PartedTable): Promise<Part[]> =>
  db.query<Part>('SELECT * FROM telemetry_parts($1) ORDER BY from_day', [table]);

/** Less than the time after which PostgreSQL looks for deadlocks: whoever waits for us because we wait for it is not ended, we are. */
const LOCK_TIMEOUT = '200ms';

/**
 * Drops a part of which nothing is to be kept. Readers and writers wait for moments; when they do not let us in, false, and it is tried again
 * later. So it is when something is to be kept.
 */
export async function dropPart(
  database: Database,
  table: PartedTable,
  part: Part,
  defaults: RuleDefaults,
  today: number,
): Promise<boolean> {
  const days = { fromDay: part.from_day, toDay: part.to_day, today };
  const isKept = (db: Pick<Transaction, 'query'>) =>
    table === 'telemetry' ? hasRowsToKeep(db, defaults, days) : hasRollups(db, part);
  // Without a lock first: nearly always the answer is no.
  if (await isKept(database)) return false;
  try {
    return await database.transaction(async tx => {
      await tx.query(`SELECT set_config('lock_timeout', $1, true)`, [LOCK_TIMEOUT]);
      await waitForHolds(tx);
      await tx.query('SELECT telemetry_lock_part($1)', [part.name]);
      // From here on its readers and writers wait for us: what takes longer is left to removing rows.
      await tx.query(`SELECT set_config('statement_timeout', $1, true)`, [LOCKED_TIMEOUT]);
      if (await isKept(tx)) return false;
      if (table === 'telemetry') await noteDropped(tx, part);
      await tx.query('SELECT telemetry_drop_part($1, $2, $3::int, $4::int)', [
        table,
        part.name,
        part.from_day,
        part.to_day,
      ]);
      return true;
    });
  } catch (error) {
    if (error instanceof DatabaseError && NOT_NOW.has(error.code ?? '')) return false;
    throw error;
  }
}

/** SQLSTATE: the lock was not to be had, not without a deadlock, another node has dropped it, or it took too long. */
const NOT_NOW = new Set(['55P03', '40P01', '42P01', '57014']);
const LOCKED_TIMEOUT = '1500ms';

async function hasRollups(db: Pick<Transaction, 'query'>, { from_day, to_day }: Part): Promise<boolean> {
  const rows = await db.query(
    `SELECT 1 AS one FROM telemetry_1m WHERE bucket >= ${dayStart('$1')} AND bucket < ${dayStart('$2')} LIMIT 1`,
    [from_day, to_day],
  );
  return rows.length > 0;
}

/** The rollups of what was in it are all that is left of it. */
async function noteDropped(tx: Transaction, { from_day, to_day }: Part): Promise<void> {
  const noted = await tx.query(
    `INSERT INTO telemetry_removed AS r (device_uid, measurement_id, hours)
     SELECT dm.device_uid, dm.measurement_id, int4multirange(int4range($1::int * 24, $2::int * 24)) FROM device_measurement dm
     WHERE EXISTS (SELECT FROM telemetry t WHERE t.device_uid = dm.device_uid AND t.measurement_id = dm.measurement_id
                     AND t.ts >= ${dayStart('$1')} AND t.ts < ${dayStart('$2')})
     ORDER BY 1, 2
     ON CONFLICT (device_uid, measurement_id) DO UPDATE SET hours = r.hours + excluded.hours RETURNING 1 AS one`,
    [from_day, to_day],
  );
  if (noted.length > 0)
    await tx.query(
      'INSERT INTO telemetry_removed_days SELECT generate_series($1::int, $2::int - 1) ON CONFLICT DO NOTHING',
      [from_day, to_day],
    );
}
