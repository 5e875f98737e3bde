/** Telemetry moves from rows to files to nothing as policies say, and no datapoint is ever lost or doubled on its way. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Database } from '../../adapters/database/database.ts';
import type { ArchiveStep } from '../../adapters/database/telemetry/archive-writing.ts';
import { ENGINE_NAMES } from '../adapters/database/engines.ts';
import type { Feed } from '../adapters/database/telemetry/telemetry-world.ts';
import { dayMs, TiersWorld } from './tiers-world.ts';

const STEPS: readonly ArchiveStep[] = ['recorded', 'written', 'checked', 'removed', 'committed'];

class Killed extends Error {}

/** A database whose process is gone from a moment on: it is asked for nothing more. */
function mortal(database: Database): { database: Database; kill: () => void } {
  let isDead = false;
  const alive =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      isDead ? Promise.reject(new Killed()) : work(...args);
  const proxy: Database = {
    engine: database.engine,
    query: alive((sql, params) => database.query(sql, params)) as Database['query'],
    transaction: alive(work => database.transaction(work)) as Database['transaction'],
    reader: sql => database.reader(sql),
    script: sql => database.script(sql),
    lane: name => database.lane(name),
    close: () => database.close(),
  };
  return {
    database: proxy,
    kill: () => {
      isDead = true;
    },
  };
}

for (const engine of ENGINE_NAMES)
  describe(`tiers on ${engine}`, () => {
    let world: TiersWorld;
    before(async () => {
      world = await TiersWorld.start(engine);
    });
    after(() => world?.stop());
    afterEach(() => world.clear());
    const hourly = async (feed: Feed) => {
      const rows = await world.database.query<{ count: number; sum: number }>(
        'SELECT sum(count)::int8 AS count, sum(sum) AS sum FROM telemetry_1h WHERE device_uid = $1 AND measurement_id = $2',
        [feed.device.uid, await feed.id()],
      );
      return rows[0];
    };

    it('what is old enough becomes files, and is read as it was', async () => {
      const feed = await world.fill(await world.device(), 't', 10, [
        { ms: dayMs(10) + 5, value: -0.5 },
        { ms: dayMs(10) + 6, value: null, json: '{"a": [1, "x"]}' },
        { ms: dayMs(10) + 7, value: 1, json: 'true' },
      ]);
      const young = await world.fill(await world.device(), 't', 3);
      await world.fold();
      const before = await world.timesOf(feed);
      await world.policy('all', { archive_after_days: 5 });
      const { archived } = await world.sweep({ archiveFileMaxRows: 50 });
      assert.equal(archived, 147);
      assert.deepEqual(await world.rows(feed), []);
      assert.deepEqual(await world.timesOf(feed), before);
      assert.equal((await world.rows(young)).length, 144);
      const [first, number, text, yes] = await world.archived(feed);
      assert.deepEqual(
        [first!.value, number!.value, text!.valueJson, yes!.value, yes!.valueJson],
        [0, -0.5, { a: [1, 'x'] }, 1, true],
      );
      assert.deepEqual(
        (await world.archived(feed, { archiveReadMaxRows: 10 })).map(it => it.us),
        before,
      );
      const [range, ...more] = await world.reader().ranges(world.stored.tenantId, [feed.device.uid], 0, 4e15);
      assert.equal(range!.fromUs, before[0]);
      assert.deepEqual(await world.reader().ranges(world.stored.tenantId + 1, null, 0, 4e15), []);
      assert.ok(more.length < 4);
      assert.deepEqual(await world.sweep(), {
        archived: 0,
        dropped: 0,
        rollupsRemoved: 0,
        archivesRemoved: 0,
        partsDropped: 0,
      });
    });

    it('the rollups of what was archived or dropped stay, and late data is added to them', async () => {
      const feed = await world.fill(await world.device(), 'kept', 20);
      await world.fold();
      assert.deepEqual(await hourly(feed), { count: 144, sum: 10_296 });
      await world.policy('kept', { measurement: 'kept', archive_after_days: 5 });
      await world.sweep();
      assert.deepEqual(await hourly(feed), { count: 144, sum: 10_296 });
      await world.send(feed, { ms: dayMs(20) + 1, value: 1_000 });
      await world.fold();
      assert.deepEqual(await hourly(feed), { count: 144, sum: 10_296 });
      assert.equal((await world.timesOf(feed)).length, 145);
      // Twice the same, and again after it was archived.
      await world.send(feed, { ms: dayMs(20) + 1, value: 1_000 });
      await world.sweep();
      await world.send(feed, { ms: dayMs(20) + 1, value: 1_000 }, { ms: dayMs(20), value: 0 });
      assert.equal((await world.timesOf(feed)).length, 145);
      await world.sweep();
      assert.equal((await world.timesOf(feed)).length, 145);
      assert.deepEqual(
        await hourly(feed),
        engine === 'timescale' ? { count: 144, sum: 10_296 } : { count: 145, sum: 11_296 },
      );
    });

    for (const [at, step] of STEPS.entries())
      it(`nothing is lost or doubled when the process ends after the step ${step}`, async () => {
        const feed = await world.fill(await world.device(), `killed-${step}`, 40 + at);
        await world.fold();
        const before = await world.timesOf(feed);
        await world.policy('killed', { measurement: `killed-${step}`, archive_after_days: 5 });
        const { database, kill } = mortal(world.database);
        const runner = world.runner(
          { archiveFileMaxRows: 100 },
          now => {
            if (now !== step) return;
            kill();
            throw new Killed();
          },
          database,
        );
        await assert.rejects(runner.sweep(), Killed);
        assert.deepEqual(await world.timesOf(feed), before);
        await world.sweep();
        assert.deepEqual(await world.timesOf(feed), before);
        assert.deepEqual(await world.rows(feed), []);
        // What it left is removed when its time is over.
        await world.database.query(
          `UPDATE telemetry_archive SET changed_at = now() - interval '2 hours' WHERE state <> 'valid'`,
        );
        await world.sweep();
        await world.sweep();
        const valid = await world.database.query<{ key: string }>(
          `SELECT key FROM telemetry_archive WHERE state = 'valid' ORDER BY key`,
        );
        assert.deepEqual((await world.keys()).sort(), valid.map(it => it.key).sort());
        assert.deepEqual(await world.timesOf(feed), before);
      });

    it('rows that come while a file is written are not removed with it', async () => {
      const feed = await world.fill(await world.device(), 'meanwhile', 50);
      await world.fold();
      await world.policy('meanwhile', { measurement: 'meanwhile', archive_after_days: 5 });
      let came = false;
      const runner = world.runner({}, async at => {
        if (at !== 'checked' || came) return;
        came = true;
        await world.send(feed, { ms: dayMs(50) + 77, value: 5 });
      });
      await runner.sweep();
      assert.equal((await world.rows(feed)).length, 145);
      assert.equal((await world.timesOf(feed)).length, 145);
      await world.fold();
      await world.sweep();
      assert.equal((await world.rows(feed)).length, 0);
      assert.equal((await world.timesOf(feed)).length, 145);
    });

    it('a row that is erased while a file is written does not come back with it', async () => {
      const feed = await world.fill(await world.device(), 'erased', 52);
      await world.fold();
      await world.policy('erased', { measurement: 'erased', archive_after_days: 5 });
      const runner = world.runner({}, async at => {
        if (at === 'checked')
          await world.database.query('DELETE FROM telemetry WHERE device_uid = $1 AND ts = $2', [
            feed.device.uid,
            new Date(dayMs(52)),
          ]);
      });
      await runner.sweep();
      assert.equal((await world.timesOf(feed)).length, 143);
      await world.sweep();
      assert.equal((await world.archived(feed)).length, 143);
      assert.deepEqual(await world.rows(feed), []);
    });

    it('a file that was changed in the store does not cost its rows', async () => {
      const feed = await world.fill(await world.device(), 'changed', 51);
      await world.fold();
      await world.policy('changed', { measurement: 'changed', archive_after_days: 5 });
      const runner = world.runner({}, async at => {
        if (at !== 'written') return;
        const [writing] = await world.database.query<{ key: string }>(
          `SELECT key FROM telemetry_archive WHERE state = 'writing'`,
        );
        const { key } = writing!;
        const whole = await world.blobs.read(key, 0, 1e9);
        await world.blobs.put(
          key,
          (async function* () {
            yield whole.map((byte, place) => (place === 40 ? byte ^ 255 : byte));
          })(),
        );
      });
      await runner.sweep().catch(() => {});
      assert.equal((await world.rows(feed)).length, 144);
      assert.equal((await world.archived(feed)).length, 0);
    });

    it('of several policies the one that says most counts', async () => {
      const pump = await world.device('pump');
      const other = await world.device('fan');
      const feeds = await Promise.all([
        world.fill(pump, 'p', 30),
        world.fill(pump, 'q', 30),
        world.fill(other, 'p', 30),
        world.fill(other, 'q', 30),
      ]);
      await world.fold();
      await world.policy('type-and-measurement', { device_type: 'pump', measurement: 'p' });
      await world.policy('measurement', { measurement: 'p', drop_after_days: 20 });
      await world.policy('type', { device_type: 'pump', archive_after_days: 20 });
      await world.policy('rest', {});
      await world.sweep();
      const rows = await Promise.all(feeds.map(feed => world.rows(feed).then(it => it.length)));
      assert.deepEqual(rows, [144, 0, 0, 144]);
      const archived = await Promise.all(feeds.map(feed => world.archived(feed).then(it => it.length)));
      assert.deepEqual(archived, [0, 144, 0, 0]);
      // Files go when they are older than a policy lets them be.
      await world.database.query(`UPDATE storage_policy SET drop_after_days = 25 WHERE name = 'type'`);
      assert.equal((await world.sweep()).archivesRemoved, 1);
      assert.deepEqual(await world.archived(feeds[1]!), []);
      assert.deepEqual(await hourly(feeds[1]!), { count: 144, sum: 10_296 });
      await world.database.query(`UPDATE storage_policy SET rollups_keep_days = 25 WHERE name = 'type'`);
      assert.ok((await world.sweep()).rollupsRemoved > 24);
      assert.equal((await hourly(feeds[1]!))!.count, null);
      assert.deepEqual(await hourly(feeds[0]!), { count: 144, sum: 10_296 });
    });

    it('what a hold covers is neither archived nor dropped until it is released', async () => {
      const held = await world.fill(await world.device(), 'held', 15);
      const free = await world.fill(await world.device(), 'held', 15);
      await world.fold();
      await world.policy('held', { measurement: 'held', drop_after_days: 10 });
      await world.hold({ device_id: held.device.id, from_at: new Date(dayMs(16)), to_at: new Date(dayMs(15) + 1) });
      // One that ends before, and one that is about something else.
      await world.hold({ device_id: free.device.id, to_at: new Date(dayMs(15)) });
      await world.hold({ device_id: free.device.id, measurement: 'other' });
      await world.sweep();
      assert.deepEqual([(await world.rows(held)).length, (await world.rows(free)).length], [144, 0]);
      await world.database.query(`UPDATE legal_hold SET released_at = now()`);
      await world.sweep();
      assert.equal((await world.rows(held)).length, 0);
    });

    it('a hold that comes while a file is written keeps its rows', async () => {
      const feed = await world.fill(await world.device(), 'late-hold', 15);
      await world.fold();
      await world.policy('late', { measurement: 'late-hold', archive_after_days: 10 });
      await world
        .runner({}, async at => {
          if (at === 'checked') await world.hold({ measurement: 'late-hold' });
        })
        .sweep();
      assert.equal((await world.rows(feed)).length, 144);
      assert.deepEqual(await world.archived(feed), []);
    });
  });
