/** Each is one statement, so that it happens whole or not at all. Times are the database's, taken when a row is looked at. */

/** A lease without an end stays one. */
export const RENEW_SQL = `
UPDATE node_session
SET reachable = $2::boolean, state = $3::text,
    expires_at = CASE WHEN expires_at = 'infinity' THEN expires_at
                      ELSE clock_timestamp() + $4::float8 * interval '1 second' END
WHERE instance_id = $1 AND state <> 'closed'
RETURNING instance_id`;

/**
 * The members, the sum of all epochs, and the shards only when that sum is not $1: epochs only rise, so an equal sum means
 * that nothing has changed hands. It begins with SELECT, so a broken connection is known to have changed nothing.
 */
export const VIEW_SQL = `
SELECT members.list AS members, total.epochs AS version, shards.numbers, shards.epochs, shards.holders
FROM (
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'instanceId', instance_id, 'nodeId', node_id, 'address', address, 'state', state, 'hosts', hosts, 'reachable', reachable,
    'leaseMs', ((extract(epoch FROM expires_at) - extract(epoch FROM clock_timestamp())) * 1000)::float8
  ) ORDER BY started_at, instance_id), '[]') AS list
  FROM node_session WHERE instance_id IN (
    SELECT instance_id FROM node_session WHERE state <> 'closed' UNION SELECT holder FROM shard WHERE holder IS NOT NULL
  )
) members
CROSS JOIN (SELECT sum(epoch)::int8 AS epochs FROM shard) total
LEFT JOIN LATERAL (
  SELECT array_agg(shard_id ORDER BY shard_id) AS numbers, array_agg(epoch ORDER BY shard_id) AS epochs,
         array_agg(holder ORDER BY shard_id) AS holders
  FROM shard HAVING total.epochs IS DISTINCT FROM $1::int8
) shards ON true`;

/** One that was closed before is matched too: so what comes back is whether it is closed now, whoever did it. */
export const CLOSE_EXPIRED_SQL = `
UPDATE node_session SET state = 'closed', closed_at = coalesce(closed_at, clock_timestamp())
WHERE instance_id = $1
  AND (state = 'closed' OR expires_at + $2::float8 * interval '1 millisecond' < clock_timestamp())
RETURNING instance_id`;

/** Waits for the row lock that the fence of a transaction in flight holds. In the order of lanes, so that two can do it at once. */
export const CLOSE_LANES_SQL = `
WITH closing AS (
  SELECT instance_id, lane FROM node_lane
  WHERE instance_id = $1 AND open
    AND EXISTS (SELECT FROM node_session n WHERE n.instance_id = $1 AND n.state = 'closed')
  ORDER BY lane FOR UPDATE
)
UPDATE node_lane SET open = false FROM closing
WHERE node_lane.instance_id = closing.instance_id AND node_lane.lane = closing.lane`;

/**
 * Both changes of holder lock the shards in the order of their numbers, and compare the epoch once they have the lock: of two
 * that want the same shard, the second finds another epoch. The sessions are locked too, so that neither can be closed
 * in between. A closed holder counts only when none of its lanes is open: closed sessions and lanes stay so.
 */
const changeHolder = (newHolder: string, sessions: string, condition: string): string => `
WITH ${sessions}, chosen AS (
  SELECT s.shard_id
  FROM unnest($2::int4[], $3::int8[]) AS known (shard_id, epoch)
  JOIN shard s USING (shard_id, epoch)
  WHERE EXISTS (SELECT FROM me) AND (${condition})
  ORDER BY s.shard_id FOR UPDATE OF s
)
UPDATE shard SET epoch = shard.epoch + 1, holder = ${newHolder} FROM chosen WHERE shard.shard_id = chosen.shard_id
RETURNING shard.shard_id AS shard, shard.epoch, shard.holder`;

export const TAKE_SQL = changeHolder(
  '$1',
  `me AS (SELECT FROM node_session WHERE instance_id = $1 AND state <> 'closed' AND hosts FOR SHARE)`,
  `s.holder IS NULL OR (
    EXISTS (SELECT FROM node_session h WHERE h.instance_id = s.holder AND h.state = 'closed')
    AND NOT EXISTS (SELECT FROM node_lane l WHERE l.instance_id = s.holder AND l.open)
  )`,
);

export const TRANSFER_SQL = changeHolder(
  '$4::uuid',
  `me AS (SELECT FROM node_session WHERE instance_id = $1 AND state <> 'closed' FOR SHARE),
   next AS (SELECT FROM node_session WHERE instance_id = $4::uuid AND state = 'open' AND hosts FOR SHARE)`,
  `s.holder = $1 AND ($4::uuid IS NULL OR EXISTS (SELECT FROM next))`,
);
