import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { ActorStore } from '../../../adapters/database/actor-store.ts';
import type { Database } from '../../../adapters/database/database.ts';
import { openDatabase } from '../../../adapters/database/open-database.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { type Datapoint, type Effects, noEffects } from '../../../contracts/store.ts';
import { STORED } from '../../../contracts/uplinks.ts';
import { newDataDir } from '../../support/data-dir.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { openAlone } from './runs.ts';

const NOW_US = Date.UTC(2026, 0, 1) * 1_000;
const LETTER = {
  id: '0190163d-8694-739b-aea5-966c26f8ad91',
  deviceId: 'd',
  kind: 'telemetry',
  topic: 'devices/d/telemetry',
  contentType: '',
  reason: 'invalid_json',
  detail: 'x',
  payload: new Uint8Array([0, 255, 1]),
  receivedAtMs: NOW_US / 1_000 + 1,
  unless: null,
} as const;

for (const engine of ['pglite', 'postgres'] as const)
  describe(`the store of actors on ${engine}`, () => {
    let server: PostgresServer | undefined;
    let dataDir: string;
    let database: Database;
    let store: ActorStore;
    let uid = 0;
    let tenantId = 0;

    before(async () => {
      dataDir = await newDataDir('skein-store-');
      if (engine === 'postgres') server = await startPostgres({ withSchema: true });
      database = await openDatabase({ databaseUrl: server?.url, dataDir, limits: LIMITS });
      const [tenant] = await database.query<{ tenant_id: number }>(
        `INSERT INTO tenant (slug) VALUES ('default') RETURNING tenant_id`,
      );
      tenantId = tenant!.tenant_id;
      store = new ActorStore(database, await openAlone(database), 2);
    });
    after(async () => {
      await store?.close();
      await database?.close();
      await server?.stop();
      await rm(dataDir, { recursive: true, force: true });
    });

    const newDevice = async (): Promise<string> => {
      const id = `d${++uid}`;
      await database.query(`INSERT INTO device (tenant_id, device_id, state) VALUES ($1, $2, 'registered')`, [
        tenantId,
        id,
      ]);
      return id;
    };
    const load = async (device: string) => (await store.load([deviceAddress('default', device)]))[0]!;
    const point = (us: number, more: Partial<Datapoint> = {}): Datapoint => ({
      measurement: 't',
      tsUs: NOW_US + us,
      value: us,
      json: null,
      mayExist: false,
      opens: true,
      quality: null,
      flags: 0,
      messageId: null,
      ...more,
    });
    const effects = async (device: string, datapoints: Datapoint[], more: Partial<Effects> = {}): Promise<Effects> => ({
      ...noEffects(tenantId, (await load(device)).deviceUid, STORED),
      datapoints,
      ...more,
    });
    const rowsOf = async (device: string) =>
      (
        await database.query(
          `SELECT m.name, (extract(epoch FROM ts) * 1000000)::int8 - $2::int8 AS us, value, value_json FROM telemetry
           JOIN device USING (device_uid) JOIN measurement m USING (measurement_id) WHERE device_id = $1 ORDER BY name, ts`,
          [device, NOW_US],
        )
      ).map(row => [row.name, row.us, row.value, row.value_json]);

    it('loads what it stored, to the microsecond, and nothing for a device that is not there', async () => {
      const device = await newDevice();
      assert.deepEqual((await load(device)).measurements, []);
      const all = [
        point(1),
        point(7),
        point(3, { measurement: 'u', value: 1, json: 'true' }),
        point(4, { measurement: 'v', value: null, json: '{"ü":[1]}' }),
      ];
      assert.deepEqual(await store.commit(0, [await effects(device, all)], false), [true]);
      assert.deepEqual(await rowsOf(device), [
        ['t', 1, 1, null],
        ['t', 7, 7, null],
        ['u', 3, 1, true],
        ['v', 4, null, { ü: [1] }],
      ]);
      const [nobody, record] = await store.load([deviceAddress('default', 'nobody'), deviceAddress('default', device)]);
      assert.equal(nobody, undefined);
      assert.deepEqual(record?.measurements, ['t', 'u', 'v']);
      assert.deepEqual(record?.newestUs, [NOW_US + 7, NOW_US + 3, NOW_US + 4]);
      assert.equal(record?.state, 'registered');
    });

    it('refuses to COPY a key that exists, and merges it carefully', async () => {
      const device = await newDevice();
      await store.commit(0, [await effects(device, [point(1)])], false);
      const again = [await effects(device, [point(1, { value: 99 }), point(2)]), await effects(device, [point(1)])];
      await assert.rejects(store.commit(0, again, false), { kind: 'duplicate_key' });
      assert.deepEqual(await store.commit(0, again, true), [true, false]);
      assert.deepEqual(
        (await rowsOf(device)).map(row => row[2]),
        [1, 2],
        'the first value stays',
      );
    });

    it('tells what is new among datapoints that may exist, also within one transaction', async () => {
      const device = await newDevice();
      await store.commit(0, [await effects(device, [point(1)])], false);
      const may = { mayExist: true };
      const batch = await Promise.all(
        [[point(1, may)], [point(0, may)], [point(0, { ...may, value: 5 })], [point(5), point(1, may)]].map(points =>
          effects(device, points),
        ),
      );
      assert.deepEqual(await store.commit(1, batch, false), [false, true, false, true]);
      assert.deepEqual(
        (await rowsOf(device)).map(row => row[1]),
        [0, 1, 5],
      );
    });

    it('stores a message with an id once: in one transaction, in two, and for each device', async () => {
      const [one, two] = [await newDevice(), await newDevice()];
      const message = (us: number) => [point(us, { messageId: 'm' }), point(us, { messageId: 'm', measurement: 'u' })];
      const batch = [await effects(one, message(1)), await effects(one, message(2)), await effects(two, message(3))];
      assert.deepEqual(await store.commit(0, batch, false), [true, false, true]);
      assert.deepEqual(await store.commit(0, [await effects(one, message(4))], false), [false]);
      assert.deepEqual(await rowsOf(one), [
        ['t', 1, 1, null],
        ['u', 1, 1, null],
      ]);
      assert.equal((await rowsOf(two)).length, 2);
    });

    it('passes only the fence for an outcome with nothing to store, which is told as it is', async () => {
      const device = await newDevice();
      assert.deepEqual(await store.commit(0, [await effects(device, [])], false), [true]);
      const mixed = [await effects(device, []), await effects(device, [point(1)]), await effects(device, [])];
      assert.deepEqual(await store.commit(0, mixed, false), [true, true, true]);
      assert.equal((await rowsOf(device)).length, 1);
    });

    it('keeps dead letters byte for byte, and the same one once', async () => {
      const device = await newDevice();
      const letter = await effects(device, [], { deadLetter: LETTER });
      for (let i = 0; i < 2; i++) assert.deepEqual(await store.commit(0, [letter], false), [true]);
      const rows = await database.query(
        `SELECT reason, payload, received_at FROM dead_letter WHERE dead_letter_id = $1`,
        [LETTER.id],
      );
      assert.equal(rows.length, 1);
      assert.deepEqual([...(rows[0]!.payload as Uint8Array)], [0, 255, 1]);
      assert.equal((rows[0]!.received_at as Date).getTime(), LETTER.receivedAtMs);
    });

    it('refuses what jsonb can not hold, and stores nothing of that transaction', async () => {
      const device = await newDevice();
      const batch = [
        await effects(device, [point(1)]),
        await effects(device, [point(2, { value: null, json: '"\\ud800"' })]),
      ];
      for (const careful of [false, true]) await assert.rejects(store.commit(0, batch, careful), { kind: 'refused' });
      assert.deepEqual(await rowsOf(device), []);
    });

    it('makes numbers for many new names at once, and finds them again', async () => {
      const device = await newDevice();
      const points = Array.from({ length: 300 }, (_, i) => point(0, { measurement: `name ${i} é`, value: i }));
      await store.commit(0, [await effects(device, points)], false);
      assert.equal((await load(device)).measurements.length, 300);
      const fresh = new ActorStore(database, await openAlone(database), 2);
      await fresh.commit(0, [await effects(device, [point(9, { measurement: 'name 7 é' })])], false);
      await fresh.close();
      assert.equal((await load(device)).measurements.length, 300);
    });

    it('writes nothing more once another instance was opened', async () => {
      const device = await newDevice();
      const older = new ActorStore(database, await openAlone(database), 2);
      await older.commit(0, [await effects(device, [point(1)])], false);
      await openAlone(database);
      await assert.rejects(older.commit(0, [await effects(device, [point(2)])], false), { kind: 'fenced' });
      await assert.rejects(older.commit(1, [], false), { kind: 'fenced' });
      await older.close();
      assert.equal((await rowsOf(device)).length, 1);
    });
  });
