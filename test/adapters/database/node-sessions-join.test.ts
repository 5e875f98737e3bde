/** How a process becomes a member of a cluster, and who keeps it from becoming one. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Database } from '../../../adapters/database/database.ts';
import { joinCluster } from '../../../adapters/database/join.ts';
import { closeInstance, openStandalone } from '../../../adapters/database/node-sessions.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import { ENGINE_NAMES, type Subject } from './engines.ts';
import { rejection } from './rejections.ts';
import {
  everything,
  forgetAll,
  join,
  letLeaseRunOut,
  newRun,
  openAlone,
  QUICK,
  startWithSchema,
  whileRenewing,
} from './runs.ts';

/** A lease that nobody in this file waits for. */
const LONG_LEASE: Limits = { ...QUICK, leaseSeconds: 3_600 };

for (const engine of ENGINE_NAMES)
  describe(`joining a cluster on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
    });
    after(() => subject?.stop());
    beforeEach(() => forgetAll(database));
    const sessions = async () =>
      (await database.query(`SELECT node_id, mode, state FROM node_session ORDER BY started_at`)).map(row => [
        row.node_id,
        row.mode,
        row.state,
      ]);
    const refused = async (nodeId: string, limits = QUICK, now?: () => number) => {
      const before = await everything(database);
      const error = await rejection('failed', joinCluster(database, newRun(nodeId), limits, now));
      assert.deepEqual(await everything(database), before);
      return error.message;
    };

    it('makes a member with open lanes and a lease, and without shards', async () => {
      const run = newRun('a');
      await joinCluster(database, run, LIMITS);
      assert.deepEqual(await sessions(), [['a', 'cluster', 'open']]);
      assert.deepEqual(await database.query('SELECT lane, open FROM node_lane ORDER BY lane'), [
        { lane: 0, open: true },
        { lane: 1, open: true },
      ]);
      const [lease] = await database.query(
        `SELECT expires_at BETWEEN clock_timestamp() + '8 s' AND clock_timestamp() + '10 s' AS runs FROM node_session`,
      );
      assert.deepEqual(lease, { runs: true });
      assert.deepEqual(await database.query('SELECT DISTINCT holder, epoch FROM shard'), [{ holder: null, epoch: 0 }]);
    });

    it('makes no lanes for a process that hosts no actors', async () => {
      await join(database, 'front', { hosts: false });
      assert.deepEqual(await database.query('SELECT * FROM node_lane'), []);
    });

    it('lets several nodes with names of their own in at once', async () => {
      const names = ['a', 'b', 'c', 'd'];
      await Promise.all(names.map(name => join(database, name)));
      assert.deepEqual((await sessions()).map(one => one[0]).sort(), names);
    });

    it('refuses the name of a node that lives', async () => {
      const { instanceId } = await join(database, 'a');
      const message = await whileRenewing(database, instanceId, () => refused('a'));
      assert.equal(message, 'Another process runs as node a; give this one another SKEIN_NODE_ID.');
    });

    it('lets in one of two with the same name that begin at once', async () => {
      const runs = [newRun('a'), newRun('a')];
      const joining = runs.map(run => joinCluster(database, run, QUICK).then(() => run));
      const first = await Promise.any(joining);
      const outcomes = await whileRenewing(database, first.instanceId, () => Promise.allSettled(joining));
      assert.deepEqual(outcomes.map(outcome => outcome.status).sort(), ['fulfilled', 'rejected']);
      assert.equal((await sessions()).length, 1);
    });

    it('goes on at once when the node of that name died, and leaves its session to takeover', async () => {
      await joinCluster(database, newRun('a'), LONG_LEASE);
      await joinCluster(database, newRun('a'), LONG_LEASE);
      assert.deepEqual(await sessions(), [
        ['a', 'cluster', 'open'],
        ['a', 'cluster', 'open'],
      ]);
    });

    it('watches nobody whose session is closed or whose lease ran out long ago', async () => {
      const [closed, dead] = [await join(database, 'a'), await join(database, 'b')];
      await closeInstance(database, closed.instanceId);
      await letLeaseRunOut(database, dead.instanceId, 60_000);
      // Watching would take two hours.
      const patient = { ...LIMITS, leaseRenewalMs: 3_600_000 };
      for (const nodeId of ['a', 'b']) await joinCluster(database, newRun(nodeId), patient);
      assert.equal((await sessions()).length, 4);
    });

    it('refuses while a process without NATS_URL lives, whatever its name', async () => {
      const alone = newRun('n1');
      await openStandalone(database, alone, LIMITS);
      for (const nodeId of ['a', 'n1'])
        assert.equal(
          await whileRenewing(database, alone.instanceId, async () => {
            // The lease of PGlite has no end to renew, so here it is one as on a server.
            if (engine === 'pglite') await letLeaseRunOut(database, alone.instanceId, -10_000);
            return refused(nodeId);
          }),
          'A process without NATS_URL uses this database (node n1); stop it first.',
        );
    });

    it('goes on when the process without NATS_URL died, and leaves its shards to takeover', async () => {
      const alone = await openAlone(database, LONG_LEASE);
      await join(database, 'a');
      assert.deepEqual(await sessions(), [
        ['n1', 'standalone', 'open'],
        ['a', 'cluster', 'open'],
      ]);
      assert.deepEqual(await database.query('SELECT DISTINCT holder FROM shard'), [{ holder: alone }]);
    });

    it('refuses a database with other shards', async () => {
      await database.query('INSERT INTO shard (shard_id) VALUES (256)');
      assert.equal(await refused('a'), 'The database has 257 shards, this Skein works with 256.');
      await database.query('DELETE FROM shard WHERE shard_id = 256');
      await join(database, 'a');
    });

    it('refuses a machine whose clock is wrong, and says by how much', async () => {
      const [row] = await database.query<{ ms: number }>(
        `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 - $1::float8 AS ms`,
        [Date.now()],
      );
      const set = (seconds: number) => () => Date.now() + row!.ms + seconds * 1_000;
      assert.match(
        await refused('a', QUICK, set(3_600)),
        /^The clock of this machine is 3600 s ahead of the database's/,
      );
      assert.match(await refused('a', QUICK, set(-120)), /^The clock of this machine is 120 s behind the database's/);
      await joinCluster(database, newRun('a'), QUICK, set(4));
      await joinCluster(database, newRun('b'), QUICK, set(-4));
    });

    it('does not blame the clock for an answer that took long', async () => {
      const readings = [0, 20_000];
      const [row] = await database.query<{ ms: number }>(
        `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms`,
      );
      const now = () => row!.ms - 18_000 + readings.shift()!;
      await joinCluster(database, newRun('a'), QUICK, now);
      // The same difference with a quick answer is one of the clock.
      assert.match(await refused('b', QUICK, () => row!.ms - 18_000), /behind/);
    });
  });
