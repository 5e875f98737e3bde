/** Reading telemetry. All statements go along its primary key: device, measurement, time. */
import type { Database, Row } from '../../adapters/database/database.ts';
import type { LatestValue, Value } from '../../contracts/telemetry.contract.ts';
import { fromMicros, isoOfMicros, type Range, toMicros } from './timestamps.ts';

type Stored = { value: number | null; value_json: Value | null };
/** Booleans and whatever is no number are stored as JSON too, and that is what they are. */
export const storedValue = (row: Stored): Value => row.value_json ?? (row.value as Value);

type LatestRow = Stored & { name: string | null; us: number };

/** The newest value of each measurement; undefined when the tenant has no such device. */
export async function latestValues(
  database: Database,
  tenantId: number,
  deviceId: string,
): Promise<Record<string, LatestValue> | undefined> {
  const rows = await database.query<LatestRow>(
    `SELECT m.name, ${toMicros('t.ts')} AS us, t.value, t.value_json
     FROM device d
     LEFT JOIN device_measurement dm USING (device_uid)
     LEFT JOIN measurement m ON m.measurement_id = dm.measurement_id AND m.tenant_id = d.tenant_id
     LEFT JOIN LATERAL (
       SELECT ts, value, value_json FROM telemetry
       WHERE device_uid = d.device_uid AND measurement_id = m.measurement_id ORDER BY ts DESC LIMIT 1) t ON true
     WHERE d.tenant_id = $1 AND d.device_id = $2 ORDER BY m.name`,
    [tenantId, deviceId],
  );
  if (rows.length === 0) return undefined;
  const values = rows
    .filter(row => row.name !== null && row.us !== null)
    .map(row => [row.name, { value: storedValue(row), timestamp: isoOfMicros(row.us), unit: null, quality: null }]);
  // Unlike an assignment, this keeps a measurement named `__proto__`.
  return Object.fromEntries(values);
}

export type Source = { readonly tenantId: number; readonly deviceUid: number; readonly measurementIds: number[] };

/** Where the values of a device are; of these measurements only, when some are named. Undefined: no such device. */
export async function sourceOf(
  database: Database,
  tenantId: number,
  deviceId: string,
  measurements: readonly string[] | undefined,
): Promise<Source | undefined> {
  const [row] = await database.query<{ device_uid: number; measurement_ids: number[] }>(
    `SELECT device_uid, ARRAY(
       SELECT measurement_id FROM device_measurement dm JOIN measurement m USING (measurement_id)
       WHERE dm.device_uid = d.device_uid AND m.tenant_id = d.tenant_id AND ($3::text[] IS NULL OR m.name = ANY($3))
     ) AS measurement_ids
     FROM device d WHERE tenant_id = $1 AND device_id = $2`,
    [tenantId, deviceId, measurements ?? null],
  );
  return row && { tenantId, deviceUid: row.device_uid, measurementIds: row.measurement_ids };
}

/** The last item of the page before: its time, and its measurement among those of that time. */
export type After = readonly [us: number, measurementId: number];
type Place = { us: number; measurement_id: number; name: string };
export type ReadingRow = Place & Stored;
export type BucketRow = Place & { avg: number; min: number; max: number; sum: number; count: number };

/** Raw readings by time. Each measurement gives at most `limit` rows, so a page never sorts a whole history. */
export const readings = (
  database: Database,
  source: Source,
  range: Range,
  after: After | undefined,
  limit: number,
): Promise<ReadingRow[]> =>
  along<ReadingRow>(database, source, range, after, limit, {
    columns: 't.value, t.value_json',
    from: `SELECT ts, value, value_json FROM telemetry
           WHERE $where AND (ts > ${fromMicros('$6')} OR m.measurement_id > $7::int) ORDER BY ts LIMIT $8`,
  });

/** The numbers in intervals of `seconds`, aligned to 1970. */
export const buckets = (
  database: Database,
  source: Source,
  range: Range,
  after: After | undefined,
  limit: number,
  seconds: number,
): Promise<BucketRow[]> =>
  along<BucketRow>(database, source, range, after, limit, {
    columns: 't.avg, t.min, t.max, t.sum, t.count',
    from: `SELECT date_bin(make_interval(secs => $9), ts, 'epoch'::timestamptz) AS ts, avg(value) AS avg, min(value) AS min,
             max(value) AS max, sum(value) AS sum, count(*)::int AS count
           FROM telemetry WHERE $where AND value IS NOT NULL
             AND (date_bin(make_interval(secs => $9), ts, 'epoch'::timestamptz) > ${fromMicros('$6')} OR m.measurement_id > $7::int)
           GROUP BY 1 ORDER BY 1 LIMIT $8`,
    more: [seconds],
  });

type Shape = { readonly columns: string; readonly from: string; readonly more?: readonly unknown[] };

function along<R extends Row>(
  database: Database,
  source: Source,
  { fromUs, toUs }: Range,
  after: After | undefined,
  limit: number,
  { columns, from, more = [] }: Shape,
): Promise<R[]> {
  if (source.measurementIds.length === 0) return Promise.resolve([]);
  const where = `device_uid = $1 AND measurement_id = m.measurement_id AND ts >= ${fromMicros('$4')} AND ts < ${fromMicros('$5')}`;
  return database.query<R>(
    `SELECT m.name, m.measurement_id, ${toMicros('t.ts')} AS us, ${columns}
     FROM measurement m CROSS JOIN LATERAL (${from.replace('$where', () => where)}) t
     WHERE m.tenant_id = $2 AND m.measurement_id = ANY($3::int[]) ORDER BY t.ts, m.measurement_id LIMIT $8`,
    [
      source.deviceUid,
      source.tenantId,
      source.measurementIds,
      Math.max(fromUs, after?.[0] ?? fromUs),
      toUs,
      after?.[0] ?? fromUs,
      after?.[1] ?? -1,
      limit,
      ...more,
    ],
  );
}
