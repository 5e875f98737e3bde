/** SQL: a row's hash, and adding rows to rollups that are there. */
import { hoursOf } from './days.ts';
import { inRollups, ROLLUP_COLUMNS, ROLLUP_OF_ROWS } from './rollups.sql.ts';

/** Of all that a row `t` says, 31 bits: sums of them are exact in JavaScript. */
export const ROW_HASH =
  '(hash_record_extended(ROW(t.device_uid, t.measurement_id, t.ts, t.value, t.quality, t.flags, t.value_json), 0) & 2147483647)';

const LATE_ROWS = `gone JOIN late ON late.device = gone.device_uid AND late.measurement = gone.measurement_id
  AND late.hour = ${hoursOf('gone.ts')} WHERE ${inRollups('gone.value')}`;

/** Variance of a union: https://en.wikipedia.org/wiki/Algorithms_for_calculating_variance#Parallel_algorithm */
const ADDED = `count = r.count + excluded.count, sum = r.sum + excluded.sum, min = least(r.min, excluded.min), max = greatest(r.max, excluded.max),
  variance = (r.count * r.variance + excluded.count * excluded.variance
    + r.count::float8 * excluded.count / (r.count + excluded.count) * (r.sum / r.count - excluded.sum / excluded.count) ^ 2)
    / (r.count + excluded.count)`;

/** What was first and last is not known by its time any more, so what was said stays. */
const addTo = (table: string, unit: string): string => `${table}_added AS (
  INSERT INTO ${table} AS r (device_uid, measurement_id, bucket, ${ROLLUP_COLUMNS})
  SELECT device_uid, measurement_id, date_trunc('${unit}', ts, 'UTC'), ${ROLLUP_OF_ROWS} FROM ${LATE_ROWS} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (device_uid, measurement_id, bucket) DO UPDATE SET ${ADDED})`;

/** Rows of the list `gone` that are in hours of the list `late`: into the rollups. */
export const addLateSql = (keepsMinutes: boolean): string =>
  [
    ...(keepsMinutes ? [addTo('telemetry_1m', 'minute')] : []),
    addTo('telemetry_1h', 'hour'),
    addTo('telemetry_1d', 'day'),
  ].join(', ');
