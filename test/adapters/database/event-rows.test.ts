/** Events, as actors store them, on both engines. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DeviceEvent } from '../../../contracts/events.ts';
import { ENGINE_NAMES } from './engines.ts';
import { AT_MS, StoredDevices } from './stored-devices.ts';

for (const engine of ENGINE_NAMES)
  describe(`events of devices on ${engine}`, () => {
    let world: StoredDevices;
    before(async () => {
      world = await StoredDevices.start(engine);
    });
    after(() => world?.stop());

    const online = (session: number): DeviceEvent => ({
      kind: 'device.status',
      atMs: AT_MS + session,
      data: { status: 'online', session, reason: null },
    });
    const update = (text: string): DeviceEvent => ({
      kind: 'device.update',
      atMs: AT_MS,
      data: { document: 'reported', version: 1, patch: { text, gone: null } },
    });
    const rows = () =>
      world.rows(`SELECT tx::text, device_uid, tenant_id, kind, (extract(epoch FROM at) * 1000)::int8 AS ms, data
                  FROM event ORDER BY event.tx, event_id`);

    it('are numbered in the order in which they happened, and say of which transaction they are', async () => {
      const [one, two] = [await world.add(), await world.add()];
      const first = [
        world.effects(one, { events: [online(1), update('ä "\\')] }),
        world.effects(two, { events: [online(2)] }),
        world.effects(one),
        world.effects(one, { events: [online(3)] }),
      ];
      await world.store.commit(0, first, false);
      await world.store.commit(1, [world.effects(two, { events: [online(4)] })], true);
      const stored = await rows();
      const expected = [
        [one, online(1)],
        [one, update('ä "\\')],
        [two, online(2)],
        [one, online(3)],
        [two, online(4)],
      ] as const;
      assert.deepEqual(
        stored.map(({ tx: _, ...row }) => row),
        expected.map(([{ uid }, { kind, atMs, data }]) => ({
          device_uid: uid,
          tenant_id: world.tenantId,
          kind,
          ms: atMs,
          data,
        })),
      );
      const transactions = stored.map(row => Number(row.tx));
      assert.deepEqual(new Set(transactions.slice(0, 4)).size, 1);
      assert.ok(transactions[4]! > transactions[0]!);
    });

    it('are not there when what they tell of is not', async () => {
      const device = await world.add();
      const before = (await rows()).length;
      const record = world.command(device, { name: 'a\0b' });
      const effects = world.effects(device, { events: [online(9)], commands: [{ isNew: true, record }] });
      await assert.rejects(world.store.commit(0, [effects], false), { kind: 'refused' });
      assert.equal((await rows()).length, before);
      await world.store.commit(0, [{ ...effects, commands: [] }], false);
      assert.equal((await rows()).length, before + 1);
    });
  });
