import { COMMAND_COLUMNS } from './command-rows.ts';

/** Stops the transaction unless this instance still owns the lane; waits for one of the same lane that is under way. */
export const FENCE_SQL = `
UPDATE node_lane SET commits = commits + 1 WHERE instance_id = $1 AND lane = $2 AND open RETURNING lane`;

/** Devices by tenant and id but those that are erased, so that nothing is ever stored of them again: each with its newest session, its twin, its open commands, its measurements and the day of the newest datapoint of each. */
export const LOAD_SQL = `
SELECT t.slug || '/' || d.device_id AS key, d.tenant_id, d.device_uid, d.state, series.series,
       session.session, session.instance_id, session.address, session.disconnected_at IS NULL AS connected, session.receives,
       twin.reported, twin.reported_version, twin.reported_times, twin.desired, twin.desired_version, twin.desired_times,
       d.command_window, d.device_type, open.commands
FROM unnest($1::text[], $2::text[]) AS wanted (slug, device_id)
JOIN tenant t USING (slug)
JOIN device d ON d.tenant_id = t.tenant_id AND d.device_id = wanted.device_id AND d.erasure_started_at IS NULL
LEFT JOIN device_session session USING (device_uid)
LEFT JOIN device_twin twin USING (device_uid)
LEFT JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_array(m.name, m.measurement_id, dm.newest_day) ORDER BY m.measurement_id) AS series
  FROM device_measurement dm
  JOIN measurement m USING (measurement_id)
  WHERE dm.device_uid = d.device_uid
) series ON true
LEFT JOIN LATERAL (
  SELECT jsonb_agg(to_jsonb(command) ORDER BY command.command_id) AS commands
  FROM (SELECT ${COMMAND_COLUMNS} FROM command c WHERE c.device_uid = d.device_uid AND c.ended_at IS NULL) command
) open ON true`;

export const SESSIONS_BEFORE_SQL = `
SELECT device_uid, session, disconnected_at IS NULL AS connected FROM device_session WHERE device_uid = ANY ($1::int8[])`;

/** One row for each device. A session that is not newer than the stored one changes nothing. */
export const OPEN_SESSION_SQL = `
INSERT INTO device_session AS stored (device_uid, session, instance_id, address, node_id, protocol, peer, connected_at)
SELECT device_uid, session, instance_id, address, node_id, protocol, peer,
       'epoch'::timestamptz + ms * interval '1 millisecond'
FROM unnest($1::int8[], $2::int8[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[])
  AS t (device_uid, session, instance_id, address, node_id, protocol, peer, ms)
ON CONFLICT (device_uid) DO UPDATE SET
  session = excluded.session, instance_id = excluded.instance_id, address = excluded.address, node_id = excluded.node_id,
  protocol = excluded.protocol, peer = excluded.peer, connected_at = excluded.connected_at,
  disconnected_at = NULL, reason = NULL, receives = 0
WHERE stored.session < excluded.session`;

/** Closes the stored session of a device if it is this one, and open. */
export const CLOSE_SESSION_SQL = `
UPDATE device_session stored
SET disconnected_at = 'epoch'::timestamptz + t.ms * interval '1 millisecond', reason = t.reason
FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::text[]) AS t (device_uid, session, ms, reason)
WHERE stored.device_uid = t.device_uid AND stored.session = t.session AND stored.disconnected_at IS NULL`;

/** What the stored session of a device takes, if it is this one, and open. */
export const RECEIVING_SQL = `
UPDATE device_session stored SET receives = t.receives
FROM unnest($1::int8[], $2::int8[], $3::int2[]) AS t (device_uid, session, receives)
WHERE stored.device_uid = t.device_uid AND stored.session = t.session AND stored.disconnected_at IS NULL`;

/** One document of a twin, in one row for each device. A device without a row has neither, so the other one was never set. */
const documentSql = (document: string, other: string): string => `
INSERT INTO device_twin
  (device_uid, ${document}, ${document}_version, ${document}_times, ${other}, ${other}_version, ${other}_times, updated_at)
SELECT device_uid, document::jsonb, version, times::json, '{}', 0, '{}', now()
FROM unnest($1::int8[], $2::text[], $3::int8[], $4::text[]) AS t (device_uid, document, version, times)
ON CONFLICT (device_uid) DO UPDATE SET
  ${document} = excluded.${document}, ${document}_version = excluded.${document}_version,
  ${document}_times = excluded.${document}_times, updated_at = excluded.updated_at`;

export const TWIN_SQL = {
  reported: documentSql('reported', 'desired'),
  desired: documentSql('desired', 'reported'),
} as const;
