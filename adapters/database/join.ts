/** How a process becomes a member of the cluster on its database, and what keeps it from becoming one. */
import type { Limits } from '../../contracts/limits.ts';
import { type Database, DatabaseError, type Transaction } from './database.ts';
import { forgetOldSessions, insertSession, type Run, refuseOtherShards, takeTurn } from './node-sessions.ts';
import { type LiveSession, readLive, SessionWatch, type WatchLimits } from './session-watch.ts';

export type JoinLimits = WatchLimits & Pick<Limits, 'clockMaxSkewSeconds'>;

/**
 * Opens the session of a node of a cluster; it has no shards yet. Rejects, with nothing changed, with a DatabaseError whose
 * message is for a person when the clock is wrong, when the shards are others, or when a process that shows that it lives
 * has the same name or works alone on this database. One that is silent is a dead predecessor: its shards are
 * taken from it when its lease has run out, and nobody waits for that here.
 *
 * @param now this machine's clock, milliseconds since 1970
 */
export async function joinCluster(
  database: Database,
  run: Run,
  limits: JoinLimits,
  now: () => number = Date.now,
): Promise<void> {
  await refuseWrongClock(database, limits.clockMaxSkewSeconds, now);
  const [shard] = await database.query<{ count: number }>('SELECT count(*) AS count FROM shard');
  refuseOtherShards(shard!.count);
  const isInTheWay = (one: LiveSession): boolean => one.mode === 'standalone' || one.nodeId === run.nodeId;
  const watch = new SessionWatch(limits);
  for (;;) {
    const inTheWay = (await readLive(database, limits, 'look')).filter(isInTheWay);
    refuseLiving(watch.renewed(inTheWay));
    const isDead = (one: LiveSession): boolean => !isInTheWay(one) || watch.isSilent(one);
    if (inTheWay.every(isDead) && (await database.transaction(tx => joinUnless(tx, run, limits, isDead)))) return;
    await watch.pause();
  }
}

/** False, and nothing is changed, when somebody came or came back in between. */
async function joinUnless(
  tx: Transaction,
  run: Run,
  limits: JoinLimits,
  mayStay: (one: LiveSession) => boolean,
): Promise<boolean> {
  await takeTurn(tx);
  if (!(await readLive(tx, limits, 'lock')).every(mayStay)) return false;
  await insertSession(tx, run, 'cluster', limits.leaseSeconds);
  await forgetOldSessions(tx);
  return true;
}

function refuseLiving([first]: readonly LiveSession[]): void {
  if (first === undefined) return;
  throw new DatabaseError(
    'failed',
    first.mode === 'standalone'
      ? `A process without NATS_URL uses this database (node ${first.nodeId}); stop it first.`
      : `Another process runs as node ${first.nodeId}; give this one another SKEIN_NODE_ID.`,
  );
}

/** The answer was made between the question and its arrival: what lies within that time is no difference. */
async function refuseWrongClock(database: Database, maxSkewSeconds: number, now: () => number): Promise<void> {
  // The first query may have to connect first, which would only make the answer less sure.
  await database.query('SELECT 1');
  const askedMs = now();
  const [clock] = await database.query<{ ms: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
  );
  const halfRoundTripMs = (now() - askedMs) / 2;
  const aheadMs = askedMs + halfRoundTripMs - clock!.ms;
  if (Math.abs(aheadMs) - halfRoundTripMs <= maxSkewSeconds * 1_000) return;
  const difference = `${Math.round(Math.abs(aheadMs) / 1_000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
  throw new DatabaseError(
    'failed',
    `The clock of this machine is ${difference} the database's; at most ${maxSkewSeconds} s are allowed. Set it right.`,
  );
}
