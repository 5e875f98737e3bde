import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { idsOf, keyWith, problem, startAssetsNode } from './assets-node.ts';
import type { FleetNode } from './fleet-node.ts';
import { addTenant, ask, ENGINES, register } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`assets on ${engine}`, () => {
    let node: FleetNode;
    let otherKey: string;
    before(async () => {
      node = await startAssetsNode({ engine, env: { SKEIN_LIMIT_TREE_MAX_LEVELS: '3' } });
      otherKey = await addTenant(node, 'other');
      await register(node, 'pump-1', { type: 'pump' });
      await register(node, 'lamp-1', { type: 'lamp' });
      await register(node, 'theirs', {}, otherKey);
      await ask(node, 'POST /api/v1/locations', { body: { id: 'hall', name: 'Hall' } });
      await ask(node, 'POST /api/v1/locations', { body: { id: 'their-hall', name: 'Hall' }, key: otherKey });
      await ask(node, 'POST /api/v1/assets', { body: { id: 'their-asset', name: 'x' }, key: otherKey });
    });
    after(() => node?.stop());

    const create = (body: object, headers?: Record<string, string>, key?: string) =>
      ask(node, 'POST /api/v1/assets', { body, headers, key });
    const make = async (id: string, fields: object = {}) => {
      const answer = await create({ id, name: id, ...fields });
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
    };
    const get = (id: string, key?: string) => ask(node, `GET /api/v1/assets/${id}`, { key });
    const patch = (id: string, body: object, headers?: Record<string, string>, key?: string) =>
      ask(node, `PATCH /api/v1/assets/${id}`, { body, headers, key });
    const remove = (id: string, key?: string) => ask(node, `DELETE /api/v1/assets/${id}`, { key });
    const list = (query = '', key?: string) => ask(node, `GET /api/v1/assets${query}`, { key });

    const heater = {
      name: 'Boiler 3',
      model: 'WH-300',
      manufacturer: 'Acme',
      serialNumber: '0042',
      installDate: '2024-02-29',
      owner: 'Building services',
      locationId: 'hall',
      deviceId: 'pump-1',
      capabilities: {
        heating: { implementation: 'gas', configuration: { litres: 300 } },
        cooling: { implementation: 'none' },
      },
      metadata: { room: 7 },
      tags: ['winter'],
    };

    test('an asset is made, seen, changed in part, and removed', async () => {
      const made = await create({ id: 'boiler', ...heater });
      assert.deepEqual([made.status, made.headers.get('etag')], [201, '"1"']);
      assert.equal(made.headers.get('location'), '/api/v1/assets/boiler');
      const { createdAt, updatedAt, ...rest } = made.body;
      assert.deepEqual(rest, { id: 'boiler', ...heater, parentId: null, version: 1 });
      assert.deepEqual((await get('boiler')).body, made.body);
      const changed = await patch('boiler', { deviceId: null, owner: 'Tenant' }, { 'if-match': '"1"' });
      assert.deepEqual(
        [changed.headers.get('etag'), changed.body.deviceId, changed.body.owner],
        ['"2"', null, 'Tenant'],
      );
      assert.deepEqual(changed.body.capabilities, heater.capabilities);
      assert.deepEqual(problem(await patch('boiler', { name: 'x' }, { 'if-match': '"1"' })), [412, 'stale_version']);
      assert.equal((await remove('boiler')).body.version, 2);
      assert.deepEqual(problem(await remove('boiler')), [404, 'not_found']);
    });

    test('one key makes one asset, and of many changes for a version one is made', async () => {
      const headers = { 'idempotency-key': 'asset' };
      const [a, b] = await Promise.all([create({ name: 'x' }, headers), create({ name: 'x' }, headers)]);
      assert.deepEqual(a.body, b.body);
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => patch(a.body.id, { owner: 'me' }, { 'if-match': '"1"' })),
      );
      assert.deepEqual(answers.map(it => it.status).sort(), [200, ...Array<number>(5).fill(412)]);
    });

    test('an asset refers to nothing that is not there, and not to what is another tenant’s', async () => {
      await make('referring');
      for (const [name, ids] of Object.entries({
        locationId: ['their-hall', 'nowhere', '../x'],
        deviceId: ['theirs', 'nobody', 'a b'],
        parentId: ['their-asset', 'nothing', ''],
      }))
        for (const id of ids)
          for (const answer of [await create({ name: 'x', [name]: id }), await patch('referring', { [name]: id })]) {
            assert.deepEqual(problem(answer), [400, 'invalid_request'], `${name} ${id}`);
            assert.equal(answer.body.detail, `${name}: there is no "${id}"`);
          }
      assert.equal((await get('referring')).body.version, 1);
    });

    test('a decommissioned device comes into no asset, and stays in the one where it was', async () => {
      await register(node, 'ending');
      await make('with-ending', { deviceId: 'ending' });
      await ask(node, 'DELETE /api/v1/devices/ending');
      assert.equal((await get('with-ending')).body.deviceId, 'ending');
      assert.deepEqual(problem(await create({ name: 'x', deviceId: 'ending' })), [400, 'invalid_request']);
    });

    test('assets are parts of each other, in no circle and not too deep, and what has parts stays', async () => {
      await make('machine');
      await make('drive', { parentId: 'machine' });
      await make('motor', { parentId: 'drive' });
      assert.match((await create({ name: 'x', parentId: 'motor' })).body.detail, /more than 3/);
      assert.match((await patch('machine', { parentId: 'motor' })).body.detail, /inside of itself/);
      const refused = await remove('drive');
      assert.deepEqual(problem(refused), [409, 'conflict']);
      assert.match(refused.body.detail, /assets that are parts/);
      assert.deepEqual(idsOf(await list('?parentId=drive')), ['motor']);
    });

    test('a list is narrowed by location, device and tag, and its cursor belongs to its filter', async () => {
      for (const id of ['n1', 'n2', 'n3'])
        await make(id, { tags: ['listed'], ...(id === 'n2' && { locationId: 'hall' }) });
      const first = await list('?tag=listed&limit=2');
      assert.deepEqual(idsOf(first), ['n1', 'n2']);
      assert.deepEqual(idsOf(await list(`?tag=listed&limit=2&cursor=${first.body.nextCursor}`)), ['n3']);
      assert.deepEqual(problem(await list(`?cursor=${first.body.nextCursor}`)), [400, 'invalid_request']);
      assert.deepEqual(idsOf(await list('?tag=listed&locationId=hall')), ['n2']);
      await make('n4', { deviceId: 'lamp-1' });
      assert.deepEqual(idsOf(await list('?deviceId=lamp-1')), ['n4']);
      for (const query of ['?fits=x', '?query=1', '?page=2', '?sort=name', '?owner=x'])
        assert.deepEqual(problem(await list(query)), [400, 'invalid_request'], query);
      await remove('n4');
    });

    test('who sees some devices only sees no asset that names another one', async () => {
      await make('m-pump', { deviceId: 'pump-1', tags: ['seen'] });
      await make('m-lamp', { deviceId: 'lamp-1', tags: ['seen'] });
      await make('m-none', { tags: ['seen'] });
      const key = await keyWith(node, { types: ['pump'] });
      assert.deepEqual(idsOf(await list('?tag=seen')), ['m-lamp', 'm-none', 'm-pump']);
      assert.deepEqual(idsOf(await list('?tag=seen', key)), ['m-none', 'm-pump']);
      assert.deepEqual(idsOf(await list('?deviceId=lamp-1', key)), []);
      assert.equal((await get('m-pump', key)).status, 200);
      const [hidden, missing] = [await get('m-lamp', key), await get('m-gone', key)];
      assert.deepEqual(problem(hidden), [404, 'not_found']);
      assert.equal(hidden.body.detail.replace('m-lamp', 'm-gone'), missing.body.detail);
      for (const answer of [
        await create({ name: 'x' }, {}, key),
        await patch('m-pump', { name: 'x' }, {}, key),
        await remove('m-pump', key),
      ])
        assert.deepEqual(problem(answer), [403, 'forbidden']);
    });

    test('what belongs to another tenant looks like what does not exist', async () => {
      await make('secret', { tags: ['secret'] });
      for (const id of ['secret', 'missing'])
        for (const it of [
          await get(id, otherKey),
          await patch(id, { name: 'stolen' }, {}, otherKey),
          await remove(id, otherKey),
        ]) {
          assert.deepEqual(problem(it), [404, 'not_found']);
          assert.equal(it.body.detail, `There is no asset "${id}"`);
        }
      assert.deepEqual(idsOf(await list('', otherKey)), ['their-asset']);
      for (const query of ['?tag=secret', '?locationId=hall', '?deviceId=pump-1'])
        assert.deepEqual(idsOf(await list(query, otherKey)), [], query);
      assert.equal((await get('secret')).body.name, 'secret');
    });

    test('a device has no business here', async () => {
      const key = await register(node, 'curious');
      assert.deepEqual(problem(await list('', key)), [403, 'forbidden']);
      assert.deepEqual(problem(await get('secret', key)), [403, 'forbidden']);
    });

    for (const [what, body, type = 'invalid_request'] of [
      ['a day that there is not', { installDate: '2023-02-29' }],
      ['a day that is a time', { installDate: '2023-02-28T00:00:00Z' }],
      ['a version', { version: 3 }],
      ['a tenant', { tenantId: 1 }],
      ['a scope', { scope: { tenantId: 2 } }],
      ['fields of the adapter', { $set: { name: 'x' } }],
      ['capabilities that are a list', { capabilities: [] }],
      ['capabilities that are null', { capabilities: null }],
      ['a capability that is a text', { capabilities: { heating: 'gas' } }],
      ['a capability without an implementation', { capabilities: { heating: {} } }],
      ['a capability with an unknown field', { capabilities: { heating: { implementation: 'x', by: 1 } } }],
      [
        'a capability with a list as configuration',
        { capabilities: { heating: { implementation: 'x', configuration: [] } } },
      ],
      ['a capability with a slash in its name', { capabilities: { 'a/b': { implementation: 'x' } } }],
      [
        'too many capabilities',
        { capabilities: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`c${i}`, { implementation: 'x' }])) },
        'too_large',
      ],
      [
        'a large configuration',
        { capabilities: { a: { implementation: 'x', configuration: { a: 'x'.repeat(16_384) } } } },
        'too_large',
      ],
    ] as [string, object, string?][])
      test(`an asset with ${what} is refused`, async () => {
        const answer = await create({ id: 'refused', name: 'x', ...body });
        assert.equal(answer.body.type, type, JSON.stringify(answer.body));
        assert.equal((await get('refused')).status, 404);
      });
  });
