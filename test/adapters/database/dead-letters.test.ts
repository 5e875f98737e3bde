/** Dead letters that are not kept when they only repeat what is stored, on both engines. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { CommandState } from '../../../contracts/commands.ts';
import type { DeadLetter } from '../../../contracts/store.ts';
import { ENGINE_NAMES } from './engines.ts';
import { AT_MS, type StoredDevice, StoredDevices, stepTo } from './stored-devices.ts';

for (const engine of ENGINE_NAMES)
  describe(`dead letters about commands on ${engine}`, () => {
    let world: StoredDevices;
    before(async () => {
      world = await StoredDevices.start(engine);
    });
    after(() => world?.stop());

    const letter = (device: StoredDevice, unless: DeadLetter['unless']): DeadLetter => ({
      id: randomUUID(),
      deviceId: device.id,
      kind: 'ack',
      topic: 't',
      contentType: '',
      reason: 'command_not_open',
      detail: '',
      payload: new Uint8Array([0, 255]),
      receivedAtMs: AT_MS,
      unless,
    });
    const of = (device: StoredDevice, commandId: string, state: CommandState) =>
      world.effects(device, { deadLetter: letter(device, { commandId, state }) });
    const kept = async (device: StoredDevice) =>
      (await world.rows(`SELECT 1 FROM dead_letter WHERE device_id = $1`, device.id)).length;
    const ended = async (device: StoredDevice) => {
      const record = world.command(device, { state: 'succeeded', endedAtMs: AT_MS });
      await world.order(device, record);
      return record.id;
    };

    it('are not kept, and are no news, when the command of the device ended just so', async () => {
      const device = await world.add();
      const id = await ended(device);
      assert.deepEqual(await world.store.commit(0, [of(device, id, 'succeeded')], false), [false]);
      assert.equal(await kept(device), 0);
    });

    it('are kept when it ended otherwise, is of another device, or is no command at all', async () => {
      const [device, other] = [await world.add(), await world.add()];
      const id = await ended(device);
      const plain = world.effects(device, { deadLetter: letter(device, null) });
      const all = [
        of(device, id, 'failed'),
        of(other, id, 'succeeded'),
        of(device, randomUUID(), 'succeeded'),
        of(device, "no id'; --", 'succeeded'),
        of(device, '', 'succeeded'),
        plain,
      ];
      assert.deepEqual(
        await world.store.commit(0, all, false),
        all.map(() => true),
      );
      assert.deepEqual([await kept(device), await kept(other)], [5, 1]);
      assert.deepEqual(await world.store.commit(0, [plain], true), [true], 'written again it is still what was kept');
      assert.equal(await kept(device), 5);
    });

    it('know what ends in their own transaction, whichever comes first in it', async () => {
      const device = await world.add();
      const record = world.command(device);
      await world.order(device, record);
      const end = stepTo(record, { state: 'failed', endedAtMs: AT_MS });
      const batch = [
        world.effects(device, { commands: [{ isNew: false, record: end }] }),
        of(device, record.id, 'failed'),
        of(device, record.id, 'succeeded'),
      ];
      assert.deepEqual(await world.store.commit(0, batch, false), [true, false, true]);
      assert.equal(await kept(device), 1);
    });
  });
