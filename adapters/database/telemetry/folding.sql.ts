/** The rollups of marked hours in tables: PostgreSQL and PGlite. All hours of one transaction are of one day. */
import { hourStart } from './days.ts';
import { inRollups, ROLLUP_COLUMNS, ROLLUP_OF_ROLLUPS, ROLLUP_OF_ROWS } from './rollups.sql.ts';

/**
 * After a place in the order of the index, before a moment, and not among those that are left out for a while. Where datapoints were archived or
 * dropped the rollups are the record of them, so they are not made again of what has come since.
 */
const WAITING = `(hour, device_uid, measurement_id) > ($1::timestamptz, $2::int4, $3::int4) AND hour < $4
  AND NOT telemetry_is_removed(device_uid, measurement_id, hour)
  AND (device_uid, measurement_id, hour) NOT IN (
    SELECT device_uid, measurement_id, hour FROM unnest($5::int4[], $6::int4[], $7::timestamptz[]) AS t (device_uid, measurement_id, hour))`;

/** Those that somebody writes now are for the next time: he is not waited for. */
export const NEXT_SQL = `SELECT hour FROM telemetry_change WHERE ${WAITING}
ORDER BY hour, device_uid, measurement_id LIMIT 1 FOR UPDATE SKIP LOCKED`;

/**
 * Takes marks away, before the datapoints are read: whoever stores one afterwards waits for the end of this transaction, and marks its hour
 * anew; what he stored before is read.
 */
export const TAKE_SQL = `
WITH taken AS MATERIALIZED (
  SELECT device_uid, measurement_id, hour FROM telemetry_change WHERE ${WAITING}
  ORDER BY hour, device_uid, measurement_id LIMIT $8 FOR UPDATE SKIP LOCKED
)
DELETE FROM telemetry_change c USING taken
WHERE c.device_uid = taken.device_uid AND c.measurement_id = taken.measurement_id AND c.hour = taken.hour
RETURNING c.device_uid, c.measurement_id, (extract(epoch FROM c.hour) / 3600)::int4 AS hour`;

export const KEEPS_MINUTES_SQL = 'SELECT $1::date >= minutes_from - 1 AS it FROM telemetry_layout';

const MARKED = `marked AS (
  SELECT device_uid, measurement_id, ${hourStart('hour')} AS hour
  FROM unnest($1::int4[], $2::int4[], $3::int4[]) AS t (device_uid, measurement_id, hour)
)`;

export const REMOVE_MINUTES_SQL = `
WITH ${MARKED}
DELETE FROM telemetry_1m r USING marked k
WHERE r.device_uid = k.device_uid AND r.measurement_id = k.measurement_id AND r.bucket >= k.hour AND r.bucket < k.hour + interval '1 hour'
  AND r.bucket >= $4 AND r.bucket < $5`;

export const REMOVE_HOURS_SQL = `
WITH ${MARKED}
DELETE FROM telemetry_1h r USING marked k
WHERE r.device_uid = k.device_uid AND r.measurement_id = k.measurement_id AND r.bucket = k.hour AND r.bucket >= $4 AND r.bucket < $5`;

/** $6: whether there are rollups of minutes of this day. */
export const STORE_SQL = `
WITH ${MARKED}, minutes AS MATERIALIZED (
  SELECT k.device_uid, k.measurement_id, k.hour, r.*
  FROM marked k CROSS JOIN LATERAL (
    SELECT date_trunc('minute', ts) AS bucket, ${ROLLUP_OF_ROWS}
    FROM telemetry t
    WHERE t.device_uid = k.device_uid AND t.measurement_id = k.measurement_id AND t.ts >= k.hour AND t.ts < k.hour + interval '1 hour'
      AND t.ts >= $4 AND t.ts < $5 AND ${inRollups('t.value')}
    GROUP BY 1
  ) r
), stored AS (
  INSERT INTO telemetry_1m (device_uid, measurement_id, bucket, ${ROLLUP_COLUMNS})
  SELECT device_uid, measurement_id, bucket, ${ROLLUP_COLUMNS} FROM minutes WHERE $6::bool
)
INSERT INTO telemetry_1h (device_uid, measurement_id, bucket, ${ROLLUP_COLUMNS})
SELECT device_uid, measurement_id, hour, ${ROLLUP_OF_ROLLUPS} FROM minutes GROUP BY device_uid, measurement_id, hour`;

const DAYS =
  'SELECT DISTINCT device_uid, measurement_id FROM unnest($1::int4[], $2::int4[]) AS t (device_uid, measurement_id)';
const HOURS_OF_DAY =
  'h.device_uid = k.device_uid AND h.measurement_id = k.measurement_id AND h.bucket >= $3 AND h.bucket < $4';

/**
 * Two processes may have hours of the same day. The row of the day is locked before the hours are read, in a statement of its own: so the
 * second one sees those of the first. All in one order, so that nobody waits in a circle.
 */
export const LOCK_DAYS_SQL = `
INSERT INTO telemetry_1d (device_uid, measurement_id, bucket, ${ROLLUP_COLUMNS})
SELECT device_uid, measurement_id, $3, 0, 0, 0, 0, 0, 0, 0 FROM (${DAYS}) k ORDER BY device_uid, measurement_id
ON CONFLICT (device_uid, measurement_id, bucket) DO UPDATE SET bucket = excluded.bucket`;

export const REMOVE_DAYS_SQL = `
DELETE FROM telemetry_1d d USING (${DAYS}) k
WHERE d.device_uid = k.device_uid AND d.measurement_id = k.measurement_id AND d.bucket = $3
  AND NOT EXISTS (SELECT FROM telemetry_1h h WHERE ${HOURS_OF_DAY})`;

export const STORE_DAYS_SQL = `
UPDATE telemetry_1d d
SET count = r.count, sum = r.sum, min = r.min, max = r.max, variance = r.variance, first = r.first, last = r.last
FROM (${DAYS}) k CROSS JOIN LATERAL (SELECT ${ROLLUP_OF_ROLLUPS} FROM telemetry_1h h WHERE ${HOURS_OF_DAY}) r
WHERE d.device_uid = k.device_uid AND d.measurement_id = k.measurement_id AND d.bucket = $3 AND r.count IS NOT NULL`;
