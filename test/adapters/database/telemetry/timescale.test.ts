/** What only TimescaleDB does: compressed chunks, and policies. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Database } from '../../../../adapters/database/database.ts';
import { keepUp } from '../../../../adapters/database/telemetry/upkeep.ts';
import { LIMITS } from '../../../../contracts/limits.ts';
import { ENGINE_NAMES } from '../engines.ts';
import { StoredDevices } from '../stored-devices.ts';
import { assertExact, DAY_MS, Feed, foldAll, MINUTE_MS } from './telemetry-world.ts';

const BASE_MS = Math.floor(Date.now() / DAY_MS - 20) * DAY_MS;

describe('telemetry on TimescaleDB', {
  skip: ENGINE_NAMES.includes('timescale') ? false : 'SKEIN_TEST_TIMESCALE_URL is not set',
}, () => {
  let world: StoredDevices;
  let database: Database;
  before(async () => {
    world = await StoredDevices.start('timescale');
    database = world.database;
  });
  after(() => world?.stop());

  it('is compressed by a policy that follows the limit', async () => {
    const policies = () =>
      database.query(`SELECT config ->> 'compress_after' AS after FROM timescaledb_information.jobs
                      WHERE proc_name = 'policy_compression' AND hypertable_name = 'telemetry'`);
    await keepUp(database, LIMITS, Date.now());
    await keepUp(database, LIMITS, Date.now());
    assert.deepEqual(await policies(), [{ after: '7 days' }]);
    await Promise.all([1, 2].map(() => keepUp(database, { ...LIMITS, telemetryCompressAfterDays: 3 }, Date.now())));
    assert.deepEqual(await policies(), [{ after: '3 days' }]);
  });

  it('takes late data into what is compressed: as COPY, as what may exist, and with message ids', async () => {
    const feed = new Feed(world, await world.add(), 't');
    const points = Array.from({ length: 3_000 }, (_, i) => ({ ms: BASE_MS + i * 10_000, value: i % 100 }));
    await feed.send(...points);
    await foldAll(database, BASE_MS + 2 * DAY_MS);
    const chunks = await database.query(`SELECT compress_chunk(c) FROM show_chunks('telemetry') c`);
    assert.ok(chunks.length > 0);
    const span = { devices: [feed.device], fromMs: BASE_MS, toMs: BASE_MS + 2 * DAY_MS };
    await assertExact(database, span);

    // COPY: an actor that was not loaded knows nothing of the newest.
    const fresh = new Feed(world, feed.device, 't');
    assert.deepEqual(await fresh.send({ ms: BASE_MS + 5, value: 500 }), [true]);
    // MERGE: one that is there, one that is not.
    assert.deepEqual(await fresh.send({ ms: BASE_MS, value: 9 }), [false]);
    assert.deepEqual(await fresh.send({ ms: BASE_MS + 1, value: 600 }), [true]);
    assert.deepEqual(await fresh.send({ ms: BASE_MS + 2, value: 700, messageId: 'm' }), [true]);
    assert.deepEqual(await fresh.send({ ms: BASE_MS + 3, value: 800, messageId: 'm' }), [false]);
    // COPY of one that is there is refused, as it is in rows that are not compressed.
    const wrong = new Feed(world, feed.device, 't');
    await assert.rejects(wrong.send({ ms: BASE_MS + 20_000, value: 1 }));

    await assertExact(database, span);
    await foldAll(database, BASE_MS + 2 * DAY_MS);
    await assertExact(database, span, true);
    const [row] = await database.query('SELECT count(*)::int AS rows FROM telemetry WHERE device_uid = $1', [
      feed.device.uid,
    ]);
    assert.deepEqual(row, { rows: 3_003 });
  });

  it('takes late data for many series at once, however much of them has to be decompressed', async () => {
    const feeds: Feed[] = [];
    for (let i = 0; i < 120; i++) feeds.push(new Feed(world, await world.add(), 'late'));
    const day = BASE_MS + 5 * DAY_MS;
    for (const feed of feeds)
      await feed.send(...Array.from({ length: 1_000 }, (_, i) => ({ ms: day + i * MINUTE_MS, value: i })));
    await database.query(`SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('telemetry') c`);
    const late = (ms: number) =>
      feeds.map(feed => world.effects(feed.device, { datapoints: feed.points([{ ms, value: 1 }]) }));
    // TimescaleDB refuses a statement that decompresses more than 100,000 rows.
    assert.ok((await world.store.commit(0, late(day + 30_000), false)).every(Boolean));
    assert.ok(
      (await world.store.commit(0, late(day + MINUTE_MS), false)).every(it => !it),
      'those are there',
    );
  });
});
