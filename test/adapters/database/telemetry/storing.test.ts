/** Datapoints as lanes store them, and the marks that they leave: the same on every engine that is there. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Database } from '../../../../adapters/database/database.ts';
import { readNewest } from '../../../../adapters/database/telemetry/newest.ts';
import { ENGINE_NAMES } from '../engines.ts';
import { StoredDevices } from '../stored-devices.ts';
import { DAY_MS, Feed, foldAll, HOUR_MS, MINUTE_MS, markedHours } from './telemetry-world.ts';

for (const engine of ENGINE_NAMES)
  describe(`storing telemetry on ${engine}`, () => {
    let world: StoredDevices;
    let database: Database;
    /** The middle of an hour that is long over, and of the one that it is. */
    const thenMs = Math.floor(Date.now() / DAY_MS - 5) * DAY_MS + 90 * MINUTE_MS;
    let hourMs: number;
    before(async () => {
      world = await StoredDevices.start(engine);
      database = world.database;
      hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
    });
    after(() => world?.stop());
    const newFeed = async (name = 't') => new Feed(world, await world.add(), name);
    const stored = ({ device }: Feed) =>
      database.query<{ ms: number; value: number | null }>(
        `SELECT (extract(epoch FROM ts) * 1000)::int8 AS ms, value, value_json FROM telemetry WHERE device_uid = $1 ORDER BY ts`,
        [device.uid],
      );

    it('puts a batch of one day and one of several days where they belong', async () => {
      const feed = await newFeed();
      assert.deepEqual(await feed.send({ ms: thenMs, value: 1 }, { ms: thenMs + 1, value: 2 }), [true]);
      const days = [1, 2, 3].map(day => ({ ms: thenMs + day * DAY_MS, value: day }));
      assert.deepEqual(await feed.send(...days), [true]);
      assert.deepEqual(
        (await stored(feed)).map(it => it.ms),
        [thenMs, thenMs + 1, ...days.map(it => it.ms)],
      );
    });

    it('keeps the first of what comes twice, and says that the second was none', async () => {
      const feed = await newFeed();
      await feed.send({ ms: thenMs + 5, value: 1 });
      assert.deepEqual(await feed.send({ ms: thenMs + 5, value: 99 }), [false]);
      assert.deepEqual(await feed.send({ ms: thenMs + 5, value: 98 }, { ms: thenMs + 4, value: 2 }), [true]);
      assert.deepEqual(
        (await stored(feed)).map(it => it.value),
        [2, 1],
      );
    });

    it('stores a message with an id once, whatever its time', async () => {
      const feed = await newFeed();
      assert.deepEqual(await feed.send({ ms: thenMs, value: 1, messageId: 'm1' }), [true]);
      assert.deepEqual(await feed.send({ ms: thenMs + 9, value: 1, messageId: 'm1' }), [false]);
      assert.deepEqual((await stored(feed)).length, 1);
    });

    it('keeps numbers, booleans and documents as they are', async () => {
      const feed = await newFeed();
      await feed.send(
        { ms: thenMs, value: -0.1 },
        { ms: thenMs + 1, value: 1, json: 'true' },
        { ms: thenMs + 2, value: null, json: '{"a":[1]}' },
      );
      const rows = (await stored(feed)).map(({ ms: _ms, ...rest }) => rest);
      assert.deepEqual(rows, [
        { value: -0.1, value_json: null },
        { value: 1, value_json: true },
        { value: null, value_json: { a: [1] } },
      ]);
    });

    it('finds the newest by its day, and late data never takes its place', async () => {
      const feed = await newFeed();
      const newest = async () => {
        const rows = await database.query<{ measurement_id: number; newest_day: number }>(
          'SELECT measurement_id, newest_day FROM device_measurement WHERE device_uid = $1',
          [feed.device.uid],
        );
        const found = await readNewest(
          database,
          rows.map(it => ({ device: feed.device.uid, measurement: it.measurement_id, day: it.newest_day })),
        );
        return found.map(it => it.us / 1_000);
      };
      await feed.send({ ms: thenMs, value: 1 });
      assert.deepEqual(await newest(), [thenMs]);
      await feed.send({ ms: thenMs - 3 * DAY_MS, value: 2 });
      assert.deepEqual(await newest(), [thenMs]);
      await feed.send({ ms: thenMs + DAY_MS, value: 3 }, { ms: thenMs - DAY_MS, value: 4 });
      assert.deepEqual(await newest(), [thenMs + DAY_MS]);
      const { newestUs } = await world.load(feed.device);
      assert.deepEqual(newestUs, [(thenMs + DAY_MS) * 1_000], 'an actor begins with the same');
    });

    it('marks an hour with its first datapoint, and not with those that follow while it lasts', async () => {
      const feed = await newFeed();
      await feed.send({ ms: hourMs, value: 1 });
      assert.deepEqual(await markedHours(database, feed.device), [hourMs]);
      await unmark(feed);
      await feed.send({ ms: hourMs + 1, value: 2 });
      assert.deepEqual(await markedHours(database, feed.device), []);
      await feed.send({ ms: hourMs + HOUR_MS, value: 2 });
      assert.deepEqual(
        await markedHours(database, feed.device),
        [hourMs + HOUR_MS],
        'of the next hour it is the first',
      );
    });

    it('marks an hour that is over with each datapoint', async () => {
      const feed = await newFeed();
      for (const ms of [thenMs, thenMs + 1, thenMs - 1]) {
        await feed.send({ ms, value: 1 });
        assert.deepEqual(await markedHours(database, feed.device), [Math.floor(ms / HOUR_MS) * HOUR_MS]);
        await unmark(feed);
      }
    });

    it('marks nothing that it does not store', async () => {
      const feed = await newFeed();
      const wrong = new Feed(world, { ...feed.device, uid: feed.device.uid }, 't');
      // The second has the key of the first, and says that it is new: COPY refuses it, and nothing of the transaction stays.
      await feed.send({ ms: thenMs, value: 1 });
      await unmark(feed);
      await assert.rejects(wrong.send({ ms: thenMs, value: 1 }));
      assert.deepEqual(await markedHours(database, feed.device), []);
    });

    it('leaves hours of devices whose clocks are ahead alone until they are over', async () => {
      const feed = await newFeed();
      const ahead = hourMs + 3 * HOUR_MS;
      await feed.send({ ms: ahead, value: 1 });
      await foldAll(database, hourMs + HOUR_MS);
      assert.deepEqual(await markedHours(database, feed.device), [ahead]);
    });

    const unmark = ({ device }: Feed) =>
      database.query('DELETE FROM telemetry_change WHERE device_uid = $1', [device.uid]);
  });
