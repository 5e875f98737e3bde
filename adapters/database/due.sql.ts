/** A page of the devices of these shards with open commands whose deadline has passed. */
export const OVERDUE_SQL = `
SELECT d.device_uid, t.slug, d.device_id, true AS due, d.state = 'decommissioned' AS ended
FROM (
  SELECT DISTINCT device_uid FROM command
  WHERE ended_at IS NULL AND shard = ANY ($1::int2[]) AND deadline_at <= now() AND device_uid > $2::int8
  ORDER BY device_uid LIMIT $3::int4
) c
JOIN device d USING (device_uid)
JOIN tenant t USING (tenant_id)
ORDER BY d.device_uid`;

/**
 * A page of the devices of these shards with open commands, and of each whether it is `due`: its deadline has passed, or nothing holds
 * its commands back but that their owner does not know of them. The page is cut before that is looked at, so that a page costs the same
 * however many devices are away. `$4`: RECEIVES.command.
 */
export const RESUME_SQL = `
SELECT d.device_uid, t.slug, d.device_id,
       c.deadline_at <= now() OR n.instance_id IS NOT NULL AS due, d.state = 'decommissioned' AS ended
FROM (
  SELECT device_uid, min(deadline_at) AS deadline_at FROM command
  WHERE ended_at IS NULL AND shard = ANY ($1::int2[]) AND device_uid > $2::int8
  GROUP BY device_uid ORDER BY device_uid LIMIT $3::int4
) c
JOIN device d USING (device_uid)
JOIN tenant t USING (tenant_id)
LEFT JOIN device_session s ON s.device_uid = d.device_uid AND s.disconnected_at IS NULL AND s.receives & $4::int4 <> 0
LEFT JOIN node_session n ON n.instance_id = s.instance_id AND n.state <> 'closed' AND n.expires_at > now()
ORDER BY d.device_uid`;
