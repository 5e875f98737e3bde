/** Whole partitions are dropped while others read and write, several nodes share the work, and files may be in a bucket. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { listParts } from '../../adapters/database/telemetry/removal-parts.ts';
import { STORES } from '../adapters/blobs/stores.ts';
import { ENGINE_NAMES } from '../adapters/database/engines.ts';
import { dayMs, TiersWorld, TODAY } from './tiers-world.ts';

for (const engine of ENGINE_NAMES)
  describe(`partitions on ${engine}`, () => {
    let world: TiersWorld;
    before(async () => {
      world = await TiersWorld.start(engine);
    });
    after(() => world?.stop());
    afterEach(() => world.clear());
    const partOf = async (daysAgo: number) =>
      (await listParts(world.database, 'telemetry')).find(
        it => it.from_day <= TODAY - daysAgo && it.to_day > TODAY - daysAgo,
      );

    it('one of which nothing is to be kept goes as a whole, and its rollups stay', async () => {
      const feed = await world.fill(await world.device(), 'whole', 9);
      const kept = await world.fill(await world.device(), 'whole', 7);
      await world.fold();
      await world.policy('whole', { measurement: 'whole', drop_after_days: 8 });
      const { dropped, partsDropped } = await world.sweep();
      assert.deepEqual([dropped, partsDropped], [0, 1]);
      assert.equal(await partOf(9), undefined);
      assert.deepEqual([(await world.rows(feed)).length, (await world.rows(kept)).length], [0, 144]);
      const [sum] = await world.database.query(
        'SELECT sum(count)::int8 AS count FROM telemetry_1h WHERE device_uid = $1',
        [feed.device.uid],
      );
      assert.equal(sum!.count, 144);
    });

    it('one with a single datapoint that is to be kept stays, and only the others go', async () => {
      const feed = await world.fill(await world.device(), 'some', 9);
      const kept = await world.fill(await world.device(), 'other', 9);
      await world.fold();
      await world.policy('some', { measurement: 'some', drop_after_days: 8 });
      const { dropped, partsDropped } = await world.sweep();
      // On TimescaleDB the test before has moved rows of this day, so that its rollups are made no more; rows are dropped all the same.
      assert.deepEqual([dropped, partsDropped], [144, 0]);
      assert.deepEqual([(await world.rows(feed)).length, (await world.rows(kept)).length], [0, 144]);
    });

    it('readers and writers of all days go on while one is dropped, and nothing of theirs is lost', async () => {
      const old = await world.fill(await world.device(), 'busy', 20);
      const young = await world.fill(await world.device(), 'calm', 1);
      await world.fold();
      await world.policy('busy', { measurement: 'busy', drop_after_days: 10 });
      let isOver = false;
      let written = 0;
      const late = await world.device();
      const feed = await world.fill(late, 'calm', 2);
      const write = async () => {
        // Into the day that is going, by a device whose datapoints are to be kept.
        for (; !isOver; written++) await world.send(feed, { ms: dayMs(20) + written, value: written });
      };
      const read = async () => {
        while (!isOver) assert.equal((await world.rows(young)).length, 144);
      };
      const work = async () => {
        for (let at = 0; at < 5 || written < 5; at++) await world.sweep();
        isOver = true;
      };
      await Promise.all([write(), read(), work()]);
      assert.equal((await world.rows(feed)).length, 144 + written);
      await world.fold();
      await world.sweep();
      assert.equal((await world.rows(old)).length, 0);
      assert.equal((await world.rows(feed)).length, 144 + written);
    });

    it('two nodes at once move each datapoint once', async () => {
      const feeds = await Promise.all(
        [30, 31, 32, 33].map(async days => world.fill(await world.device(), 'shared', days)),
      );
      await world.fold();
      await world.policy('shared', { measurement: 'shared', archive_after_days: 25 });
      const limits = { archiveFileMaxRows: 40 };
      await Promise.all([world.runner(limits).sweep(), world.runner(limits).sweep(), world.runner(limits).sweep()]);
      for (const feed of feeds) {
        assert.equal((await world.archived(feed)).length, 144);
        assert.deepEqual(await world.rows(feed), []);
      }
    });
  });

describe('tiers with a bucket', () => {
  it('files are written to it, read from it and removed from it', async () => {
    const { store, stop } = await STORES['a bucket of S3']!();
    const world = await TiersWorld.start('pglite', store);
    try {
      const feed = await world.fill(await world.device(), 'far', 10);
      await world.fold();
      const before = await world.timesOf(feed);
      await world.policy('far', { archive_after_days: 5 });
      await world.sweep();
      assert.deepEqual(await world.rows(feed), []);
      assert.deepEqual(await world.timesOf(feed), before);
      assert.equal((await world.keys()).length, 1);
      await world.database.query('UPDATE storage_policy SET drop_after_days = 6');
      assert.equal((await world.sweep()).archivesRemoved, 1);
      assert.deepEqual(await world.keys(), []);
    } finally {
      await world.stop();
      await stop();
    }
  });
});
