/** Events in the order of their transactions, on both engines; what transactions at the same time do to that, on PostgreSQL. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import pg from 'pg';
import type { Database } from '../../../adapters/database/database.ts';
import {
  BEFORE_ALL,
  beginReading,
  type EventPosition,
  readEvents,
  readOn,
  removeEvents,
  type StoredEvent,
} from '../../../adapters/database/events-feed.ts';
import { migrate, readMigrations } from '../../../adapters/database/migrate.ts';
import { openPostgres } from '../../../adapters/database/postgres/open-postgres.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { LONE_ENGINE_NAMES, type Subject } from './engines.ts';
import { startWithSchema } from './runs.ts';

const INSERT_SQL = `INSERT INTO event (tenant_id, device_uid, kind, at, data)
  SELECT tenant_id, device_uid, 'device.update', now() + $2::float8 * interval '1 day', jsonb_build_object('name', wanted.name)
  FROM device, unnest($1::text[]) WITH ORDINALITY AS wanted (name, place) ORDER BY place`;
const namesOf = (events: readonly StoredEvent[]) => events.map(it => (it.data as unknown as { name: string }).name);
const addDevice = (database: Database) =>
  database.script(`INSERT INTO tenant (slug) VALUES ('one');
    INSERT INTO device (tenant_id, device_id, state) SELECT tenant_id, 'a', 'active' FROM tenant;`);
const clear = (database: Database) => database.script('DELETE FROM event; DELETE FROM event_position;');
const positionOf = async (database: Database, reader: string): Promise<EventPosition> => {
  const [row] = await database.query<EventPosition>(
    `SELECT tx::text AS tx, event_id AS "eventId" FROM event_position WHERE reader = $1`,
    [reader],
  );
  return row!;
};

for (const engine of LONE_ENGINE_NAMES)
  describe(`events on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
      await addDevice(database);
    });
    after(() => subject?.stop());
    beforeEach(() => clear(database));

    const write = (names: string[], days = 0) => database.query(INSERT_SQL, [names, days]);
    const rest = async () => namesOf((await readEvents(database, BEFORE_ALL, 100)).events);

    it('are read in their order, in pieces, and on from any position', async () => {
      await write(['a', 'b']);
      await write(['c']);
      const first = await readEvents(database, BEFORE_ALL, 2);
      assert.deepEqual([namesOf(first.events), first.full, first.missed], [['a', 'b'], true, false]);
      const [event] = first.events;
      assert.deepEqual([event!.tenant, event!.deviceId, event!.kind], ['one', 'a', 'device.update']);
      assert.ok(Math.abs(event!.atMs - Date.now()) < 60_000);
      const second = await readEvents(database, first.position, 2);
      assert.deepEqual([namesOf(second.events), second.full], [['c'], false]);
      const third = await readEvents(database, second.position, 2);
      assert.deepEqual([third.events, third.position], [[], second.position]);
    });

    it('a reader begins behind what there is, and goes on from where it was', async () => {
      await write(['before']);
      await beginReading(database, 'r');
      assert.equal(await readOn(database, 'r', 10, () => assert.fail('there is nothing')), undefined);
      await write(['a', 'b', 'c']);
      await beginReading(database, 'r');
      const seen: string[] = [];
      const take = () => readOn(database, 'r', 2, ({ events }) => void seen.push(...namesOf(events)));
      assert.equal((await take())?.full, true);
      assert.equal((await take())?.full, false);
      assert.equal(await take(), undefined);
      assert.deepEqual(seen, ['a', 'b', 'c']);
    });

    it('what a reader failed to handle it gets again, and what it wrote for it is undone', async () => {
      await beginReading(database, 'r');
      await write(['a']);
      const handled = readOn(database, 'r', 10, async (_, tx) => {
        await tx.query(`UPDATE device SET name = 'half'`);
        throw new Error('broke');
      });
      await assert.rejects(handled, /broke/);
      assert.deepEqual(await database.query('SELECT name FROM device'), [{ name: null }]);
      let again: string[] = [];
      await readOn(database, 'r', 10, ({ events }) => {
        again = namesOf(events);
      });
      assert.deepEqual(again, ['a']);
    });

    it('are removed from the oldest on, in pieces, up to the first that is to be kept', async () => {
      await write(['a', 'b', 'c'], -8);
      await write(['kept'], -6);
      // It happened long ago and was written now: whoever read until just before must still get it.
      await write(['late'], -8);
      assert.equal(await removeEvents(database, 7, 2), 2);
      assert.deepEqual(await rest(), ['c', 'kept', 'late']);
      assert.equal(await removeEvents(database, 7, 2), 1);
      assert.equal(await removeEvents(database, 7, 2), 0);
      assert.deepEqual(await rest(), ['kept', 'late']);
    });

    it('an event of a wrong clock, in the future, keeps nothing', async () => {
      await write(['future'], 400);
      await write(['old'], -8);
      assert.equal(await removeEvents(database, 7, 100), 2);
    });

    it('a reader is told that it missed some exactly when something behind its position was removed', async () => {
      await write(['a', 'b'], -8);
      await write(['c']);
      const { position: afterA } = await readEvents(database, BEFORE_ALL, 1);
      const { position: afterB } = await readEvents(database, BEFORE_ALL, 2);
      await removeEvents(database, 7, 100);
      assert.deepEqual(await positionOf(database, 'retention'), afterB);
      assert.equal((await readEvents(database, afterA, 10)).missed, true);
      const { missed, events } = await readEvents(database, afterB, 10);
      assert.deepEqual([missed, namesOf(events)], [false, ['c']]);
    });
  });

describe('events of transactions at the same time', () => {
  let server: PostgresServer;
  let database: Database;
  let early: pg.Client;
  before(async () => {
    server = await startPostgres({ fsync: false, withSchema: true });
    database = await openPostgres(server.url, LIMITS);
    await migrate(database, await readMigrations());
    await addDevice(database);
    early = new pg.Client({ connectionString: server.url });
    await early.connect();
  });
  after(async () => {
    await early?.end();
    await database?.close();
    await server?.stop();
  });

  /** The first transaction begins and writes; the second one begins later and commits; in between somebody reads; the first commits. */
  const whileEarlyIsUnderWay = async (work: () => Promise<void>) => {
    await clear(database);
    await early.query('BEGIN');
    await early.query(INSERT_SQL, [['early'], 0]);
    await database.query(INSERT_SQL, [['late'], 0]);
    await work();
    await early.query('COMMIT');
  };

  it('an event that is committed late is not skipped, and comes before the one that was committed first', async () => {
    let position = BEFORE_ALL;
    const read = async () => {
      const batch = await readEvents(database, position, 10);
      position = batch.position;
      return namesOf(batch.events);
    };
    await whileEarlyIsUnderWay(async () => assert.deepEqual(await read(), []));
    assert.deepEqual(await read(), ['early', 'late']);
    assert.deepEqual(await read(), []);
  });

  it('whoever begins to read in between hears of both', async () => {
    await whileEarlyIsUnderWay(() => beginReading(database, 'r'));
    let heard: string[] = [];
    await readOn(database, 'r', 10, ({ events }) => {
      heard = namesOf(events);
    });
    assert.deepEqual(heard, ['early', 'late']);
  });

  it('read without looking at the transactions under way, one would be skipped', async () => {
    let [tx, id]: [string, number] = ['0', 0];
    const read = async () => {
      const rows = await database.query<{ tx: string; event_id: number; name: string }>(
        `SELECT tx::text AS tx, event_id, data->>'name' AS name FROM event WHERE (tx, event_id) > ($1::xid8, $2::int8)
         ORDER BY event.tx, event_id`,
        [tx, id],
      );
      for (const row of rows) [tx, id] = [row.tx, row.event_id];
      return rows.map(it => it.name);
    };
    await whileEarlyIsUnderWay(async () => assert.deepEqual(await read(), ['late']));
    assert.deepEqual(await read(), []);
  });

  it('two processes with one reader do not handle a batch twice', async () => {
    await clear(database);
    await beginReading(database, 'r');
    await database.query(INSERT_SQL, [['a', 'b'], 0]);
    const heard: string[] = [];
    const handle = async ({ events }: { events: readonly StoredEvent[] }) => {
      heard.push(...namesOf(events));
      assert.equal(await readOn(database, 'r', 10, () => assert.fail('another one is doing it')), undefined);
    };
    await readOn(database, 'r', 10, handle);
    assert.deepEqual(heard, ['a', 'b']);
  });

  it('how far events were removed never goes back', async () => {
    await clear(database);
    await database.query(INSERT_SQL, [['a', 'b', 'c'], -8]);
    // Another process is just removing more than that.
    await early.query('BEGIN');
    await early.query(`INSERT INTO event_position VALUES ('retention', pg_current_xact_id(), 100)`);
    const slow = removeEvents(database, 7, 1);
    await untilWaiting(database);
    await early.query('COMMIT');
    await slow;
    assert.equal((await positionOf(database, 'retention')).eventId, 100);
  });
});

async function untilWaiting(database: Database): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ waiting: boolean }>(
      `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock') AS waiting`,
    );
    if (row!.waiting) return;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
