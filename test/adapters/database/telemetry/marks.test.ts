/** What several do to each other: lanes that store late data, and processes that make rollups of the same hours. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import type { Database, Row } from '../../../../adapters/database/database.ts';
import { openPostgres } from '../../../../adapters/database/postgres/open-postgres.ts';
import { SERIES_SQL } from '../../../../adapters/database/telemetry/datapoints.sql.ts';
import { LOCK_DAYS_SQL, STORE_DAYS_SQL } from '../../../../adapters/database/telemetry/folding.sql.ts';
import { REMOVE_MARKS_SQL } from '../../../../adapters/database/telemetry/folding-hypertable.ts';
import { TableRollups } from '../../../../adapters/database/telemetry/folding-tables.ts';
import { LIMITS } from '../../../../contracts/limits.ts';
import { ENGINE_NAMES, type Subject } from '../engines.ts';
import { StoredDevices } from '../stored-devices.ts';
import { assertExact, DAY_MS, Feed, foldAll, HOUR_MS, markedHours, readRollups } from './telemetry-world.ts';

const BASE_MS = Math.floor(Date.now() / DAY_MS - 3) * DAY_MS;
const NOW_MS = BASE_MS + 2 * DAY_MS;
const FAIL = (hour: string, error: unknown): void => assert.fail(`${hour}: ${error}`);

describe('lanes and folding on postgres', () => {
  let world: StoredDevices;
  let database: Database;
  /** A lane in the middle of its transaction. */
  let lane: pg.Client;
  let second: Database;
  before(async () => {
    world = await StoredDevices.start('postgres');
    database = world.database;
    lane = new pg.Client({ connectionString: world.url! });
    await lane.connect();
    second = await openPostgres(world.url!, LIMITS);
  });
  after(async () => {
    await lane?.end();
    await second?.close();
    await world?.stop();
  });
  const newFeed = async (name = 't') => new Feed(world, await world.add(), name);
  const span = (...feeds: Feed[]) => ({ devices: feeds.map(it => it.device), fromMs: BASE_MS, toMs: NOW_MS });
  const sums = async (feed: Feed) => (await readRollups(database, 'telemetry_1h', span(feed), true)).map(it => it.sum);
  const begin = async (feed: Feed, value: number) => {
    await lane.query('BEGIN');
    await lane.query('INSERT INTO telemetry VALUES ($1, $2, $3, $4)', [
      feed.device.uid,
      await feed.id(),
      new Date(BASE_MS + value),
      value,
    ]);
  };
  const mark = async (feed: Feed, sql = SERIES_SQL) =>
    lane.query(sql, [[feed.device.uid], [await feed.id()], [BASE_MS / HOUR_MS]]);

  it('a row that is being stored while its hour is folded is in the rollups, or its hour stays marked', async () => {
    const feed = await newFeed();
    await feed.send({ ms: BASE_MS, value: 0 });
    await begin(feed, 7);
    await mark(feed);
    await foldAll(database, NOW_MS);
    await lane.query('COMMIT');
    assert.deepEqual(await markedHours(database, feed.device), [BASE_MS]);
    await assertExact(database, span(feed));
    await foldAll(database, NOW_MS);
    assert.deepEqual(await sums(feed), [7]);
  });

  it('is lost when a mark that is there is not written again (the control)', async () => {
    const feed = await newFeed();
    await feed.send({ ms: BASE_MS, value: 0 });
    await begin(feed, 7);
    const weak = SERIES_SQL.replace('DO UPDATE SET hour = excluded.hour', 'DO NOTHING');
    assert.notEqual(weak, SERIES_SQL);
    await mark(feed, weak);
    await foldAll(database, NOW_MS);
    await lane.query('COMMIT');
    assert.deepEqual(await markedHours(database, feed.device), []);
    assert.deepEqual(await sums(feed), [0], 'the rollups lack the row, and nothing says so');
    await assert.rejects(assertExact(database, span(feed)));
  });

  it('a lane that marks an hour which is being folded waits for its end, and marks it anew', async () => {
    const feed = await newFeed();
    await feed.send({ ms: BASE_MS, value: 0 });
    await begin(feed, 7);
    let marking: Promise<unknown> = Promise.resolve();
    await database.transaction(async tx => {
      await tx.query('DELETE FROM telemetry_change WHERE device_uid = $1', [feed.device.uid]);
      const rows = await tx.query('SELECT FROM telemetry WHERE device_uid = $1', [feed.device.uid]);
      assert.equal(rows.length, 1, 'the row is not to be seen yet');
      marking = mark(feed);
      await waitsForLock();
    });
    await marking;
    await lane.query('COMMIT');
    assert.deepEqual(await markedHours(database, feed.device), [BASE_MS]);
    await foldAll(database, NOW_MS);
    assert.deepEqual(await sums(feed), [7]);
  });

  it('is done by several processes at once, and days have the hours of all of them', async () => {
    const feeds = await Promise.all(Array.from({ length: 4 }, (_, i) => newFeed(`m${i}`)));
    for (const feed of feeds)
      await feed.send(...Array.from({ length: 48 }, (_, i) => ({ ms: BASE_MS + i * HOUR_MS + i, value: i })));
    const limits = { ...LIMITS, rollupPieceMaxHours: 3 };
    const walk = async (own: Database) => {
      const rollups = new TableRollups(own, limits, FAIL);
      while (await rollups.fold(NOW_MS + HOUR_MS));
    };
    await Promise.all([walk(database), walk(second), walk(database), walk(second)]);
    // What one of them had in its hands, the others left.
    await walk(database);
    for (const { device } of feeds) assert.deepEqual(await markedHours(database, device), []);
    await assertExact(database, span(...feeds), true);
  });

  /** Two processes make hours of one day: the second one begins with its day when the first has made it and not yet committed. */
  const foldTogether = async (feed: Feed, lockDays = LOCK_DAYS_SQL): Promise<void> => {
    await feed.send({ ms: BASE_MS + 2 * HOUR_MS, value: 1 });
    await foldAll(database, NOW_MS);
    await feed.send({ ms: BASE_MS, value: 10 }, { ms: BASE_MS + HOUR_MS, value: 100 });
    const made = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const limits = { ...LIMITS, rollupPieceMaxHours: 1 };
    const folding = (own: Database, after: (sql: string) => Promise<void> | undefined) =>
      new TableRollups(
        changed(own, sql => (sql === LOCK_DAYS_SQL ? lockDays : sql), after),
        limits,
        FAIL,
      ).fold(NOW_MS);
    const first = folding(database, sql => {
      if (sql !== STORE_DAYS_SQL) return;
      made.resolve();
      return goOn.promise;
    });
    await made.promise;
    const other = folding(second, () => undefined);
    await waitsForLock();
    goOn.resolve();
    await Promise.all([first, other]);
    assert.deepEqual(await markedHours(database, feed.device), []);
  };

  it('the second of two that make the same day waits for the first, and has its hours too', async () => {
    const feed = await newFeed();
    await foldTogether(feed);
    await assertExact(database, span(feed), true);
  });

  it('a day lacks hours when its row is not locked before they are read (the control)', async () => {
    const feed = await newFeed();
    await foldTogether(feed, 'SELECT $1::int4[] AS a, $2::int4[] AS b, $3::timestamptz AS c');
    await assert.rejects(assertExact(database, span(feed), true), /telemetry_1d/);
  });

  it('leaves an hour out of which nothing can be made, makes the others, and says which it is', async () => {
    const feeds = [await newFeed(), await newFeed(), await newFeed()];
    for (const feed of feeds) await feed.send({ ms: BASE_MS, value: 1 }, { ms: BASE_MS + HOUR_MS, value: 2 });
    const bad = feeds[1]!.device.uid;
    await database.script(`ALTER TABLE telemetry_1h ADD CONSTRAINT broken CHECK (device_uid <> ${bad}) NOT VALID`);
    const stuck: string[] = [];
    const rollups = new TableRollups(database, LIMITS, hour => stuck.push(hour));
    while (await rollups.fold(NOW_MS));
    assert.equal(stuck.length, 2);
    assert.ok(stuck.every(it => it.startsWith(`${bad} `)));
    assert.deepEqual(await markedHours(database, feeds[2]!.device), []);
    assert.equal((await markedHours(database, feeds[1]!.device)).length, 2);
    await assertExact(database, span(...feeds));
    while (await rollups.fold(NOW_MS));
    assert.equal(stuck.length, 2, 'it is not tried each time');
    await database.script('ALTER TABLE telemetry_1h DROP CONSTRAINT broken');
    await foldAll(database, NOW_MS);
    assert.equal((await markedHours(database, feeds[1]!.device)).length, 0);
  });

  it('has one turn for an hour that is marked again and again, in each walk', async () => {
    const feed = await newFeed();
    const rollups = new TableRollups(database, LIMITS, FAIL);
    let turns = 0;
    do await feed.send({ ms: BASE_MS + turns * 11, value: 1 });
    while ((await rollups.fold(NOW_MS)) && ++turns < 20);
    assert.ok(turns < 5, `${turns} turns`);
  });

  async function waitsForLock(): Promise<void> {
    for (;;) {
      const [row] = await second.query<{ it: boolean }>(`SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted) AS it`);
      if (row!.it) return;
    }
  }
});

/** The same database, whose transactions send other statements, and stop after some. */
const changed = (
  database: Database,
  change: (sql: string) => string,
  after: (sql: string) => Promise<void> | undefined,
): Database => ({
  engine: database.engine,
  query: (sql, params) => database.query(sql, params),
  transaction: work =>
    database.transaction(tx =>
      work({
        async query<R extends Row = Row>(sql: string, params?: readonly unknown[]): Promise<R[]> {
          const rows = await tx.query<R>(change(sql), params);
          await after(sql);
          return rows;
        },
      }),
    ),
  reader: sql => database.reader(sql),
  script: sql => database.script(sql),
  lane: name => database.lane(name),
  close: () => database.close(),
});

for (const engine of ENGINE_NAMES.filter(it => it !== 'pglite'))
  describe(`marks that are removed after a refresh, on ${engine}`, () => {
    let subject: Subject;
    let lane: pg.Client;
    before(async () => {
      const world = await StoredDevices.start(engine);
      subject = { database: world.database, url: world.url!, stop: () => world.stop() };
      lane = new pg.Client({ connectionString: subject.url! });
      await lane.connect();
    });
    after(async () => {
      await lane?.end();
      await subject?.stop();
    });
    const write = (device: number) =>
      lane.query(
        `INSERT INTO telemetry_change VALUES ($1, 1, $2) ON CONFLICT (device_uid, measurement_id, hour) DO UPDATE SET hour = excluded.hour`,
        [device, new Date(BASE_MS)],
      );

    it('are those that were there before, and not those that were written since or are being written', async () => {
      const { database } = subject;
      for (const device of [1, 2, 3]) await write(device);
      const [snapshot] = await database.query<{ it: string }>('SELECT pg_current_snapshot()::text AS it');
      await write(2);
      await write(4);
      await lane.query('BEGIN');
      await write(3);
      const params = [new Date(BASE_MS), new Date(BASE_MS + HOUR_MS), snapshot!.it, 100];
      assert.equal((await database.query(REMOVE_MARKS_SQL, params)).length, 1);
      await lane.query('COMMIT');
      assert.equal((await database.query(REMOVE_MARKS_SQL, params)).length, 0);
      const left = await database.query<{ it: number }>('SELECT device_uid AS it FROM telemetry_change ORDER BY 1');
      assert.deepEqual(
        left.map(row => row.it),
        [2, 3, 4],
      );
    });
  });
