/** The session of one run of a process, with the lanes that it writes through: how it begins alone, and how it ends. */
import { SHARDS } from '../../contracts/addresses.ts';
import type { Holding, InstanceId } from '../../contracts/ownership.ts';
import { type Database, DatabaseError, type Transaction } from './database.ts';
import { readLive, SessionWatch, type WatchLimits } from './session-watch.ts';

/** What a process says of this run of it. */
export type Run = {
  readonly instanceId: InstanceId;
  readonly nodeId: string;
  readonly address: string;
  readonly lanes: number;
  /** Whether it hosts actors; without them it needs no lanes. */
  readonly hosts: boolean;
};

/** Closed sessions are kept for this long, for whoever wants to know what happened. */
const KEEP_DAYS = 7;
/** Beginnings of sessions follow each other: "skein join" among all advisory locks of the database. */
const TURN_SQL = `SELECT pg_advisory_xact_lock(hashtextextended('skein join', 0))`;

/** Waits until no other process is just beginning its session; until the end of the transaction nobody else begins one. */
export const takeTurn = (tx: Transaction): Promise<unknown> => tx.query(TURN_SQL);

/**
 * Opens the session of a process that is alone on its database, and closes every other one: after that no write of an older
 * process can commit, whatever it believes. Closing a lane waits for its transaction in flight. A cluster is not closed:
 * as long as one of its nodes may live this waits, and rejects with a DatabaseError whose message is for a person as
 * soon as one shows that it does.
 *
 * @returns all shards: it has them
 */
export async function openStandalone(database: Database, run: Run, limits: WatchLimits): Promise<Holding[]> {
  const watch = new SessionWatch(limits);
  // Nobody else can open the folder of PGlite, so nobody asks whether this process still lives.
  const lease = database.engine === 'pglite' ? 'infinity' : limits.leaseSeconds;
  for (;;) {
    const cluster = (await readLive(database, limits, 'look')).filter(one => one.mode === 'cluster');
    if (watch.renewed(cluster).length > 0) throw clusterWorks(cluster.map(one => one.nodeId));
    if (cluster.length === 0) {
      const holdings = await database.transaction(tx => replaceAll(tx, run, limits, lease));
      if (holdings !== undefined) return holdings;
    }
    await watch.pause();
  }
}

/** Closes the session at the end of an orderly stop. What it still holds can be taken from then on. */
export async function closeInstance(database: Database, instanceId: InstanceId): Promise<void> {
  await database.transaction(async tx => {
    await tx.query(
      `UPDATE node_session SET state = 'closed', closed_at = clock_timestamp() WHERE instance_id = $1 AND state <> 'closed'`,
      [instanceId],
    );
    await tx.query(`UPDATE node_lane SET open = false WHERE instance_id = $1 AND open`, [instanceId]);
  });
}

/** Writes a session and its lanes. `lease`: seconds, or without an end. */
export async function insertSession(
  tx: Transaction,
  { instanceId, nodeId, address, lanes, hosts }: Run,
  mode: 'standalone' | 'cluster',
  lease: number | 'infinity',
): Promise<void> {
  await tx.query(
    `INSERT INTO node_session (instance_id, node_id, address, hosts, mode, state, started_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, 'open', clock_timestamp(),
             coalesce(clock_timestamp() + $6::float8 * interval '1 second', 'infinity'))`,
    [instanceId, nodeId, address, hosts, mode, lease === 'infinity' ? null : lease],
  );
  if (!hosts) return;
  await tx.query(
    `INSERT INTO node_lane (instance_id, lane, open) SELECT $1, lane, true FROM generate_series(0, $2::int4 - 1) AS lane`,
    [instanceId, lanes],
  );
}

/** Removes sessions that were closed long ago, but for those whose shards nobody has taken. */
export async function forgetOldSessions(tx: Transaction): Promise<void> {
  await tx.query(
    `WITH old AS (
       SELECT instance_id FROM node_session
       WHERE closed_at < now() - $1::int4 * interval '1 day'
         AND NOT EXISTS (SELECT FROM shard WHERE holder = instance_id)
     ), lanes AS (
       DELETE FROM node_lane WHERE instance_id IN (SELECT instance_id FROM old)
     )
     DELETE FROM node_session WHERE instance_id IN (SELECT instance_id FROM old)`,
    [KEEP_DAYS],
  );
}

/** Rejects unless the shards in the database are those that this code divides devices into. */
export function refuseOtherShards(count: number): void {
  if (count !== SHARDS)
    throw new DatabaseError('failed', `The database has ${count} shards, this Skein works with ${SHARDS}.`);
}

/** Undefined, and nothing is changed, when a node of a cluster came in between. */
async function replaceAll(
  tx: Transaction,
  run: Run,
  limits: WatchLimits,
  lease: number | 'infinity',
): Promise<Holding[] | undefined> {
  await takeTurn(tx);
  // Locked before they are judged: a node that slept beyond its lease may be renewing it now.
  await tx.query(`SELECT FROM node_session WHERE state <> 'closed' ORDER BY instance_id FOR NO KEY UPDATE`);
  if ((await readLive(tx, limits, 'look')).some(one => one.mode === 'cluster')) return undefined;
  await tx.query(`UPDATE node_session SET state = 'closed', closed_at = clock_timestamp() WHERE state <> 'closed'`);
  await tx.query(`UPDATE node_lane SET open = false WHERE open`);
  await insertSession(tx, run, 'standalone', lease);
  const holdings = await tx.query<Holding>(
    `UPDATE shard SET epoch = epoch + 1, holder = $1 RETURNING shard_id AS shard, epoch, holder`,
    [run.instanceId],
  );
  refuseOtherShards(holdings.length);
  await forgetOldSessions(tx);
  return holdings.sort((a, b) => a.shard - b.shard);
}

const clusterWorks = (nodes: readonly string[]): DatabaseError =>
  new DatabaseError(
    'failed',
    `A cluster of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'} (${nodes.join(', ')}) works on this database; set NATS_URL to join it.`,
  );
