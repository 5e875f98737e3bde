/**
 * Keeps these but for those that repeat what is stored. Returns the entries of all that are kept, those too that were kept before.
 * A transaction writes it after its commands.
 */
export const DEAD_LETTER_SQL = `
WITH kept AS (
  SELECT t.*
  FROM unnest($1::int4[], $2::int4[], $3::int8[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
              $11::bytea[], $12::int8[], $13::uuid[], $14::text[])
    AS t (entry, tenant_id, device_uid, id, device_id, kind, topic, content_type, reason, detail, payload, ms, unless_id, unless_state)
  LEFT JOIN command c ON c.command_id = t.unless_id AND c.device_uid = t.device_uid AND c.state = t.unless_state
  WHERE c.command_id IS NULL
), stored AS (
  INSERT INTO dead_letter
    (tenant_id, dead_letter_id, device_id, kind, topic, content_type, reason, detail, payload, received_at)
  SELECT tenant_id, id, device_id, kind, topic, content_type, reason, detail, payload,
         'epoch'::timestamptz + ms * interval '1 millisecond'
  FROM kept
  ON CONFLICT DO NOTHING
)
SELECT entry FROM kept`;

/** In the order of their ids, so that two transactions never wait for each other. */
export const REPLAYED_SQL = `
UPDATE dead_letter SET replayed_at = now() WHERE dead_letter_id IN (
  SELECT l.dead_letter_id FROM dead_letter l JOIN unnest($1::int4[], $2::uuid[]) AS t (tenant_id, id)
    ON l.dead_letter_id = t.id AND l.tenant_id = t.tenant_id
  WHERE l.replayed_at IS NULL ORDER BY l.dead_letter_id FOR UPDATE)`;
