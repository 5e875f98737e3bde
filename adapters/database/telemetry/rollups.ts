/** The rollups of telemetry: who makes them on which engine, and from when on there are those of minutes. */
import type { Limits } from '../../../contracts/limits.ts';
import type { Database } from '../database.ts';
import type { OnStuck, Rollups } from './folding.ts';
import { HypertableRollups } from './folding-hypertable.ts';
import { TableRollups } from './folding-tables.ts';

/** `database`: of TimescaleDB one with the patience for `rollupRefreshTimeoutSeconds`. */
export const rollupsOf = (database: Database, limits: Limits, onStuck: OnStuck): Rollups =>
  database.engine === 'timescale'
    ? new HypertableRollups(database, limits)
    : new TableRollups(database, limits, onStuck);

/** SQL: the first moment from which on readers find rollups of minutes. The rollups themselves reach back one day more. */
export const MINUTES_FROM_SQL = `(SELECT minutes_from::timestamp AT TIME ZONE 'UTC' FROM telemetry_layout)`;

/** The same, for who plans before asking: good for hours, since what lies before is dropped a day after it has moved. */
export async function readMinutesFrom(database: Database): Promise<Date> {
  const [row] = await database.query<{ it: Date }>(`SELECT ${MINUTES_FROM_SQL} AS it`);
  return row!.it;
}
