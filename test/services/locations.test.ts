import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { devicesOf, idsOf, keyWith, problem, startAssetsNode } from './assets-node.ts';
import type { FleetNode } from './fleet-node.ts';
import { addTenant, ask, ENGINES, register } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`locations on ${engine}`, () => {
    let node: FleetNode;
    let otherKey: string;
    before(async () => {
      node = await startAssetsNode({ engine, env: { SKEIN_LIMIT_TREE_MAX_LEVELS: '4' } });
      otherKey = await addTenant(node, 'other');
    });
    after(() => node?.stop());

    const create = (body: object, headers?: Record<string, string>, key?: string) =>
      ask(node, 'POST /api/v1/locations', { body, headers, key });
    const make = async (id: string, fields: object = {}) => {
      const answer = await create({ id, name: id, ...fields });
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
    };
    const get = (id: string, key?: string) => ask(node, `GET /api/v1/locations/${id}`, { key });
    const patch = (id: string, body: object, headers?: Record<string, string>, key?: string) =>
      ask(node, `PATCH /api/v1/locations/${id}`, { body, headers, key });
    const remove = (id: string, key?: string) => ask(node, `DELETE /api/v1/locations/${id}`, { key });

    test('a location is made, seen, changed in part, and removed', async () => {
      const said = {
        name: 'Plant',
        kind: 'site',
        coordinates: { latitude: 47.5, longitude: -8.25 },
        address: '1 Mill Lane',
        metadata: { owner: { name: 'x' } },
        tags: ['east', 'east', 'old'],
      };
      const made = await create({ id: 'plant', ...said });
      assert.deepEqual([made.status, made.headers.get('etag')], [201, '"1"']);
      assert.equal(made.headers.get('location'), '/api/v1/locations/plant');
      const { createdAt, updatedAt, ...rest } = made.body;
      assert.deepEqual(rest, { id: 'plant', ...said, tags: ['east', 'old'], parentId: null, version: 1 });
      assert.deepEqual((await get('plant')).body, made.body);
      const changed = await patch('plant', { address: null, tags: [] }, { 'if-match': '"1"' });
      assert.deepEqual([changed.headers.get('etag'), changed.body.address, changed.body.tags], ['"2"', null, []]);
      assert.deepEqual(changed.body.coordinates, said.coordinates);
      assert.equal((await patch('plant', {})).body.version, 2);
      assert.equal((await remove('plant')).status, 200);
      assert.deepEqual(problem(await get('plant')), [404, 'not_found']);
    });

    test('a location without an id gets one, and one key makes one location', async () => {
      const headers = { 'idempotency-key': 'once' };
      const [a, b] = [await create({ name: 'x' }, headers), await create({ name: 'x' }, headers)];
      assert.match(a.body.id, /^[0-9a-f-]{36}$/);
      assert.deepEqual(b.body, a.body);
      assert.deepEqual(problem(await create({ name: 'y' }, headers)), [409, 'idempotency_key_reused']);
    });

    test('an id is given once, and two at the same time do not both get it', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => create({ id: 'twice', name: 'x' })));
      assert.deepEqual(answers.map(it => it.status).sort(), [201, ...Array<number>(5).fill(409)]);
    });

    test('of many changes for the same version exactly one is made', async () => {
      await make('raced');
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, i) => patch('raced', { kind: `${i}` }, { 'if-match': '"1"' })),
      );
      assert.deepEqual(answers.map(it => it.status).sort(), [200, ...Array<number>(5).fill(412)]);
      assert.deepEqual(problem(await patch('raced', {}, { 'if-match': '"1"' })), [412, 'stale_version']);
      const headers = { 'if-match': '"1"' };
      assert.deepEqual(problem(await ask(node, 'DELETE /api/v1/locations/raced', { headers })), [412, 'stale_version']);
    });

    test('locations lie in each other, in no circle, and not too deep', async () => {
      await make('site');
      await make('house', { parentId: 'site' });
      await make('floor', { parentId: 'house' });
      await make('room', { parentId: 'floor' });
      const deep = await create({ name: 'shelf', parentId: 'room' });
      assert.match(deep.body.detail, /more than 4 would be inside of each other/);
      for (const inside of ['site', 'room'])
        assert.match((await patch('site', { parentId: inside })).body.detail, /inside of itself/);
      assert.match((await create({ name: 'x', parentId: 'nowhere' })).body.detail, /there is no "nowhere"/);
      assert.match((await create({ name: 'x', parentId: 'a b' })).body.detail, /there is no "a b"/);
      assert.deepEqual(idsOf(await ask(node, 'GET /api/v1/locations?parentId=site')), ['house']);
      assert.equal((await patch('room', { parentId: null })).body.parentId, null);
    });

    test('a location with something in it stays, and says what it is', async () => {
      const refused = async () => {
        const answer = await remove('full');
        assert.deepEqual(problem(answer), [409, 'conflict']);
        return answer.body.detail;
      };
      await make('full');
      await make('part', { parentId: 'full' });
      assert.match(await refused(), /There are locations at/);
      await ask(node, 'POST /api/v1/assets', { body: { id: 'thing', name: 'x', locationId: 'full' } });
      assert.match(await refused(), /There are locations and assets at/);
      await ask(node, 'DELETE /api/v1/assets/thing');
      await remove('part');
      await register(node, 'located', { location: { locationId: 'full' } });
      assert.match(await refused(), /There are devices at/);
      await ask(node, 'PATCH /api/v1/devices/located', { body: { location: 'full' } });
      assert.equal((await remove('full')).status, 200);
    });

    test('a device may say anything of where it is', async () => {
      const long = Array.from({ length: 4_000 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('');
      for (const [i, location] of ['x', 7, ['a'], { locationId: { a: 1 } }, { locationId: long }].entries())
        await register(node, `anywhere-${i}`, { location });
    });

    test('the devices of a location are those that say so and those of its assets, page by page, each once', async () => {
      await make('hall');
      await register(node, 'h2', { location: { locationId: 'hall' } });
      for (const id of ['h1', 'h3', 'h4']) await register(node, id, { type: id === 'h4' ? 'far' : 'near' });
      for (const deviceId of ['h2', 'h1', 'h3'])
        await ask(node, 'POST /api/v1/assets', { body: { name: 'x', locationId: 'hall', deviceId } });
      const first = await ask(node, 'GET /api/v1/locations/hall/devices?limit=2');
      assert.deepEqual(devicesOf(first), ['h1', 'h2']);
      const rest = await ask(node, `GET /api/v1/locations/hall/devices?limit=2&cursor=${first.body.nextCursor}`);
      assert.deepEqual([devicesOf(rest), rest.body.nextCursor], [['h3'], null]);
      const key = await keyWith(node, { types: ['near'] });
      assert.deepEqual(devicesOf(await ask(node, 'GET /api/v1/locations/hall/devices', { key })), ['h1', 'h3']);
      await ask(node, 'DELETE /api/v1/devices/h1');
      assert.deepEqual(devicesOf(await ask(node, 'GET /api/v1/locations/hall/devices')), ['h2', 'h3']);
    });

    test('a list goes on where it ended, and takes no cursor of another list', async () => {
      for (const id of ['l1', 'l2', 'l3']) await make(id, { kind: 'listed', tags: [id] });
      const first = await ask(node, 'GET /api/v1/locations?kind=listed&limit=2');
      assert.deepEqual(idsOf(first), ['l1', 'l2']);
      const cursor = first.body.nextCursor;
      assert.deepEqual(idsOf(await ask(node, `GET /api/v1/locations?kind=listed&cursor=${cursor}`)), ['l3']);
      assert.deepEqual(idsOf(await ask(node, 'GET /api/v1/locations?tag=l2')), ['l2']);
      for (const other of [`cursor=${cursor}`, `kind=listed&cursor=${cursor}x`, 'cursor=x', 'limit=0', 'name=x'])
        assert.deepEqual(problem(await ask(node, `GET /api/v1/locations?${other}`)), [400, 'invalid_request'], other);
      const foreign = await ask(node, `GET /api/v1/locations?kind=listed&cursor=${cursor}`, { key: otherKey });
      assert.deepEqual(problem(foreign), [400, 'invalid_request']);
    });

    test('what belongs to another tenant looks like what does not exist', async () => {
      await make('secret', { tags: ['secret'] });
      for (const id of ['secret', 'missing']) {
        const answers = [
          await get(id, otherKey),
          await patch(id, { name: 'stolen' }, {}, otherKey),
          await patch(id, {}, {}, otherKey),
          await remove(id, otherKey),
          await ask(node, `GET /api/v1/locations/${id}/devices`, { key: otherKey }),
        ];
        for (const it of answers) {
          assert.deepEqual(problem(it), [404, 'not_found']);
          assert.equal(it.body.detail, `There is no location "${id}"`);
        }
        const inside = await create({ name: 'x', parentId: id }, {}, otherKey);
        assert.equal(inside.body.detail, `parentId: there is no "${id}"`);
      }
      for (const query of ['', '?tag=secret', '?parentId=secret'])
        assert.deepEqual(idsOf(await ask(node, `GET /api/v1/locations${query}`, { key: otherKey })), []);
      assert.equal((await create({ id: 'secret', name: 'own' }, {}, otherKey)).status, 201);
      assert.equal((await get('secret')).body.name, 'secret');
    });

    for (const [what, body] of [
      ['no name', {}],
      ['an empty name', { name: '' }],
      ['null as its name', { name: null }],
      ['a name that is too long', { name: 'x'.repeat(201) }],
      ['a name that can not be stored', { name: 'a\0' }],
      ['a version', { name: 'x', version: 7 }],
      ['a tenant', { name: 'x', tenantId: 1 }],
      ['a tenant as the database says it', { name: 'x', tenant_id: 1 }],
      ['a time', { name: 'x', createdAt: '2020-01-01T00:00:00Z' }],
      ['a query', { name: 'x', query: {} }],
      ['fields to show', { name: 'x', fields: ['tenant_id'] }],
      ['a place beyond the pole', { name: 'x', coordinates: { latitude: 91, longitude: 0 } }],
      ['half a place', { name: 'x', coordinates: { latitude: 1 } }],
      ['a height', { name: 'x', coordinates: { latitude: 1, longitude: 1, altitude: 1 } }],
      ['metadata that is null', { name: 'x', metadata: null }],
      ['tags that are null', { name: 'x', tags: null }],
      ['too many tags', { name: 'x', tags: Array.from({ length: 51 }, (_, i) => `${i}`) }],
      ['an id with a slash', { name: 'x', id: 'a/b' }],
      ['an id that is a list', { name: 'x', id: ['a'] }],
      ['an id that is an object', { name: 'x', id: { scope: {} } }],
    ] as [string, object][])
      test(`a location with ${what} is refused`, async () => {
        assert.deepEqual(problem(await create(body)), [400, 'invalid_request']);
      });

    test('metadata has a size', async () => {
      const answer = await create({ name: 'x', metadata: { a: 'x'.repeat(16_384) } });
      assert.deepEqual(problem(answer), [413, 'too_large']);
    });

    test('a change says neither id nor version in its body', async () => {
      await make('plain');
      for (const body of [{ id: 'other' }, { version: 1 }, { tenantId: 1 }])
        assert.deepEqual(problem(await patch('plain', body)), [400, 'invalid_request']);
    });

    test('a role that only reads changes nothing, and one that is limited to some devices neither', async () => {
      await make('readonly');
      for (const key of [await keyWith(node, null, ['assets:read']), await keyWith(node, { types: ['near'] })]) {
        assert.equal((await get('readonly', key)).status, 200);
        assert.deepEqual(problem(await create({ name: 'x' }, {}, key)), [403, 'forbidden']);
        assert.deepEqual(problem(await patch('readonly', { name: 'y' }, {}, key)), [403, 'forbidden']);
        assert.deepEqual(problem(await remove('readonly', key)), [403, 'forbidden']);
      }
    });

    test('each change is in the audit log, and what was refused is not', async () => {
      await make('audited');
      await patch('audited', { name: 'b' });
      await patch('audited', { name: 'c' }, { 'if-match': '"1"' });
      await remove('audited');
      const rows = await node.database.query<{ act: string }>(
        `SELECT act FROM audit_entry WHERE target = 'location audited' ORDER BY seq`,
      );
      assert.deepEqual(
        rows.map(it => it.act),
        ['location.created', 'location.changed', 'location.removed'],
      );
    });
  });
