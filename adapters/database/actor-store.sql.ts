/** Stops the transaction unless this instance still owns the lane; waits for one of the same lane that is under way. */
export const FENCE_SQL = `
UPDATE node_lane SET commits = commits + 1 WHERE instance_id = $1 AND lane = $2 AND open RETURNING lane`;

/** Devices by tenant and id, each with its measurements and the newest microsecond of each. */
export const LOAD_SQL = `
SELECT t.slug || '/' || d.device_id AS key, d.tenant_id, d.device_uid, d.state, series.series
FROM unnest($1::text[], $2::text[]) AS wanted (slug, device_id)
JOIN tenant t USING (slug)
JOIN device d ON d.tenant_id = t.tenant_id AND d.device_id = wanted.device_id
LEFT JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_array(m.name, coalesce((extract(epoch FROM newest.ts) * 1000000)::int8, 0))
                   ORDER BY m.measurement_id) AS series
  FROM device_measurement dm
  JOIN measurement m USING (measurement_id)
  LEFT JOIN LATERAL (
    SELECT ts FROM telemetry
    WHERE device_uid = dm.device_uid AND measurement_id = dm.measurement_id
    ORDER BY ts DESC LIMIT 1
  ) newest ON true
  WHERE dm.device_uid = d.device_uid
) series ON true`;

/**
 * Datapoints that may exist, and those of messages with an id, which are written only if the id is new. Returns the entry of
 * each row that was new; where two entries have the same key, the first one has it.
 */
export const MERGE_SQL = `
WITH input AS (
  SELECT entry, device_uid, measurement_id, 'epoch'::timestamptz + us * interval '1 microsecond' AS ts, value, json, message_id
  FROM unnest($1::int4[], $2::int8[], $3::int4[], $4::int8[], $5::float8[], $6::text[], $7::text[])
    AS t (entry, device_uid, measurement_id, us, value, json, message_id)
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
  INSERT INTO telemetry (device_uid, measurement_id, ts, value, value_json)
  SELECT device_uid, measurement_id, ts, value, json::jsonb FROM wanted
  ON CONFLICT DO NOTHING
  RETURNING device_uid, measurement_id, ts
)
SELECT DISTINCT wanted.entry FROM wanted JOIN stored USING (device_uid, measurement_id, ts)`;

export const DEVICE_MEASUREMENT_SQL = `
INSERT INTO device_measurement (device_uid, measurement_id)
SELECT * FROM unnest($1::int8[], $2::int4[]) ON CONFLICT DO NOTHING`;

export const DEAD_LETTER_SQL = `
INSERT INTO dead_letter
  (tenant_id, dead_letter_id, device_id, kind, topic, content_type, reason, detail, payload, received_at)
SELECT tenant_id, id, device_id, kind, topic, content_type, reason, detail, payload,
       'epoch'::timestamptz + ms * interval '1 millisecond'
FROM unnest($1::int4[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::int8[])
  AS t (tenant_id, id, device_id, kind, topic, content_type, reason, detail, payload, ms)
ON CONFLICT DO NOTHING`;
