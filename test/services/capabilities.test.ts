import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { keyWith, problem, startAssetsNode } from './assets-node.ts';
import type { FleetNode } from './fleet-node.ts';
import { addTenant, ask, ENGINES, register } from './rest-node.ts';

const HEATER = {
  measurements: { temperature: { type: 'number', unit: 'Cel' }, pressure: { type: 'number' } },
  properties: {
    target: { schema: { type: 'number', minimum: 30, maximum: 80 } },
    mode: { schema: { enum: ['eco', 'fast'] } },
    serial: { writable: false },
  },
  capabilities: ['heating', 'anything'],
  capabilityDetails: { heating: { properties: ['target', 'mode'], measurements: ['temperature'] } },
};

for (const engine of ENGINES)
  describe(`capabilities on ${engine}`, () => {
    let node: FleetNode;
    let otherKey: string;
    before(async () => {
      node = await startAssetsNode({ engine });
      otherKey = await addTenant(node, 'other');
      await ask(node, 'PUT /api/v1/device-types/water_heater', { body: HEATER });
      for (const id of ['w1', 'w2']) await register(node, id, { type: 'water_heater' });
      await register(node, 'r1', { type: 'robot', capabilities: ['driving', 'heating'] });
      await register(node, 'w9', { type: 'water_heater' }, otherKey);
      await ask(node, 'PATCH /api/v1/devices/w1/twin/desired', { body: { target: 50, serial: 'x', other: 1 } });
      const values = { temperature: 41.5, pressure: 2, noise: 3 };
      await ask(node, 'POST /api/v1/telemetry', { body: { deviceId: 'w1', values } });
    });
    after(() => node?.stop());

    const get = (path: string, key?: string) => ask(node, `GET /api/v1/capabilities/${path}`, { key });
    const put = (path: string, body: unknown, key?: string) =>
      ask(node, `PUT /api/v1/capabilities/${path}`, { body, key });

    test('a capability shows its part of the device', async () => {
      const { status, body } = await get('heating/w1');
      assert.equal(status, 200);
      assert.deepEqual([body.capability, body.deviceId, body.reported], ['heating', 'w1', {}]);
      assert.deepEqual(body.desired, { target: 50 });
      assert.deepEqual(Object.keys(body.latest), ['temperature']);
      assert.equal(body.latest.temperature.value, 41.5);
    });

    test('a capability that says nothing of its parts is about all that the type describes', async () => {
      const { body } = await get('anything/w1');
      assert.deepEqual(body.desired, { target: 50, serial: 'x' });
      assert.deepEqual(Object.keys(body.latest).sort(), ['pressure', 'temperature']);
    });

    test('a device has its own capabilities too, described or not', async () => {
      assert.deepEqual((await put('driving/r1', { speed: { max: 3 } })).body.desired, { speed: { max: 3 } });
      assert.deepEqual((await get('driving/r1')).body.desired, { speed: { max: 3 } });
      assert.equal((await get('heating/r1')).status, 200);
    });

    test('properties are merged into what is desired, and null takes one away', async () => {
      const set = await put('heating/w2', { target: 60, mode: 'eco' });
      assert.deepEqual(set.body, { capability: 'heating', deviceId: 'w2', desired: { target: 60, mode: 'eco' } });
      assert.deepEqual((await put('heating/w2', { mode: null })).body.desired, { target: 60 });
      assert.deepEqual((await ask(node, 'GET /api/v1/devices/w2/twin')).body.desired, { target: 60 });
    });

    for (const [what, path, body, said] of [
      ['a value that does not fit', 'heating/w2', { target: 90 }, /\/target must be <= 80/],
      ['a value of another type', 'heating/w2', { target: '50' }, /\/target must be number/],
      ['a value that is none of those', 'heating/w2', { mode: 'slow' }, /\/mode must be one of/],
      ['a property of something else', 'heating/w2', { serial: 'x' }, /\/serial is no property/],
      ['a property that nobody described', 'anything/w2', { colour: 1 }, /\/colour is no property/],
      ['a property that is only reported', 'anything/w2', { serial: 'x' }, /\/serial can not be written/],
      ['one right and one wrong', 'heating/w2', { mode: 'fast', target: 1 }, /\/target/],
    ] as [string, string, object, RegExp][])
      test(`${what} is refused, and nothing changes`, async () => {
        const before = await ask(node, 'GET /api/v1/devices/w2/twin');
        const answer = await put(path, body);
        assert.deepEqual(problem(answer), [422, 'properties_invalid']);
        assert.match(answer.body.detail, said);
        assert.deepEqual((await ask(node, 'GET /api/v1/devices/w2/twin')).body, before.body);
      });

    test('what the type says now is what counts', async () => {
      const described = (maximum: number) => ({
        properties: { level: { schema: { type: 'number', maximum } } },
        capabilities: ['filling'],
      });
      await ask(node, 'PUT /api/v1/device-types/tank', { body: described(5) });
      await register(node, 't1', { type: 'tank' });
      assert.equal((await put('filling/t1', { level: 9 })).status, 422);
      await ask(node, 'PUT /api/v1/device-types/tank', { body: described(10) });
      assert.equal((await put('filling/t1', { level: 9 })).status, 200);
    });

    test('nothing to change, a list and a text are refused', async () => {
      for (const body of [{}, [], 'x', 1]) assert.equal((await put('heating/w2', body)).status, 400);
      assert.deepEqual(problem(await ask(node, 'GET /api/v1/capabilities/heating/w1?at=1')), [400, 'invalid_request']);
    });

    test('a capability that the device does not have, and a device that is not there, look the same', async () => {
      for (const path of ['heating/nobody', 'heating/w9']) {
        const id = path.slice(8);
        assert.equal((await get(path)).body.detail, `There is no device "${id}" with the capability "heating"`);
        assert.deepEqual(problem(await put(path, { target: 50 })), [404, 'not_found']);
      }
      assert.deepEqual(problem(await get('heating/a%20b')), [404, 'not_found']);
      for (const path of ['flying/w1', 'heating/nobody', 'heating/w9'])
        assert.deepEqual(problem(await get(path)), [404, 'not_found'], path);
    });

    test('another tenant sees and changes nothing, whatever its own types say', async () => {
      await ask(node, 'PUT /api/v1/device-types/water_heater', { body: { capabilities: ['heating'] }, key: otherKey });
      assert.deepEqual(problem(await get('heating/w1', otherKey)), [404, 'not_found']);
      assert.deepEqual(problem(await put('heating/w1', { target: 50 }, otherKey)), [404, 'not_found']);
      assert.equal((await get('heating/w9', otherKey)).status, 200);
      const { body } = await ask(node, 'GET /api/v1/capabilities', { key: otherKey });
      assert.deepEqual(body.items, [{ capability: 'heating', deviceCount: 1 }]);
    });

    test('capabilities in use are listed with how many devices have each, page by page', async () => {
      const first = await ask(node, 'GET /api/v1/capabilities?limit=2');
      assert.deepEqual(first.body.items, [
        { capability: 'anything', deviceCount: 2 },
        { capability: 'driving', deviceCount: 1 },
      ]);
      const rest = await ask(node, `GET /api/v1/capabilities?cursor=${first.body.nextCursor}`);
      assert.deepEqual(
        rest.body.items.find((it: { capability: string }) => it.capability === 'heating').deviceCount,
        3,
      );
    });

    test('who sees some devices only sees and counts no others', async () => {
      const key = await keyWith(node, { types: ['robot'] });
      assert.deepEqual((await ask(node, 'GET /api/v1/capabilities', { key })).body.items, [
        { capability: 'driving', deviceCount: 1 },
        { capability: 'heating', deviceCount: 1 },
      ]);
      assert.deepEqual(problem(await get('heating/w1', key)), [404, 'not_found']);
      assert.deepEqual(problem(await put('heating/w1', { target: 50 }, key)), [404, 'not_found']);
      assert.equal((await get('heating/r1', key)).status, 200);
    });

    test('who may not read telemetry does not read it here, and who may not write twins does not here', async () => {
      const noTelemetry = await keyWith(node, null, ['devices:read', 'twins:read']);
      assert.deepEqual(problem(await get('heating/w1', noTelemetry)), [403, 'forbidden']);
      const readsOnly = await keyWith(node, null, ['devices:read', 'twins:read', 'telemetry:read']);
      assert.equal((await get('heating/w1', readsOnly)).status, 200);
      assert.deepEqual(problem(await put('heating/w1', { target: 50 }, readsOnly)), [403, 'forbidden']);
    });

    test('a device sees its own capabilities, and changes none', async () => {
      const key = await register(node, 'w3', { type: 'water_heater' });
      assert.equal((await get('heating/w3', key)).status, 200);
      assert.deepEqual(problem(await get('heating/w1', key)), [403, 'forbidden']);
      assert.deepEqual(problem(await put('heating/w3', { target: 50 }, key)), [403, 'forbidden']);
    });

    test('the paths of the seeds show the devices of their type', async () => {
      const { body } = await ask(node, 'GET /api/v1/water-heaters?limit=1');
      assert.deepEqual([body.items[0].id, body.items.length], ['w1', 1]);
      const rest = await ask(node, `GET /api/v1/water-heaters?cursor=${body.nextCursor}`);
      assert.equal(rest.body.items[0].id, 'w2');
      assert.deepEqual((await ask(node, 'GET /api/v1/vending-machines')).body.items, []);
      const robot = await ask(node, 'GET /api/v1/robots/r1');
      assert.deepEqual([robot.body.id, robot.headers.get('etag')], ['r1', '"1"']);
      const [wrong, missing] = [await ask(node, 'GET /api/v1/robots/w1'), await ask(node, 'GET /api/v1/robots/w0')];
      assert.deepEqual(problem(wrong), [404, 'not_found']);
      assert.equal(wrong.body.detail.replace('w1', 'w0'), missing.body.detail);
      assert.deepEqual(problem(await ask(node, 'GET /api/v1/robots?type=lamp')), [400, 'invalid_request']);
    });
  });
