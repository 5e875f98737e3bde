/** Rollups and marks together say what the datapoints say, whatever comes in which order: on every engine that is there. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it, mock } from 'node:test';
import fc from 'fast-check';
import type { Engine } from '../../../../adapters/database/database.ts';
import { ENGINE_NAMES, MISSING_ENGINES } from '../engines.ts';
import { StoredDevices } from '../stored-devices.ts';
import { markRemoved } from './removed-rows.ts';
import { assertExact, DAY_MS, Feed, foldAll, HOUR_MS, MINUTE_MS, markedHours, readRollups } from './telemetry-world.ts';

/** Of TimescaleDB each fold is some refreshes. */
const RUNS: Readonly<Record<Engine, number>> = { pglite: 12, postgres: 20, timescale: 5 };

for (const engine of MISSING_ENGINES)
  it.skip(`THE ENGINE ${engine.toUpperCase()} IS NOT TESTED: SKEIN_TEST_TIMESCALE_URL names no server that has it`, () => {});
if (MISSING_ENGINES.length > 0)
  it('says loudly which engines were not found', t => {
    for (const engine of MISSING_ENGINES)
      t.diagnostic(`NOT TESTED: no server with ${engine} was found (SKEIN_TEST_TIMESCALE_URL is not set)`);
  });

type Act =
  | { readonly kind: 'points'; readonly feed: number; readonly minutesAgo: number; readonly values: readonly number[] }
  | { readonly kind: 'wait'; readonly minutes: number }
  | { readonly kind: 'remove'; readonly feed: number; readonly hoursAgo: number }
  | { readonly kind: 'fold' };

const FEEDS = 3;
const feedNumber = fc.nat(FEEDS - 1);
const value = fc.oneof(
  fc.integer({ min: -50, max: 50 }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constantFrom(1e300, 5e-324, -0),
);
const minutesAgo = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -90, max: 3_000 }));
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('points' as const),
      feed: feedNumber,
      minutesAgo,
      values: fc.array(value, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      minutes: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constant(1_440)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fold' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), feed: feedNumber, hoursAgo: fc.nat(50) }) },
);

for (const engine of ENGINE_NAMES)
  describe(`rollups on ${engine}`, () => {
    let world: StoredDevices;
    /** Each test has days of its own, later ones than the test before: clocks do not go back. */
    let nowMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - 10 * DAY_MS;
    before(async () => {
      world = await StoredDevices.start(engine);
    });
    after(() => world?.stop());
    afterEach(() => mock.timers.reset());

    const at = (ms: number) => {
      nowMs = ms;
      mock.timers.reset();
      mock.timers.enable({ apis: ['Date'], now: ms });
    };
    const newDay = () => at((Math.floor(nowMs / DAY_MS) + 4) * DAY_MS + 12 * HOUR_MS);
    const newFeed = async (name = 't') => new Feed(world, await world.add(), name);
    const span = (...feeds: Feed[]) => ({
      devices: feeds.map(it => it.device),
      fromMs: (Math.floor(nowMs / DAY_MS) - 4) * DAY_MS,
      toMs: (Math.floor(nowMs / DAY_MS) + 3) * DAY_MS,
    });

    it('are exact at every moment, together with the hours that are marked', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 30 }), async acts => {
          newDay();
          const feeds = [await newFeed('a'), await newFeed('b'), await newFeed('a')];
          for (const one of acts) {
            if (one.kind === 'fold') await foldAll(world.database, nowMs, { rollupPieceMaxHours: 3 });
            else if (one.kind === 'wait') at(nowMs + one.minutes * MINUTE_MS);
            else if (one.kind === 'remove')
              await markRemoved(world.database, feeds[one.feed]!, nowMs - one.hoursAgo * HOUR_MS);
            else {
              const ms = nowMs - one.minutesAgo * MINUTE_MS;
              await feeds[one.feed]!.send(...one.values.map((value, i) => ({ ms: ms + i * 20_011, value })));
            }
            if (one.kind === 'fold') await assertExact(world.database, span(...feeds));
          }
          await assertExact(world.database, span(...feeds));
          // Three days later nothing is marked, and the rollups alone say it.
          at(nowMs + 3 * DAY_MS);
          await foldAll(world.database, nowMs);
          for (const { device } of feeds) assert.deepEqual(await markedHours(world.database, device), []);
          await assertExact(world.database, span(...feeds), true);
        }),
        { numRuns: RUNS[engine], endOnFailure: true },
      );
    });

    it('are not there before their hour has been over for a while, and are made again for what comes late', async () => {
      newDay();
      const feed = await newFeed();
      const hour = nowMs;
      await feed.send({ ms: hour + 1, value: 1 }, { ms: hour + MINUTE_MS, value: 3 });
      await foldAll(world.database, hour + HOUR_MS + 299_999);
      assert.deepEqual(await markedHours(world.database, feed.device), [hour]);
      at(hour + HOUR_MS + 300_000);
      await foldAll(world.database, nowMs);
      assert.deepEqual(await markedHours(world.database, feed.device), []);
      const read = async () =>
        (await readRollups(world.database, 'telemetry_1h', span(feed), true)).map(it => [it.count, it.sum]);
      assert.deepEqual(await read(), [[2, 4]]);
      await feed.send({ ms: hour + 2 * MINUTE_MS, value: 5 });
      assert.deepEqual(await markedHours(world.database, feed.device), [hour]);
      assert.deepEqual(await read(), [[2, 4]], 'the control: without the mark the reader would be wrong');
      await assertExact(world.database, span(feed));
      await foldAll(world.database, nowMs);
      assert.deepEqual(await read(), [[3, 9]]);
    });

    it('of an hour go when its datapoints have gone', async () => {
      newDay();
      const feed = await newFeed();
      await feed.send({ ms: nowMs, value: 1 }, { ms: nowMs + HOUR_MS, value: 2 });
      const removed = nowMs;
      at(nowMs + DAY_MS);
      await foldAll(world.database, nowMs);
      await markRemoved(world.database, feed, removed);
      await foldAll(world.database, nowMs);
      const rows = await readRollups(world.database, 'telemetry_1d', span(feed), true);
      assert.deepEqual(
        rows.map(it => it.count),
        [1],
      );
      await markRemoved(world.database, feed, removed + HOUR_MS);
      await foldAll(world.database, nowMs);
      for (const name of ['telemetry_1m', 'telemetry_1h', 'telemetry_1d'] as const)
        assert.deepEqual(await readRollups(world.database, name, span(feed), true), []);
    });

    it('leave out what is no number, and numbers whose squares nobody can add', async () => {
      newDay();
      const feed = await newFeed();
      const texts = { value: null, json: '"on"' };
      await feed.send(
        { ms: nowMs, ...texts },
        { ms: nowMs + 1, value: 1.7e308 },
        { ms: nowMs + 2, value: 1.7e308 },
        { ms: nowMs + 3, value: 7 },
      );
      await feed.send({ ms: nowMs + HOUR_MS, ...texts });
      at(nowMs + DAY_MS);
      await foldAll(world.database, nowMs);
      assert.deepEqual(await markedHours(world.database, feed.device), []);
      const rows = await readRollups(world.database, 'telemetry_1d', span(feed), true);
      assert.deepEqual(
        rows.map(it => [it.count, it.sum, it.variance, it.first]),
        [[1, 7, 0, 7]],
      );
    });

    it('are left as they are where datapoints were archived or dropped: they are the record of them', async () => {
      newDay();
      const feed = await newFeed();
      await feed.send({ ms: nowMs, value: 5 });
      const hour = nowMs;
      at(nowMs + 2 * DAY_MS);
      await foldAll(world.database, nowMs);
      const read = async () => (await readRollups(world.database, 'telemetry_1h', span(feed), true)).map(it => it.sum);
      await world.database.query('DELETE FROM telemetry WHERE device_uid = $1 AND ts >= $2 AND ts < $3', [
        feed.device.uid,
        new Date(hour),
        new Date(hour + HOUR_MS),
      ]);
      await world.database.query(
        'INSERT INTO telemetry_removed VALUES ($1, $2, int4multirange(int4range($3, $3::int + 1)))',
        [feed.device.uid, await feed.id(), hour / HOUR_MS],
      );
      await world.database.query('INSERT INTO telemetry_removed_days VALUES ($1)', [Math.floor(hour / DAY_MS)]);
      await feed.send({ ms: hour + 1, value: 3 });
      await foldAll(world.database, nowMs);
      assert.deepEqual(await read(), [5]);
      assert.deepEqual(await markedHours(world.database, feed.device), [hour]);
      // The control: made again, the record would be gone.
      await world.database.query('DELETE FROM telemetry_removed WHERE device_uid = $1', [feed.device.uid]);
      await world.database.query('DELETE FROM telemetry_removed_days');
      await foldAll(world.database, nowMs);
      assert.deepEqual(await read(), [3]);
    });

    it('of a backlog of years are made in pieces', async () => {
      newDay();
      const feed = await newFeed();
      const start = Date.UTC(2019, 0, 1);
      const days = 60;
      await feed.send(...Array.from({ length: days }, (_, day) => ({ ms: start + day * DAY_MS, value: day })));
      const pieces = await foldAll(world.database, nowMs, { rollupPieceMaxHours: 7 });
      assert.ok(pieces >= days, `${pieces} pieces`);
      const rows = await readRollups(
        world.database,
        'telemetry_1d',
        { devices: [feed.device], fromMs: start, toMs: nowMs },
        true,
      );
      assert.equal(rows.length, days);
    });
  });
