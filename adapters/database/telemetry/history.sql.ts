/** SQL of the import of history. */

/** One session's own, emptied by every commit. Columns as those of `telemetry`, without keys: a file may say the same twice. */
export const STAGING = 'history_piece';
export const STAGING_SQL = `CREATE TEMP TABLE IF NOT EXISTS ${STAGING} (
  device_uid int, measurement_id int, ts timestamptz, value float8, quality smallint, flags smallint, value_json jsonb) ON COMMIT DELETE ROWS`;

/** Of these devices those that may have history: what a transaction stores must not come after the erasure of its device. */
export const DEVICES_SQL = `SELECT device_uid FROM device
  WHERE tenant_id = $1 AND device_uid = ANY ($2::int4[]) AND state <> 'decommissioned' AND erasure_started_at IS NULL`;

/** How far the import is now. It is stored only once for each piece. */
const PROGRESS = `place = $3::text::jsonb, pieces = pieces + 1, lines = $4, refused = $5, flagged = $6, reported = $7, reasons = $8::text::jsonb,
  tries = 0, due_at = now() + make_interval(secs => $9::int)`;

export const PROGRESS_SQL = `UPDATE telemetry_import SET ${PROGRESS}, stored = stored + $10::int8
  WHERE import_id = $1 AND pieces = $2 AND state = 'running' RETURNING 1 AS done`;

/**
 * Stores what is staged, in the order in which lanes write, so that they rarely wait for each other; of what is there twice the first counts.
 * Marks the hours and notes the newest days of what was new, as a lane does.
 */
export const STORE_SQL = `
WITH stored AS (
  INSERT INTO telemetry (device_uid, measurement_id, ts, value, quality, flags, value_json)
  SELECT device_uid, measurement_id, ts, value, quality, flags, value_json FROM ${STAGING}
  ORDER BY device_uid, measurement_id, ts, ctid
  ON CONFLICT DO NOTHING
  RETURNING device_uid, measurement_id, ts
), hours AS MATERIALIZED (
  SELECT device_uid, measurement_id, date_bin('1 hour', ts, 'epoch') AS hour, count(*) AS points FROM stored GROUP BY 1, 2, 3
), marks AS (
  INSERT INTO telemetry_change (device_uid, measurement_id, hour)
  SELECT device_uid, measurement_id, hour FROM hours ORDER BY device_uid, measurement_id, hour
  ON CONFLICT (device_uid, measurement_id, hour) DO UPDATE SET hour = excluded.hour
), newest AS (
  INSERT INTO device_measurement AS known (device_uid, measurement_id, newest_day)
  SELECT device_uid, measurement_id, floor(extract(epoch FROM max(hour)) / 86400)::int FROM hours
  GROUP BY device_uid, measurement_id ORDER BY device_uid, measurement_id
  ON CONFLICT (device_uid, measurement_id) DO UPDATE SET newest_day = excluded.newest_day WHERE known.newest_day < excluded.newest_day
), news AS (SELECT coalesce(sum(points), 0)::int8 AS points FROM hours)
UPDATE telemetry_import SET ${PROGRESS}, stored = stored + (SELECT points FROM news), duplicates = duplicates + $10::int8 - (SELECT points FROM news)
WHERE import_id = $1 AND pieces = $2 AND state = 'running' RETURNING (SELECT points FROM news) AS news`;

export const REFUSALS_SQL = `INSERT INTO telemetry_import_refusal (import_id, line, device_id, reason, detail)
  SELECT $1, * FROM unnest($2::int8[], $3::text[], $4::text[], $5::text[])`;
