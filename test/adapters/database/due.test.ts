/** Devices about which something is to be done, on both engines. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { closeInstance } from '../../../adapters/database/node-sessions.ts';
import { SHARDS } from '../../../contracts/addresses.ts';
import type { SessionChange } from '../../../contracts/sessions.ts';
import type { DeviceAddress } from '../../../contracts/uplinks.ts';
import { ENGINE_NAMES } from './engines.ts';
import { letLeaseRunOut } from './runs.ts';
import { AT_MS, type StoredDevice, StoredDevices } from './stored-devices.ts';

const ALL = Array.from({ length: SHARDS }, (_, shard) => shard);
const PAST = { deadlineMs: Date.now() - 60_000 };
const ENDED = { state: 'expired', endedAtMs: AT_MS } as const;

for (const engine of ENGINE_NAMES)
  describe(`devices with something due on ${engine}`, () => {
    let world: StoredDevices;
    before(async () => {
      world = await StoredDevices.start(engine);
    });
    after(() => world?.stop());
    beforeEach(() => world.database.query('DELETE FROM command'));

    const due = async (resume: boolean, shards: readonly number[] = ALL) =>
      (await world.store.due(shards, resume, 0, 1_000)).addresses;
    const addresses = (...devices: StoredDevice[]): DeviceAddress[] => devices.map(device => device.address);
    /** A run of another process whose lease runs. */
    const newRun = async () => {
      const instanceId = randomUUID();
      await world.database.query(
        `INSERT INTO node_session (instance_id, node_id, state, expires_at) VALUES ($1, 'n2', 'open', now() + interval '1 hour')`,
        [instanceId],
      );
      return instanceId;
    };
    const session = (device: StoredDevice, change: SessionChange) =>
      world.store.commit(0, [world.effects(device, { session: change })], false);
    const connect = async (device: StoredDevice, instanceId: string, receives: number) => {
      const place = { instanceId, address: 'n2-x', nodeId: 'n2', protocol: 'mqtt', peer: 'p' };
      await session(device, { kind: 'opened', session: 1, atMs: AT_MS, ...place });
      await session(device, { kind: 'receiving', session: 1, receives });
    };

    it('are those with an open command whose deadline has passed', async () => {
      const [late, early, ended, none] = [await world.add(), await world.add(), await world.add(), await world.add()];
      await world.order(late, world.command(late), world.command(late, PAST), world.command(late, PAST));
      await world.order(early, world.command(early));
      await world.order(ended, world.command(ended, { ...PAST, ...ENDED }));
      for (const resume of [false, true]) assert.deepEqual(await due(resume), addresses(late));
      const { shard } = late.address;
      assert.deepEqual(await due(false, [shard]), addresses(late));
      const others = ALL.filter(other => other !== shard);
      for (const resume of [false, true]) assert.deepEqual(await due(resume, others), [], 'of these shards only');
      assert.ok(none);
    });

    it('are, when shards came, those too that are connected and take commands', async () => {
      const instanceId = await newRun();
      const takes = async (receives: number) => {
        const device = await world.add();
        await connect(device, instanceId, receives);
        return device;
      };
      const [both, commands] = [await takes(3), await takes(1)];
      const others = [await takes(0), await takes(2), await world.add()];
      const idle = await takes(1);
      for (const device of [both, commands, ...others]) await world.order(device, world.command(device));
      await world.order(idle, world.command(idle, ENDED));
      assert.deepEqual(await due(true), addresses(both, commands));
      assert.deepEqual(await due(false), []);
      await session(commands, { kind: 'closed', session: 1, atMs: AT_MS, reason: 'r' });
      assert.deepEqual(await due(true), addresses(both));
    });

    it('are not those whose connection was in a process that ended', async () => {
      const [silent, closed, alive] = [await newRun(), await newRun(), await newRun()];
      const devices = [await world.add(), await world.add(), await world.add()];
      for (const [i, instanceId] of [silent, closed, alive].entries()) {
        await connect(devices[i]!, instanceId, 1);
        await world.order(devices[i]!, world.command(devices[i]!));
      }
      assert.deepEqual(await due(true), addresses(...devices));
      await letLeaseRunOut(world.database, silent, 1);
      await closeInstance(world.database, closed);
      assert.deepEqual(await due(true), addresses(devices[2]!));
    });

    it('are those too that are decommissioned', async () => {
      const [gone, suspended] = [await world.add('decommissioned'), await world.add('suspended')];
      for (const device of [gone, suspended]) await world.order(device, world.command(device));
      assert.deepEqual(await due(true), []);
      const { ended } = await world.store.due(ALL, true, 0, 10);
      assert.deepEqual(ended, addresses(gone));
      assert.deepEqual(await due(false), []);
    });

    it('come in pages, each device once', async () => {
      const devices: StoredDevice[] = [];
      for (let i = 0; i < 7; i++) {
        const device = await world.add();
        devices.push(device);
        await world.order(device, world.command(device, PAST), world.command(device, PAST));
        const waits = await world.add();
        await world.order(waits, world.command(waits));
      }
      for (const [resume, found] of [
        [false, 7],
        [true, 14],
      ] as const)
        for (const limit of [1, 3, 7, 8]) {
          const seen: DeviceAddress[] = [];
          let pages = 0;
          for (let after: number | null = 0; after !== null; pages++) {
            const page = await world.store.due(ALL, resume, after, limit);
            assert.ok(page.addresses.length <= limit);
            seen.push(...page.addresses);
            after = page.after;
          }
          assert.deepEqual(seen, addresses(...devices));
          // With `resume` those that only wait are looked at as well, and count for the page.
          assert.equal(pages, Math.floor(found / limit) + 1);
        }
    });
  });
