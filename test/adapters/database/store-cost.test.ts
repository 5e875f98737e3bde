/** What the store of actors asks of the database, and what it does not, on both engines. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LOAD_SQL } from '../../../adapters/database/actor-store.sql.ts';
import { ActorStore } from '../../../adapters/database/actor-store.ts';
import type { Database, Step } from '../../../adapters/database/database.ts';
import { OVERDUE_SQL, RESUME_SQL } from '../../../adapters/database/due.sql.ts';
import { RECEIVES } from '../../../contracts/downlinks.ts';
import type { DeviceEvent } from '../../../contracts/events.ts';
import type { Datapoint, Effects } from '../../../contracts/store.ts';
import { NO_TWIN, type TwinChange } from '../../../contracts/twins.ts';
import { ENGINE_NAMES } from './engines.ts';
import { explain, indexesUsed, rowsRead } from './plans.ts';
import { AT_MS, StoredDevices, stepTo } from './stored-devices.ts';

const EVENT: DeviceEvent = {
  kind: 'device.status',
  atMs: AT_MS,
  data: { status: 'online', session: 1, reason: null },
};

for (const engine of ENGINE_NAMES)
  describe(`the cost of storing and loading on ${engine}`, () => {
    let world: StoredDevices;
    before(async () => {
      world = await StoredDevices.start(engine);
    });
    after(() => world?.stop());

    /** The tables that the statements of a transaction change, in their order. */
    const changes = async (...effects: Effects[]): Promise<string[]> => {
      const seen: Step[] = [];
      const spied = {
        query: world.database.query.bind(world.database),
        lane: (name: string) => {
          const lane = world.database.lane(name);
          return {
            commit: (steps: readonly Step[]) => {
              seen.push(...steps);
              return lane.commit(steps);
            },
            close: () => lane.close(),
          };
        },
      } as unknown as Database;
      const store = new ActorStore(spied, world.instanceId, 1);
      await store.commit(0, effects, false);
      await store.close();
      return seen.map(step => {
        if (step.kind === 'copy') return step.table.replace(/_\d+$/, '');
        return /(?:INSERT INTO|UPDATE|FROM) (\w+)/.exec(step.sql)![1]!;
      });
    };
    const point = (us: number): Datapoint => ({
      measurement: 't',
      // Of the hour that it is: of one that is over, each leaves a mark.
      tsUs: Date.now() * 1_000 + us,
      value: us,
      json: null,
      mayExist: false,
      opens: false,
      quality: null,
      flags: 0,
      messageId: null,
    });

    it('is nothing but the fence and the datapoints for telemetry', async () => {
      const device = await world.add();
      const telemetry = (us: number) => world.effects(device, { datapoints: [point(us)] });
      assert.deepEqual(await changes(telemetry(1), telemetry(2)), ['node_lane', 'telemetry']);
      assert.deepEqual(await changes(), ['node_lane']);
    });

    it('is one statement for each kind of what is stored, however much there is of it', async () => {
      const devices = [await world.add(), await world.add()];
      const all: Effects[] = [];
      for (const device of devices) {
        const old = world.command(device);
        await world.order(device, old);
        const sent = stepTo(old, { state: 'sent', attempt: 1 });
        const commands = [
          { isNew: false, record: sent },
          { isNew: true, record: world.command(device) },
        ];
        const document = { version: 1, document: {}, times: {} };
        const twin: TwinChange = {
          record: { ...NO_TWIN, reported: document },
          step: { document: 'reported', version: 1, atMs: AT_MS, patch: {} },
        };
        all.push(world.effects(device, { commands, twin, events: [EVENT, EVENT] }));
        all.push(world.effects(device, { commands: [{ isNew: true, record: world.command(device) }] }));
      }
      assert.deepEqual(await changes(...all), ['node_lane', 'command', 'command', 'device_twin', 'twin_step', 'event']);
    });

    it('is no look at commands that have ended, and only at open ones that are needed', async () => {
      const devices = [await world.add(), await world.add()];
      const [busy, idle] = devices as [(typeof devices)[0], (typeof devices)[0]];
      for (const device of devices)
        await world.order(
          device,
          ...Array.from({ length: 1_000 }, () => world.command(device, { state: 'succeeded', endedAtMs: AT_MS })),
        );
      await world.order(busy, world.command(busy), world.command(busy));
      await world.database.query('ANALYZE command');
      const load = (id: string) => explain(world.database, LOAD_SQL, [['default'], [id]]);
      assert.equal(rowsRead(await load(idle.id), 'command'), 0);
      assert.deepEqual(indexesUsed(await load(idle.id), 'command'), ['command_open_device']);
      assert.equal(rowsRead(await load(busy.id), 'command'), 2);
      const { shard } = busy.address;
      const overdue = await explain(world.database, OVERDUE_SQL, [[shard], 0, 500]);
      assert.equal(rowsRead(overdue, 'command'), 0);
      const resume = await explain(world.database, RESUME_SQL, [[shard], 0, 500, RECEIVES.command]);
      assert.equal(rowsRead(resume, 'command'), 2);
    });
  });
