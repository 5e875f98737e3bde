/** They get their numbers in this order. */
export const EVENT_SQL = `
INSERT INTO event (tenant_id, device_uid, kind, at, data)
SELECT tenant_id, device_uid, kind, 'epoch'::timestamptz + ms * interval '1 millisecond', data::jsonb
FROM unnest($1::int4[], $2::int8[], $3::text[], $4::int8[], $5::text[]) WITH ORDINALITY
  AS t (tenant_id, device_uid, kind, ms, data, place)
ORDER BY place`;
