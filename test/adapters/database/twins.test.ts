/** Twins of devices, as actors store and load them, on both engines. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ActorStore } from '../../../adapters/database/actor-store.ts';
import type { Database } from '../../../adapters/database/database.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import { type Effects, noEffects } from '../../../contracts/store.ts';
import type { TwinDocument, TwinRecord, TwinStep } from '../../../contracts/twins.ts';
import { STORED } from '../../../contracts/uplinks.ts';
import { ENGINE_NAMES, type Subject } from './engines.ts';
import { openAlone, startWithSchema } from './runs.ts';

const AT_MS = Date.UTC(2026, 0, 1, 0, 0, 0, 123);

for (const engine of ENGINE_NAMES)
  describe(`twins of devices on ${engine}`, () => {
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
    const document = (version: number, content: Record<string, unknown>): TwinDocument => ({
      version,
      document: content,
      times: Object.fromEntries(Object.keys(content).map(name => [name, AT_MS])),
    });
    const NONE = document(0, {});
    const effects = (device: Device, twin: TwinRecord | null, changed: TwinStep['document'] = 'reported'): Effects => ({
      ...noEffects(tenantId, device.uid, STORED),
      twin: twin && { record: twin, step: stepTo(twin, changed) },
    });
    const stepTo = (twin: TwinRecord, changed: TwinStep['document']): TwinStep => ({
      document: changed,
      version: twin[changed].version,
      atMs: AT_MS,
      patch: twin[changed].document,
    });
    const load = async ({ id }: Device) => (await store.load([deviceAddress('default', id)]))[0]!.twin;

    it('are null for a device that has none', async () => {
      assert.equal(await load(await newDevice()), null);
    });

    it('come back as they were stored, whatever is in them', async () => {
      const device = await newDevice();
      const content = {
        text: 'ä "\\ \u{1F600}',
        numbers: [0, -1.5, 1e300, 5e-324, 9_007_199_254_740_991],
        deep: { list: [null, { a: [] }], empty: {} },
        ['__proto__']: 1,
      };
      const twin = { reported: document(3, content), desired: document(7, { mode: 'heat' }) };
      const both = [effects(device, { ...twin, desired: NONE }), effects(device, twin, 'desired')];
      assert.deepEqual(await store.commit(0, both, false), [true, true]);
      assert.deepEqual(await load(device), twin);
      const next = { ...twin, reported: document(4, {}) };
      await store.commit(0, [effects(device, next)], true);
      assert.deepEqual(await load(device), next);
    });

    it('keep the document that did not change', async () => {
      const device = await newDevice();
      const first = { reported: NONE, desired: document(1, { mode: 'heat' }) };
      await store.commit(0, [effects(device, first, 'desired')], false);
      assert.deepEqual(await load(device), first);
      const second = { ...first, reported: document(1, { mode: 'eco' }) };
      await store.commit(0, [effects(device, second)], false);
      assert.deepEqual(await load(device), second);
    });

    it('end where the last change in a transaction ends, each device by itself', async () => {
      const [one, other] = [await newDevice(), await newDevice()];
      const twin = (version: number): TwinRecord => ({ reported: document(version, { n: version }), desired: NONE });
      const all = [
        effects(one, twin(1)),
        effects(other, twin(1)),
        effects(one, null),
        effects(one, twin(2)),
        effects(one, twin(3)),
      ];
      assert.deepEqual(await store.commit(0, all, false), [true, true, true, true, true]);
      assert.deepEqual([await load(one), await load(other)], [twin(3), twin(1)]);
    });

    it('are stored with everything else of their transaction, or not at all', async () => {
      const device = await newDevice();
      const twin = { reported: document(1, { a: 1 }), desired: NONE };
      const unwritable = { reported: document(1, { a: '\ud800' }), desired: NONE };
      const both = [effects(device, twin), effects(await newDevice(), unwritable)];
      await assert.rejects(store.commit(0, both, false), { kind: 'refused' });
      assert.equal(await load(device), null);
      await store.commit(0, both.slice(0, 1), false);
      assert.deepEqual(await load(device), twin);
    });

    it('are not written by a run that may not write any more', async () => {
      const device = await newDevice();
      const late = new ActorStore(database, '0190163d-8694-739b-aea5-966c26f8ad91', 2);
      const twin = { reported: document(1, { a: 1 }), desired: NONE };
      await assert.rejects(late.commit(0, [effects(device, twin)], false), { kind: 'fenced' });
      await late.close();
      assert.equal(await load(device), null);
    });
  });
