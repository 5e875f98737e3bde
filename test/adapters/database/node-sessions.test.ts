/** A process that is alone on its database, on both engines: it replaces those before it, and never a cluster. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Database } from '../../../adapters/database/database.ts';
import { migrate, readMigrations } from '../../../adapters/database/migrate.ts';
import { closeInstance, openStandalone } from '../../../adapters/database/node-sessions.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { ENGINE_NAMES, ENGINES, type Subject } from './engines.ts';
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

const states = async (database: Database) =>
  Object.fromEntries(
    (await database.query('SELECT instance_id, state FROM node_session')).map(row => [row.instance_id, row.state]),
  );
const openLanes = async (database: Database) =>
  (await database.query('SELECT instance_id, lane FROM node_lane WHERE open ORDER BY 1, 2')).map(row => [
    row.instance_id,
    row.lane,
  ]);

for (const engine of ENGINE_NAMES)
  describe(`a process alone on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
    });
    after(() => subject?.stop());
    beforeEach(() => forgetAll(database));

    it('has all shards, each with the next epoch, and its lanes', async () => {
      const run = newRun('n1');
      const holdings = await openStandalone(database, run, LIMITS);
      assert.deepEqual(
        holdings,
        Array.from({ length: 256 }, (_, shard) => ({ shard, epoch: 1, holder: run.instanceId })),
      );
      assert.deepEqual(await openLanes(database), [
        [run.instanceId, 0],
        [run.instanceId, 1],
      ]);
      const [row] = await database.query('SELECT node_id, address, hosts, mode, state, closed_at FROM node_session');
      assert.deepEqual(row, {
        node_id: 'n1',
        address: 'n1-address',
        hosts: true,
        mode: 'standalone',
        state: 'open',
        closed_at: null,
      });
    });

    it('has a lease that ends only where somebody else could need its end', async () => {
      await openAlone(database);
      const [row] = await database.query(
        `SELECT expires_at = 'infinity' AS endless, expires_at > clock_timestamp() AS runs FROM node_session`,
      );
      assert.deepEqual(row, { endless: engine === 'pglite', runs: true });
    });

    it('replaces the one before it: its session, its lanes and its shards', async () => {
      const older = await openAlone(database);
      const newer = newRun('n1');
      const holdings = await openStandalone(database, newer, LIMITS);
      assert.deepEqual(await states(database), { [older]: 'closed', [newer.instanceId]: 'open' });
      assert.ok((await openLanes(database)).every(([instanceId]) => instanceId === newer.instanceId));
      assert.ok(holdings.every(one => one.epoch === 2 && one.holder === newer.instanceId));
    });

    it('is the only one when two begin at once', async () => {
      const runs = [newRun('a'), newRun('b'), newRun('c')];
      await Promise.all(runs.map(run => openStandalone(database, run, LIMITS)));
      const open = Object.entries(await states(database)).filter(([, state]) => state === 'open');
      assert.equal(open.length, 1);
      assert.deepEqual(new Set((await openLanes(database)).map(one => one[0])), new Set([open[0]![0]]));
      const holders = await database.query('SELECT DISTINCT holder, epoch FROM shard');
      assert.deepEqual(holders, [{ holder: open[0]![0], epoch: 3 }]);
    });

    it('can end: then its session and lanes are closed, and its shards are there to be taken', async () => {
      const one = await openAlone(database);
      await closeInstance(database, one);
      assert.deepEqual(await states(database), { [one]: 'closed' });
      assert.deepEqual(await openLanes(database), []);
      assert.deepEqual(await database.query('SELECT DISTINCT holder FROM shard'), [{ holder: one }]);
    });

    it('removes sessions that were closed a week ago, but for those that still hold shards', async () => {
      const [old, holding, recent] = [newRun('old'), newRun('holding'), newRun('recent')];
      for (const { instanceId } of [old, holding, recent])
        await database.query(
          `INSERT INTO node_session (instance_id, node_id, state, closed_at) VALUES ($1, 'x', 'closed', $2)`,
          [instanceId, new Date(Date.now() - (instanceId === recent.instanceId ? 6 : 8) * 24 * 3600_000)],
        );
      await database.query('INSERT INTO node_lane SELECT instance_id, 0, false FROM node_session');
      await database.query('UPDATE shard SET holder = $1 WHERE shard_id = 7', [holding.instanceId]);
      const node = await join(database, 'n2');
      const kept = [holding.instanceId, recent.instanceId, node.instanceId].sort();
      assert.deepEqual(Object.keys(await states(database)).sort(), kept);
      // One that is alone takes the shards, so nothing is held by it any more.
      await closeInstance(database, node.instanceId);
      const alone = await openAlone(database);
      assert.deepEqual(Object.keys(await states(database)).sort(), [recent.instanceId, node.instanceId, alone].sort());
    });

    it('refuses a cluster that works, and changes nothing', async () => {
      const [a, b] = [await join(database, 'a'), await join(database, 'b')];
      const before = await everything(database);
      const error = await whileRenewing(database, a.instanceId, () =>
        rejection('failed', openStandalone(database, newRun('n1'), QUICK)),
      );
      assert.equal(error.message, 'A cluster of 2 nodes (a, b) works on this database; set NATS_URL to join it.');
      assert.deepEqual(await everything(database), before);
      assert.deepEqual(await states(database), { [a.instanceId]: 'open', [b.instanceId]: 'open' });
    });

    it('waits for a cluster that is silent until its lease runs out, then replaces it', async () => {
      const node = await join(database, 'a');
      const one = await openAlone(database, QUICK);
      assert.deepEqual(await states(database), { [node.instanceId]: 'closed', [one]: 'open' });
      const [row] = await database.query(
        'SELECT expires_at < closed_at AS ran_out FROM node_session WHERE node_id = $1',
        ['a'],
      );
      assert.deepEqual(row, { ran_out: true });
    });

    it('does not wait for a cluster that ended, or whose lease ran out long ago', async () => {
      const [ended, dead] = [await join(database, 'a'), await join(database, 'b')];
      await closeInstance(database, ended.instanceId);
      await letLeaseRunOut(database, dead.instanceId, 60_000);
      // Were it waiting, it would be for the 10 s of this lease, and the renewals would make it give up.
      await openAlone(database, LIMITS);
      assert.equal((await states(database))[dead.instanceId], 'closed');
    });

    it('refuses a database with other shards', async () => {
      await database.query('DELETE FROM shard WHERE shard_id = 255');
      const error = await rejection('failed', openStandalone(database, newRun('n1'), LIMITS));
      assert.equal(error.message, 'The database has 255 shards, this Skein works with 256.');
      assert.deepEqual(await states(database), {});
      await database.query('INSERT INTO shard (shard_id) VALUES (255)');
    });
  });

for (const engine of ENGINE_NAMES)
  describe(`a database of the version before, on ${engine}`, () => {
    it('ends the processes of that version, which know of no leases', async () => {
      const { database, stop } = await ENGINES[engine]();
      try {
        const migrations = await readMigrations();
        await migrate(database, migrations.slice(0, 1));
        const { instanceId } = newRun('old');
        await database.query(`INSERT INTO node_session (instance_id, node_id, state) VALUES ($1, 'old', 'open')`, [
          instanceId,
        ]);
        await database.query('INSERT INTO node_lane VALUES ($1, 0, true)', [instanceId]);
        assert.equal((await openLanes(database)).length, 1);
        await migrate(database, migrations);
        assert.deepEqual(await states(database), { [instanceId]: 'closed' });
        assert.deepEqual(await openLanes(database), []);
      } finally {
        await stop();
      }
    });
  });
