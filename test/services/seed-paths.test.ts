import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startRestNode({ engine });
    });
    after(() => node.stop());

    const send = (body: unknown) => ask(node, 'POST /api/telemetry', { body });

    test('the seed form with one value becomes the measurement of its sensor type', async () => {
      await register(node, 'device-001');
      const seed = {
        deviceId: 'device-001',
        sensorId: 'temp-001',
        sensorType: 'temperature',
        value: 22.5,
        unit: 'celsius',
      };
      assert.deepEqual((await ask(node, 'POST /api/telemetry', { body: seed })).body, { accepted: 1, rejected: [] });
      await send({ device_id: 'device-001', sensor_id: 'door', value: false });
      const { values } = (await ask(node, 'GET /api/devices/device-001/data/latest')).body;
      assert.deepEqual(
        [values.temperature.value, values.door.value, Object.keys(values)],
        [22.5, false, ['door', 'temperature']],
      );
    });

    test('the seed paths answer in the shapes that their seed prints', async () => {
      await register(node, 'seeded');
      const [old, recent] = [new Date(Date.now() - 48 * 3_600_000), new Date(Date.now() - 3_600_000)].map(it =>
        it.toISOString(),
      );
      await send([
        { deviceId: 'seeded', timestamp: old, values: { temperature: 20, pressure: 990 } },
        { deviceId: 'seeded', timestamp: recent, values: { temperature: 22.5, humidity: 45.2 } },
      ]);
      assert.deepEqual((await ask(node, 'GET /api/device/seeded/latest')).body, {
        device_id: 'seeded',
        temperature: 22.5,
        humidity: 45.2,
        pressure: 990,
        timestamp: recent,
      });
      const byField = (a: { field: string }, b: { field: string }) => (a.field < b.field ? -1 : 1);
      const history = (await ask(node, 'GET /api/device/seeded/history?hours=24')).body;
      assert.deepEqual(history.data.sort(byField), [
        { timestamp: recent, field: 'humidity', value: 45.2 },
        { timestamp: recent, field: 'temperature', value: 22.5 },
      ]);
      const first = (await ask(node, 'GET /api/device/seeded/history?hours=72&limit=3')).body;
      const rest = (await ask(node, `GET /api/device/seeded/history?hours=72&cursor=${first.nextCursor}`)).body;
      assert.deepEqual([first.data.length, rest.data.length, rest.nextCursor], [3, 1, null]);
      for (const query of ['hours=0', 'hours=-1', 'hours=x', 'hours=1&hours=2', 'days=1'])
        assert.equal((await ask(node, `GET /api/device/seeded/history?${query}`)).body.type, 'invalid_request', query);
    });
  });
