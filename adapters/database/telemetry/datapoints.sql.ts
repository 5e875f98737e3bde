import { hourStart } from './days.ts';

/**
 * Datapoints that may exist, and those of messages with an id, which are written only if the id is new. Returns the entry of
 * each row that was new; where two entries have the same key, the first one has it.
 */
export const MERGE_SQL = `
WITH input AS (
  SELECT entry, device_uid, measurement_id, 'epoch'::timestamptz + us * interval '1 microsecond' AS ts, value, quality,
    nullif(flags, 0) AS flags, json, message_id
  FROM unnest($1::int4[], $2::int4[], $3::int4[], $4::int8[], $5::float8[], $6::int2[], $7::int2[], $8::text[], $9::text[])
    AS t (entry, device_uid, measurement_id, us, value, quality, flags, json, message_id)
), fresh AS (
  INSERT INTO message_receipt (device_uid, message_id, received_at)
  SELECT DISTINCT device_uid, message_id, now() FROM input WHERE message_id IS NOT NULL
  ON CONFLICT DO NOTHING
  RETURNING device_uid, message_id
), wanted AS (
  SELECT DISTINCT ON (device_uid, measurement_id, ts) input.*
  FROM input LEFT JOIN fresh USING (device_uid, message_id)
  WHERE input.message_id IS NULL OR fresh.message_id IS NOT NULL
  ORDER BY device_uid, measurement_id, ts, entry
), stored AS (
  INSERT INTO telemetry (device_uid, measurement_id, ts, value, quality, flags, value_json)
  SELECT device_uid, measurement_id, ts, value, quality, flags, json::jsonb FROM wanted
  ON CONFLICT DO NOTHING
  RETURNING device_uid, measurement_id, ts
)
SELECT DISTINCT wanted.entry FROM wanted JOIN stored USING (device_uid, measurement_id, ts)`;

/**
 * Marks hours, and notes the newest day of each series. A mark that is there is written again: so whoever makes the rollups of that hour
 * either waits for this transaction, or has ended before it.
 */
export const SERIES_SQL = `
WITH input AS (SELECT * FROM unnest($1::int4[], $2::int4[], $3::int4[]) AS t (device_uid, measurement_id, hour)), marks AS (
  INSERT INTO telemetry_change (device_uid, measurement_id, hour)
  SELECT DISTINCT device_uid, measurement_id, ${hourStart('hour')} AS hour FROM input ORDER BY device_uid, measurement_id, hour
  ON CONFLICT (device_uid, measurement_id, hour) DO UPDATE SET hour = excluded.hour
)
INSERT INTO device_measurement AS stored (device_uid, measurement_id, newest_day)
SELECT device_uid, measurement_id, floor(max(hour) / 24.0) FROM input GROUP BY device_uid, measurement_id ORDER BY device_uid, measurement_id
ON CONFLICT (device_uid, measurement_id) DO UPDATE SET newest_day = excluded.newest_day WHERE stored.newest_day < excluded.newest_day`;
