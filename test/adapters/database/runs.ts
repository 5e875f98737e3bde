/** Runs of processes, for tests of what they do to each other through one database. */
import { randomUUID } from 'node:crypto';
import type { Database } from '../../../adapters/database/database.ts';
import { joinCluster } from '../../../adapters/database/join.ts';
import { migrate, readMigrations } from '../../../adapters/database/migrate.ts';
import { openStandalone, type Run } from '../../../adapters/database/node-sessions.ts';
import { DatabaseOwnershipStore } from '../../../adapters/database/ownership-store.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import { ENGINES, type EngineName, type Subject } from './engines.ts';

/** Times as short as real ones can be compared with. */
export const QUICK: Limits = { ...LIMITS, leaseSeconds: 1, leaseRenewalMs: 300, leaseGraceMs: 100 };

export const newRun = (nodeId: string, more: Partial<Run> = {}): Run => ({
  instanceId: randomUUID(),
  nodeId,
  address: `${nodeId}-address`,
  lanes: 2,
  hosts: true,
  ...more,
});

/** A database with our schema. */
export async function startWithSchema(engine: EngineName): Promise<Subject> {
  const subject = await ENGINES[engine]({}, true);
  try {
    await migrate(subject.database, await readMigrations());
    return subject;
  } catch (error) {
    await subject.stop();
    throw error;
  }
}

/** As if nobody had ever used it. */
export const forgetAll = (database: Database): Promise<void> =>
  database.script(
    `UPDATE shard SET holder = NULL, epoch = 0;
     DELETE FROM device_session; DELETE FROM node_lane; DELETE FROM node_session;`,
  );

export async function openAlone(database: Database, limits: Limits = LIMITS): Promise<string> {
  const run = newRun('n1');
  await openStandalone(database, run, limits);
  return run.instanceId;
}

/** A node of a cluster, and what it sees. */
export async function join(database: Database, nodeId: string, more: Partial<Run> = {}): Promise<Joined> {
  const run = newRun(nodeId, more);
  await joinCluster(database, run, QUICK);
  return { ...run, store: new DatabaseOwnershipStore(database, run.instanceId, LIMITS) };
}
export type Joined = Run & { readonly store: DatabaseOwnershipStore };

/** Renews the session again and again, as a process that lives does, until `work` is done. */
export async function whileRenewing<T>(database: Database, instanceId: string, work: () => Promise<T>): Promise<T> {
  const store = new DatabaseOwnershipStore(database, instanceId, QUICK);
  let renewal: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    renewal = store.renew({ reachable: true, leaving: false });
  }, QUICK.leaseRenewalMs / 6);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await renewal;
    await store.close();
  }
}

/** Moves the end of a lease: as if that much time had passed since. */
export const letLeaseRunOut = (database: Database, instanceId: string, agoMs: number): Promise<unknown> =>
  database.query(
    `UPDATE node_session SET expires_at = clock_timestamp() - $2::float8 * interval '1 millisecond' WHERE instance_id = $1`,
    [instanceId, agoMs],
  );

/** Everything that says who may write and who owns what, to see that nothing of it changed. */
export const everything = async (database: Database): Promise<unknown> => ({
  sessions: await database.query('SELECT instance_id, state FROM node_session ORDER BY 1'),
  lanes: await database.query('SELECT * FROM node_lane ORDER BY 1, 2'),
  shards: await database.query('SELECT * FROM shard ORDER BY 1'),
});
