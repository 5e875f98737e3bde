/** What is there already of a version belongs to a twin that is not stored any more. */
export const TWIN_STEP_SQL = `
INSERT INTO twin_step (device_uid, document, version, at, patch, whole, times)
SELECT device_uid, document, version, 'epoch'::timestamptz + ms * interval '1 millisecond', patch::jsonb, whole::jsonb, times::json
FROM unnest($1::int8[], $2::text[], $3::int8[], $4::int8[], $5::text[], $6::text[], $7::text[])
  AS t (device_uid, document, version, ms, patch, whole, times)
ON CONFLICT (device_uid, document, version) DO UPDATE SET
  at = excluded.at, patch = excluded.patch, whole = excluded.whole, times = excluded.times`;

/**
 * Of each document of a twin: the newest version at or before a time that is stored whole, and the versions up to the next one that is;
 * `base` is null, and there is at most one row, where there is none such: `oldest` is then the first version that is there at all.
 * `current`: the version that the document has now. `times` is there where `whole` is, and has an index for just this.
 */
export const TWIN_AS_OF_SQL = `
SELECT document.name AS document, document.current, base.version AS base, oldest.version AS oldest,
       step.version, (extract(epoch FROM step.at) * 1000)::int8 AS ms, step.patch,
       CASE WHEN step.version = base.version THEN step.whole END AS whole,
       CASE WHEN step.version = base.version THEN step.times END AS times
FROM (SELECT) one
LEFT JOIN device_twin twin ON twin.device_uid = $1::int8
CROSS JOIN LATERAL (VALUES ('reported', coalesce(twin.reported_version, 0)), ('desired', coalesce(twin.desired_version, 0)))
  AS document (name, current)
LEFT JOIN LATERAL (
  SELECT version FROM twin_step
  WHERE device_uid = $1::int8 AND document = document.name AND times IS NOT NULL
    AND at <= 'epoch'::timestamptz + $2::int8 * interval '1 millisecond'
  ORDER BY at DESC, version DESC LIMIT 1
) base ON true
LEFT JOIN LATERAL (
  SELECT version FROM twin_step
  WHERE base.version IS NULL AND device_uid = $1::int8 AND document = document.name
  ORDER BY version LIMIT 1
) oldest ON true
LEFT JOIN twin_step step ON step.device_uid = $1::int8 AND step.document = document.name
  AND step.version >= base.version AND step.version < base.version + $3::int8
ORDER BY document.name, step.version`;
