/** Removing rows of telemetry, hours of series at a time, in the transaction in which it becomes right that they are gone. */
import type { Engine, Transaction } from '../database.ts';
import { dayStart, hourStart, hoursOf } from './days.ts';
import { addLateSql, ROW_HASH } from './removal.sql.ts';
import { waitForHolds } from './removal-locks.ts';
import { isHeld } from './removal-rules.ts';
import type { SeriesHour, TenantDay } from './removal-series.ts';

/** Something came between: it is looked at again later, and nothing was removed. */
export class RemovalPostponed extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'RemovalPostponed';
  }
}

/** What the rows are that were read: any other rows are not to be removed. `hash` is the sum of their hashes. */
export type ExpectedRows = { readonly rows: number; readonly hash: number };
type Removal = Pick<TenantDay, 'tenantId' | 'day'> & {
  readonly engine: Engine;
  readonly hours: readonly SeriesHour[];
  /** Absent: whatever rows there are. */
  readonly expected?: ExpectedRows;
  readonly isDropped: boolean;
};
type Gone = { readonly rows: number; readonly hash: number };

/**
 * Removes all rows of these hours of one day. Their rollups stay, as the record of them; what had come late is added to them. Rejects with
 * RemovalPostponed when a hold covers some, when rollups are not made yet, or when there are other rows than expected.
 */
export async function removeHours(tx: Transaction, removal: Removal): Promise<number> {
  const { tenantId, hours, expected } = removal;
  const lists = [hours.map(it => it.device), hours.map(it => it.measurement), hours.map(it => it.hour)];
  await waitForHolds(tx, tenantId);
  if (await isAnyHeld(tx, removal)) throw new RemovalPostponed('A legal hold covers some of the rows');
  if (removal.engine === 'timescale') await prepareHypertable(tx, removal.day);
  const late = await lockMarks(tx, lists, removal);
  const gone =
    late.length === 0 ? await removeRows(tx, lists, removal.day) : await removeAndAdd(tx, lists, removal.day, late);
  if (expected !== undefined && (gone.rows !== expected.rows || gone.hash !== expected.hash))
    throw new RemovalPostponed('Other rows are there than those that were read');
  await tx.query(
    `DELETE FROM telemetry_change c USING unnest($1::int4[], $2::int4[], $3::int4[]) AS it (device, measurement, hour)
     WHERE c.device_uid = it.device AND c.measurement_id = it.measurement AND c.hour = ${hourStart('it.hour')}`,
    lists,
  );
  await noteRemoved(tx, lists, removal.day);
  return gone.rows;
}

/** Rows of compressed chunks are removed by decompressing what they are in; by default no more than 100,000. */
const UNLIMITED_DECOMPRESSION = `SELECT set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)`;

/** There the days that are not stored yet as rollups are made of the rows whenever they are read. */
async function prepareHypertable(tx: Transaction, day: number): Promise<void> {
  await tx.query(UNLIMITED_DECOMPRESSION);
  const stored = await tx.query(`SELECT 1 AS one FROM telemetry_layout WHERE days_to - '1970-01-01'::date > $1::int`, [
    day,
  ]);
  if (stored.length === 0) throw new RemovalPostponed('The rollups of the day are not made yet');
}

async function isAnyHeld(tx: Transaction, { tenantId, day, hours }: Removal): Promise<boolean> {
  const series = new Map(hours.map(it => [`${it.device} ${it.measurement}`, it]));
  const all = [...series.values()];
  const held = await tx.query(
    `SELECT 1 AS one FROM unnest($2::int4[], $3::int4[]) AS it (device, measurement)
     JOIN device d ON d.device_uid = it.device AND d.tenant_id = $1
     JOIN measurement m ON m.measurement_id = it.measurement AND m.tenant_id = $1
     WHERE ${isHeld(dayStart('$4'), dayStart('($4::int + 1)'))} LIMIT 1`,
    [tenantId, all.map(it => it.device), all.map(it => it.measurement), day],
  );
  return held.length > 0;
}

type Lists = readonly (readonly number[])[];
type Late = { readonly device: number; readonly measurement: number; readonly hour: number };

/**
 * Marks the hours, so that nobody makes their rollups meanwhile, and whoever stores something in them waits. Answers which were marked before,
 * which must be hours whose earlier rows are gone.
 */
async function lockMarks(tx: Transaction, lists: Lists, { engine, isDropped }: Removal): Promise<Late[]> {
  const marked = await tx.query<Late & { is_new: boolean; is_late: boolean }>(
    `WITH locked AS (
       INSERT INTO telemetry_change AS c (device_uid, measurement_id, hour)
       SELECT device, measurement, ${hourStart('hour')} FROM unnest($1::int4[], $2::int4[], $3::int4[]) AS it (device, measurement, hour)
       ORDER BY 1, 2, 3
       ON CONFLICT (device_uid, measurement_id, hour) DO UPDATE SET hour = excluded.hour
       RETURNING device_uid, measurement_id, hour, (xmax = 0) AS is_new)
     SELECT device_uid AS device, measurement_id AS measurement, ${hoursOf('hour')} AS hour,
       telemetry_is_late(device_uid, measurement_id, hour) AS is_late
     FROM locked WHERE NOT is_new`,
    [...lists],
  );
  if (marked.some(it => !it.is_late)) throw new RemovalPostponed('The rollups of some hours are not made yet');
  // A continuous aggregate takes nothing from us: what is late stays a row there until it is dropped.
  if (engine === 'timescale' && marked.length > 0 && !isDropped) throw new RemovalPostponed('Late rows stay rows here');
  return engine === 'timescale' ? [] : marked;
}

const GONE = `gone AS (
  DELETE FROM telemetry t USING it
  WHERE t.device_uid = it.device AND t.measurement_id = it.measurement AND t.ts >= ${dayStart('$4')} AND t.ts < ${dayStart('($4::int + 1)')}
    AND t.ts >= ${hourStart('it.hour')} AND t.ts < ${hourStart('(it.hour + 1)')}
  RETURNING t.device_uid, t.measurement_id, t.ts, t.value, ${ROW_HASH} AS hash)`;
const IT = 'it AS (SELECT * FROM unnest($1::int4[], $2::int4[], $3::int4[]) AS it (device, measurement, hour))';
const COUNTED = 'SELECT count(*)::int8 AS rows, coalesce(sum(hash), 0)::int8 AS hash FROM gone';

async function removeRows(tx: Transaction, lists: Lists, day: number): Promise<Gone> {
  const [gone] = await tx.query<Gone>(`WITH ${IT}, ${GONE} ${COUNTED}`, [...lists, day]);
  return gone!;
}

async function removeAndAdd(tx: Transaction, lists: Lists, day: number, late: readonly Late[]): Promise<Gone> {
  const [layout] = await tx.query<{ keepsMinutes: boolean }>(
    `SELECT $1::int >= minutes_from - 1 - '1970-01-01'::date AS "keepsMinutes" FROM telemetry_layout`,
    [day],
  );
  const { keepsMinutes } = layout!;
  if (keepsMinutes) await tx.query(`SELECT telemetry_partition('telemetry_1m', ${dayStart('$1')})`, [day]);
  const [gone] = await tx.query<Gone>(
    `WITH ${IT}, late AS (SELECT * FROM unnest($5::int4[], $6::int4[], $7::int4[]) AS late (device, measurement, hour)),
     ${GONE}, ${addLateSql(keepsMinutes)} ${COUNTED}`,
    [...lists, day, late.map(it => it.device), late.map(it => it.measurement), late.map(it => it.hour)],
  );
  return gone!;
}

async function noteRemoved(tx: Transaction, lists: Lists, day: number): Promise<void> {
  await tx.query(
    `INSERT INTO telemetry_removed AS r (device_uid, measurement_id, hours)
     SELECT device, measurement, range_agg(int4range(hour, hour + 1)) FROM unnest($1::int4[], $2::int4[], $3::int4[]) AS it (device, measurement, hour)
     GROUP BY 1, 2 ORDER BY 1, 2
     ON CONFLICT (device_uid, measurement_id) DO UPDATE SET hours = r.hours + excluded.hours WHERE NOT r.hours @> excluded.hours`,
    [...lists],
  );
  await tx.query('INSERT INTO telemetry_removed_days (day) VALUES ($1) ON CONFLICT DO NOTHING', [day]);
}
