/** Partitions: made ahead or when they are needed, dropped while others write, and never all opened at once. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import type { Database } from '../../../../adapters/database/database.ts';
import { dayOf } from '../../../../adapters/database/telemetry/days.ts';
import { readNewest } from '../../../../adapters/database/telemetry/newest.ts';
import {
  dropPartition,
  partitionsOf,
  TelemetryPartitions,
} from '../../../../adapters/database/telemetry/partitions.ts';
import { keepUp } from '../../../../adapters/database/telemetry/upkeep.ts';
import { LIMITS } from '../../../../contracts/limits.ts';
import { ENGINE_NAMES, type Subject } from '../engines.ts';
import { rejection } from '../rejections.ts';
import { openAlone, startWithSchema } from '../runs.ts';
import { StoredDevices } from '../stored-devices.ts';
import { DAY_MS, Feed, foldAll, HOUR_MS } from './telemetry-world.ts';

const TODAY = Math.floor(Date.now() / DAY_MS);
const nameOf = (day: number) => `telemetry_${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`;

for (const engine of ENGINE_NAMES.filter(it => it !== 'timescale'))
  describe(`partitions of telemetry on ${engine}`, () => {
    let world: StoredDevices;
    let database: Database;
    before(async () => {
      world = await StoredDevices.start(engine);
      database = world.database;
    });
    after(() => world?.stop());
    const newFeed = async (name = 't') => new Feed(world, await world.add(), name);
    const rowsIn = async (table: string, { device }: Feed) =>
      (
        await database.query<{ it: number }>(`SELECT count(*) AS it FROM ${table} WHERE device_uid = $1`, [device.uid])
      )[0]!.it;

    it('are there for every day of which something may come, before it begins', async () => {
      const ahead = 2 + Math.ceil(LIMITS.timestampMaxAheadSeconds / 86_400);
      assert.equal((await keepUp(database, LIMITS, Date.now())).partitions, ahead + 1);
      await keepUp(database, LIMITS, Date.now());
      const names = (await partitionsOf(database, 'telemetry')).map(it => it.name);
      for (let day = TODAY; day <= TODAY + ahead; day++) assert.ok(names.includes(nameOf(day)), nameOf(day));
    });

    it('are made for what comes without one: of a day, and of a month for what is old', async () => {
      const feed = await newFeed();
      const far = TODAY + 40;
      const old = Date.UTC(2021, 1, 28, 23, 59);
      await feed.send({ ms: old, value: 1 }, { ms: old + 2 * 60_000, value: 2 }, { ms: far * DAY_MS, value: 3 });
      assert.equal(await rowsIn('telemetry_202102', feed), 1);
      assert.equal(await rowsIn('telemetry_202103', feed), 1);
      assert.equal(await rowsIn(nameOf(far), feed), 1);
      const of = async (name: string) => (await partitionsOf(database, 'telemetry')).find(it => it.name === name);
      const [from, to] = [Date.UTC(2021, 1, 1), Date.UTC(2021, 2, 1)].map(ms => ms / DAY_MS);
      assert.deepEqual(await of('telemetry_202102'), { name: 'telemetry_202102', from, to });
      assert.deepEqual(await of(nameOf(far)), { name: nameOf(far), from: far, to: far + 1 });
    });

    it('that are dropped while a lane knows them cost a message one more try', async () => {
      const feed = await newFeed();
      const day = TODAY + 50;
      await feed.send({ ms: day * DAY_MS, value: 1 });
      const partition = (await partitionsOf(database, 'telemetry')).find(it => it.from === day)!;
      assert.equal(await dropPartition(database, partition), true);
      const again = new Feed(world, feed.device, 't');
      await assert.rejects(again.send({ ms: day * DAY_MS + 1, value: 2 }), { kind: 'unavailable' });
      const third = new Feed(world, feed.device, 't');
      assert.deepEqual(await third.send({ ms: day * DAY_MS + 1, value: 2 }), [true]);
      assert.equal(await rowsIn(nameOf(day), feed), 1);
      // Rows of several days, and those that may exist, go to the parent.
      const [other] = (await partitionsOf(database, 'telemetry')).filter(it => it.from === day);
      await dropPartition(database, other!);
      const several = () =>
        new Feed(world, feed.device, 't').send(
          { ms: day * DAY_MS + 2, value: 1 },
          { ms: (day + 1) * DAY_MS, value: 1 },
        );
      await assert.rejects(several(), { kind: 'unavailable' });
      assert.deepEqual(await several(), [true]);
    });

    it('of minutes end after their time, and a day later than readers stop to ask for them', async () => {
      const feed = await newFeed();
      const nowMs = (TODAY + 100) * DAY_MS + HOUR_MS;
      const keep = { ...LIMITS, rollupMinuteKeepDays: 3 };
      for (const ago of [6, 5, 4, 3, 2]) await feed.send({ ms: (TODAY + 100 - ago) * DAY_MS, value: ago });
      await foldAll(database, nowMs);
      const days = async () =>
        (await partitionsOf(database, 'telemetry_1m')).map(it => it.from - TODAY - 100).filter(it => it >= -6);
      assert.deepEqual(await days(), [-6, -5, -4, -3, -2]);
      assert.equal((await keepUp(database, keep, nowMs)).dropped, 0, 'first it is said');
      assert.ok((await keepUp(database, keep, nowMs)).dropped >= 2);
      assert.deepEqual(await days(), [-4, -3, -2]);
      // What comes late for a day without has those of hours only.
      await feed.send({ ms: (TODAY + 100 - 6) * DAY_MS + 1, value: 1 });
      await foldAll(database, nowMs + DAY_MS);
      assert.deepEqual(await days(), [-4, -3, -2]);
      const hours = await database.query('SELECT bucket FROM telemetry_1h WHERE device_uid = $1', [feed.device.uid]);
      assert.equal(hours.length, 5);
    });

    it('are not all opened for what is about one day', async () => {
      const feed = await newFeed();
      const points = Array.from({ length: 60 }, (_, day) => ({ ms: (TODAY - 30 + day) * DAY_MS, value: day }));
      await feed.send(...points);
      const [row] = await database.query<{ measurement_id: number; newest_day: number }>(
        'SELECT measurement_id, newest_day FROM device_measurement WHERE device_uid = $1',
        [feed.device.uid],
      );
      const opened = (work: (tx: Database) => Promise<unknown>) =>
        database.transaction(async tx => {
          await work(tx as unknown as Database);
          const rows = await tx.query<{ it: number }>(
            `SELECT count(DISTINCT l.relation) AS it FROM pg_locks l JOIN pg_inherits i ON i.inhrelid = l.relation
             WHERE l.pid = pg_backend_pid() AND i.inhparent IN ('telemetry'::regclass, 'telemetry_1m'::regclass)`,
          );
          return rows[0]!.it;
        });
      const newest = { device: feed.device.uid, measurement: row!.measurement_id, day: row!.newest_day };
      assert.equal(row!.newest_day, dayOf(points.at(-1)!.ms * 1_000));
      assert.equal(await opened(tx => readNewest(tx, [newest])), 1);
      const all = await opened(tx =>
        tx.query('SELECT max(ts) FROM telemetry WHERE device_uid = $1', [feed.device.uid]),
      );
      assert.ok(all >= 60, 'the control opens them all');
    });
  });

describe('partitions that are in use', () => {
  let subject: Subject;
  let reader: pg.Client;
  before(async () => {
    subject = await startWithSchema('postgres');
    reader = new pg.Client({ connectionString: subject.url! });
    await reader.connect();
  });
  after(async () => {
    await reader?.end();
    await subject?.stop();
  });

  it('are not dropped, and nobody waits for long', async () => {
    const { database } = subject;
    await openAlone(database);
    await new TelemetryPartitions(database, 'telemetry').make([TODAY]);
    const [partition] = await partitionsOf(database, 'telemetry');
    await reader.query(`BEGIN; SELECT FROM ${partition!.name}`);
    assert.equal(await dropPartition(database, partition!), false);
    assert.equal((await partitionsOf(database, 'telemetry')).length, 1);
    await reader.query('ROLLBACK');
    assert.equal(await dropPartition(database, partition!), true);
    assert.equal((await partitionsOf(database, 'telemetry')).length, 0);
    await rejection('failed', database.query(`SELECT FROM ${partition!.name}`));
  });

  it('are made once by several that need them at the same time', async () => {
    const { database } = subject;
    const days = Array.from({ length: 5 }, (_, day) => TODAY + day);
    await Promise.all(Array.from({ length: 6 }, () => new TelemetryPartitions(database, 'telemetry').make(days)));
    assert.deepEqual(
      (await partitionsOf(database, 'telemetry')).map(it => it.from),
      days,
    );
  });
});
