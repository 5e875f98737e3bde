/** Connections of devices, as actors store and load them, on both engines. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { ActorStore } from '../../../adapters/database/actor-store.ts';
import type { Database } from '../../../adapters/database/database.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import type { SessionChange } from '../../../contracts/sessions.ts';
import { type Effects, noEffects } from '../../../contracts/store.ts';
import { STORED } from '../../../contracts/uplinks.ts';
import { ENGINE_NAMES, type Subject } from './engines.ts';
import { openAlone, startWithSchema } from './runs.ts';

const INSTANCE = '0190163d-8694-739b-aea5-966c26f8ad91';
const AT_MS = Date.UTC(2026, 0, 1, 0, 0, 0, 123);
/** The kind, the session, and what it takes. */
type Change = readonly ['opened' | 'receiving' | 'closed', number, number?];

for (const engine of ENGINE_NAMES)
  describe(`sessions of devices on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    let store: ActorStore;
    let tenantId = 0;
    let devices = 0;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
      store = new ActorStore(database, await openAlone(database), 2);
      const [tenant] = await database.query<{ tenant_id: number }>(
        `INSERT INTO tenant (slug) VALUES ('default') RETURNING tenant_id`,
      );
      tenantId = tenant!.tenant_id;
    });
    after(async () => {
      await store?.close();
      await subject?.stop();
    });

    type Device = { readonly id: string; readonly uid: number };
    const newDevice = async (): Promise<Device> => {
      const id = `d${++devices}`;
      const [row] = await database.query<{ device_uid: number }>(
        `INSERT INTO device (tenant_id, device_id, state) VALUES ($1, $2, 'registered') RETURNING device_uid`,
        [tenantId, id],
      );
      return { id, uid: row!.device_uid };
    };
    const change = ([kind, session, receives]: Change, more: Partial<SessionChange> = {}): SessionChange => {
      const made =
        kind === 'opened'
          ? { instanceId: INSTANCE, address: 'n1-x', nodeId: 'n1', protocol: 'mqtt', peer: '[::1]:7' }
          : kind === 'receiving'
            ? { receives: receives ?? 1 }
            : { reason: `end of ${session}` };
      return { kind, session, atMs: AT_MS + session, ...made, ...more } as SessionChange;
    };
    const effects = (device: Device, session: SessionChange | null): Effects => ({
      ...noEffects(tenantId, device.uid, STORED),
      session,
    });
    const commit = (device: Device, ...changes: Change[]) =>
      store.commit(
        0,
        changes.map(one => effects(device, change(one))),
        false,
      );
    const load = async (device: Device) => (await store.load([deviceAddress('default', device.id)]))[0]!.session;
    const rowOf = async (device: Device) =>
      (await database.query('SELECT * FROM device_session WHERE device_uid = $1', [device.uid]))[0];

    it('are null for a device that never connected', async () => {
      assert.equal(await load(await newDevice()), null);
    });

    it('are stored with all that is known of them, to the millisecond', async () => {
      const device = await newDevice();
      assert.deepEqual(await commit(device, ['opened', 1]), [true]);
      const row = {
        device_uid: device.uid,
        session: 1,
        instance_id: INSTANCE,
        address: 'n1-x',
        node_id: 'n1',
        protocol: 'mqtt',
        peer: '[::1]:7',
        connected_at: new Date(AT_MS + 1),
        disconnected_at: null,
        reason: null,
        receives: 0,
      };
      assert.deepEqual(await rowOf(device), row);
      const loaded = { session: 1, instanceId: INSTANCE, address: 'n1-x', connected: true, receives: 0 };
      assert.deepEqual(await load(device), loaded);
      assert.deepEqual(await commit(device, ['closed', 1]), [true]);
      assert.deepEqual(await rowOf(device), {
        ...row,
        disconnected_at: new Date(AT_MS + 1),
        reason: 'end of 1',
      });
      assert.deepEqual(await load(device), { ...loaded, connected: false });
    });

    it('are replaced by a newer one only, which has nothing of the end of the older', async () => {
      const device = await newDevice();
      await commit(device, ['opened', 4]);
      await commit(device, ['closed', 4]);
      const elsewhere = { address: 'n2-y', nodeId: 'n2', protocol: 'ws', peer: 'p' };
      assert.deepEqual(await store.commit(1, [effects(device, change(['opened', 6], elsewhere))], false), [true]);
      const row = (await rowOf(device))!;
      assert.deepEqual([row.session, row.address, row.node_id, row.protocol, row.peer], [6, 'n2-y', 'n2', 'ws', 'p']);
      assert.deepEqual([row.disconnected_at, row.reason], [null, null]);
      for (const session of [3, 4, 5, 6]) assert.deepEqual(await commit(device, ['opened', session]), [false]);
      assert.deepEqual(await rowOf(device), row);
    });

    it('are closed by their own number only, and once', async () => {
      const device = await newDevice();
      assert.deepEqual(await commit(device, ['closed', 1]), [false], 'there is none');
      await commit(device, ['opened', 5]);
      for (const session of [4, 6]) assert.deepEqual(await commit(device, ['closed', session]), [false]);
      assert.equal((await load(device))?.connected, true);
      assert.deepEqual(await commit(device, ['closed', 5]), [true]);
      const row = await rowOf(device);
      assert.deepEqual(await store.commit(0, [effects(device, change(['closed', 5], { reason: 'again' }))], false), [
        false,
      ]);
      assert.deepEqual(await rowOf(device), row);
    });

    it('take nothing until they say so, each by its own number, and only while they are open', async () => {
      const device = await newDevice();
      const receives = async () => (await load(device))?.receives;
      assert.deepEqual(await commit(device, ['receiving', 1]), [false], 'there is none');
      await commit(device, ['opened', 5]);
      assert.equal(await receives(), 0);
      for (const session of [4, 6]) assert.deepEqual(await commit(device, ['receiving', session, 3]), [false]);
      assert.equal(await receives(), 0);
      assert.deepEqual(await commit(device, ['receiving', 5, 3]), [true]);
      assert.equal(await receives(), 3);
      assert.deepEqual(await commit(device, ['receiving', 5, 2]), [true]);
      assert.equal(await receives(), 2);
      await commit(device, ['closed', 5]);
      assert.deepEqual(await commit(device, ['receiving', 5, 1]), [false], 'it is closed');
      assert.equal(await receives(), 2);
      await commit(device, ['opened', 6]);
      assert.equal(await receives(), 0, 'the next session has not said anything');
    });

    it('take the changes of one transaction in their order', async () => {
      const device = await newDevice();
      assert.deepEqual(await commit(device, ['opened', 5], ['closed', 5], ['opened', 6]), [true, true, true]);
      assert.deepEqual((await rowOf(device))!.session, 6);
      assert.equal((await load(device))?.connected, true);
      assert.deepEqual(await commit(device, ['closed', 6], ['opened', 7], ['closed', 7]), [true, true, true]);
      assert.equal((await rowOf(device))!.reason, 'end of 7');
      assert.deepEqual(await commit(device, ['opened', 8], ['opened', 9], ['closed', 8]), [true, true, false]);
      assert.deepEqual([(await rowOf(device))!.session, (await load(device))?.connected], [9, true]);
    });

    it('end as if each change had a transaction of its own, whatever the changes are', async () => {
      const kinds = fc.constantFrom<Change[0]>('opened', 'receiving', 'closed');
      // A session changes after it was opened: of a number that is only opened later there is nothing to change yet.
      const anyChange = fc.tuple(kinds, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 }));
      const isInOrder = (all: readonly Change[]) =>
        all.every(
          ([kind, session], i) =>
            kind === 'opened' || !all.slice(i).some(later => later[0] === 'opened' && later[1] === session),
        );
      const anyChanges = fc.array(anyChange, { maxLength: 6 }).filter(isInOrder);
      await fc.assert(
        fc.asyncProperty(fc.array(anyChange, { maxLength: 3 }), anyChanges, async (earlier, changes) => {
          const [together, apart] = [await newDevice(), await newDevice()];
          for (const device of [together, apart]) for (const one of earlier) await commit(device, one);
          const news: boolean[] = [];
          for (const one of changes) news.push(...(await commit(apart, one)));
          assert.deepEqual(await commit(together, ...changes), news);
          const rows = [await rowOf(together), await rowOf(apart)].map(row => row && { ...row, device_uid: 0 });
          assert.deepEqual(rows[0], rows[1]);
        }),
        { numRuns: 100 },
      );
    });

    it('are written for many devices at once, beside everything else', async () => {
      const [one, two] = [await newDevice(), await newDevice()];
      const letter = {
        id: INSTANCE,
        deviceId: one.id,
        kind: 'telemetry',
        topic: 't',
        contentType: '',
        reason: 'invalid_json',
        detail: '',
        payload: new Uint8Array(),
        receivedAtMs: AT_MS,
        unless: null,
      } as const;
      const plain = { opens: true, quality: null, flags: 0, messageId: null };
      const point = { measurement: 't', tsUs: AT_MS * 1_000, value: 1, json: null, mayExist: true, ...plain };
      const batch: Effects[] = [
        effects(one, change(['opened', 1])),
        { ...effects(one, null), datapoints: [point] },
        { ...effects(one, null), datapoints: [point] },
        effects(two, change(['closed', 1])),
        { ...effects(two, null), deadLetter: letter },
        effects(two, change(['opened', 2])),
        effects(two, null),
      ];
      assert.deepEqual(await store.commit(0, batch, true), [true, true, false, false, true, true, true]);
      assert.deepEqual([(await load(one))?.session, (await load(two))?.session], [1, 2]);
    });

    it('are not stored by an instance that may not write any more', async () => {
      const device = await newDevice();
      const older = store;
      store = new ActorStore(database, await openAlone(database), 2);
      await assert.rejects(older.commit(0, [effects(device, change(['opened', 1]))], false), { kind: 'fenced' });
      await older.close();
      assert.equal(await load(device), null);
    });
  });
