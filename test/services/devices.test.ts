import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { access } from '../../contracts/access.contract.ts';
import { actors } from '../../contracts/actors.contract.ts';
import { type Answer, addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    const heard: string[] = [];
    before(async () => {
      node = await startRestNode({ engine, env: { SKEIN_LIMIT_LIST_DEFAULT_ITEMS: '5' } });
      otherKey = await addTenant(node, 'other');
      const hear = (name: string) => (ctx: { params: { tenant: string; device?: string; subject?: string } }) =>
        heard.push(`${name} ${ctx.params.tenant}/${ctx.params.device ?? ctx.params.subject}`);
      node.broker.createService({
        name: 'listener',
        events: { [access.revoked.name]: hear('revoked'), [actors.changed.name]: hear('changed') } as never,
      });
      await node.broker.waitForServices('listener');
    });
    after(() => node.stop());

    const problem = ({ status, body }: Answer) => [status, body.type];

    test('a registered device is answered with a key that works, a version and a place', async () => {
      const body = {
        device_id: 'sensor-001',
        device_type: 'temperature_humidity',
        location: { latitude: 37.7749, longitude: -122.4194, address: 'San Francisco, CA' },
        metadata: { manufacturer: 'ACME Sensors', model: 'TH-2000', firmware_version: '1.2.3' },
      };
      const made = await ask(node, 'POST /api/devices', { body });
      assert.equal(made.status, 201);
      assert.equal(made.headers.get('location'), '/api/v1/devices/sensor-001');
      assert.equal(made.headers.get('etag'), '"1"');
      assert.equal(made.headers.get('cache-control'), 'no-store');
      const { id, type, state, location, metadata, version } = made.body.device;
      assert.deepEqual(
        { id, type, state, location, metadata, version },
        {
          id: 'sensor-001',
          type: body.device_type,
          state: 'registered',
          location: body.location,
          metadata: body.metadata,
          version: 1,
        },
      );
      const seen = await ask(node, 'GET /api/v1/devices/sensor-001', { key: made.body.credentials.apiKey });
      assert.deepEqual(seen.body, made.body.device);
    });

    test('provisioning takes what its seed prints, and makes an id', async () => {
      const body = {
        name: 'Device Name',
        type: 'sensor',
        manufacturer: 'Acme',
        model: 'TMP-100',
        serialNumber: 'SN123',
      };
      const { status, body: made } = await ask(node, 'POST /api/devices/provision', { body });
      assert.equal(status, 201);
      assert.match(made.device.id, /^[0-9a-f-]{36}$/);
      assert.match(made.credentials.apiKey, /^skd_/);
      assert.deepEqual(made.device.metadata, { manufacturer: 'Acme', model: 'TMP-100', serialNumber: 'SN123' });
    });

    test('the key of a device is nowhere in the database', async () => {
      const secret = (await register(node, 'hidden')).split('_')[2]!;
      const rows = await node.database.query<{ text: string }>(
        `SELECT k::text || encode(secret_hash, 'escape') AS text FROM device_key k`,
      );
      assert.equal(
        rows.some(row => row.text.includes(secret)),
        false,
      );
    });

    test('an id is registered once, by whoever comes first, and never again after its end', async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => ask(node, 'POST /api/devices', { body: { id: 'once' } })),
      );
      assert.deepEqual(answers.map(it => it.status).sort(), [201, 409, 409, 409, 409, 409, 409, 409]);
      await ask(node, 'DELETE /api/devices/once');
      assert.deepEqual(problem(await ask(node, 'POST /api/devices', { body: { id: 'once' } })), [409, 'conflict']);
    });

    for (const [what, body, type = 'invalid_request'] of [
      ['an id with a slash', { id: 'a/b' }],
      ['an id with a wildcard', { id: 'a+' }],
      ['an empty id', { id: '' }],
      ['an id of two dots', { id: '..' }],
      ['an id with NUL', { id: 'a\0' }],
      ['a long id', { id: 'a'.repeat(65) }],
      ['an id that is a number', { id: 5 }],
      ['an unknown field', { id: 'x', colour: 'red' }],
      ['metadata that is a list', { metadata: [] }],
      ['metadata that is null', { metadata: null }],
      ['tags that are null', { tags: null }],
      ['a tag that is a number', { tags: [1] }],
      ['a long name', { name: 'n'.repeat(201) }],
      ['a name with NUL', { name: 'a\0b' }],
      ['a name with half a surrogate', '{"name": "\\ud800"}'],
      ['metadata with NUL in a key', { metadata: { 'a\0': 1 } }],
      [
        'metadata that is too deep',
        { metadata: { a: { b: { c: { d: { e: { f: { g: { h: { i: { j: { k: 1 } } } } } } } } } } } },
      ],
      ['a number that is not finite', '{"metadata": {"a": 1e999}}'],
      ['metadata that is too large', { metadata: { a: 'x'.repeat(17_000) } }, 'too_large'],
      ['a body that is a list', [], 'invalid_request'],
      ['a body that is a text', '"x"', 'invalid_request'],
    ] as [string, unknown, string?][])
      test(`${what} is refused`, async () => {
        const answer = await ask(node, 'POST /api/devices', { body });
        assert.equal(answer.body.type, type, JSON.stringify(answer.body));
        assert.equal(
          node.logged.some(line => line.includes('A request failed')),
          false,
        );
      });

    test('a refusal names every field that is wrong', async () => {
      const { body } = await ask(node, 'POST /api/devices', { body: { name: 5, tags: ['ok', 7], shape: 'round' } });
      assert.deepEqual(body.errors, [
        { field: 'name', detail: 'must be a text' },
        { field: 'tags[1]', detail: 'must be a text' },
        { field: 'shape', detail: 'is not known here' },
      ]);
    });

    test('a list goes page by page through all devices, each once, while others come and go', async () => {
      const ids = Array.from({ length: 12 }, (_, i) => `page-${String(i).padStart(2, '0')}`);
      for (const id of ids) await register(node, id, { type: 'paged' });
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { body } = await ask(node, `GET /api/devices?type=paged${cursor && `&cursor=${cursor}`}`);
        assert.ok(body.items.length <= 5);
        seen.push(...body.items.map((it: { id: string }) => it.id));
        cursor = body.nextCursor;
        await register(node, `late-${seen.length}`, { type: 'paged' });
      }
      assert.deepEqual(
        seen.filter(id => id.startsWith('page-')),
        ids,
      );
      assert.equal(new Set(seen).size, seen.length);
    });

    test('a list is filtered by type, state and tag', async () => {
      await register(node, 'filter-a', { type: 'valve', tags: ['north', 'old'] });
      await register(node, 'filter-b', { type: 'valve', tags: ['south'] });
      await ask(node, 'DELETE /api/devices/filter-b');
      const ids = async (query: string) =>
        (await ask(node, `GET /api/devices?${query}`)).body.items.map((it: { id: string }) => it.id);
      assert.deepEqual(await ids('type=valve'), ['filter-a', 'filter-b']);
      assert.deepEqual(await ids('type=valve&state=decommissioned'), ['filter-b']);
      assert.deepEqual(await ids('tag=north'), ['filter-a']);
      assert.deepEqual(await ids('tag=nort'), []);
    });

    for (const query of [
      'limit=0',
      'limit=1001',
      'limit=1.5',
      'limit=ten',
      'limit[a]=1',
      'limit=1&limit=2',
      'state=broken',
      'stat=active',
      'cursor=x',
      'tag=%00',
    ])
      test(`a list with ${query} is refused`, async () => {
        assert.deepEqual(problem(await ask(node, `GET /api/devices?${query}`)), [400, 'invalid_request']);
      });

    test('a change gives a new version, and one for an old version is refused', async () => {
      await register(node, 'changing', { name: 'first', tags: ['a'] });
      const second = await ask(node, 'PATCH /api/devices/changing', {
        body: { name: 'second' },
        headers: { 'if-match': '"1"' },
      });
      assert.deepEqual(
        [second.status, second.headers.get('etag'), second.body.name, second.body.tags],
        [200, '"2"', 'second', ['a']],
      );
      for (const tag of ['"1"', 'W/"2"', '2', '"x"'])
        assert.deepEqual(
          problem(
            await ask(node, 'PATCH /api/devices/changing', { body: { name: 'late' }, headers: { 'if-match': tag } }),
          ),
          [412, 'stale_version'],
          tag,
        );
      const any = await ask(node, 'PATCH /api/devices/changing', {
        body: { name: null, location: 'Hall 1' },
        headers: { 'if-match': '*' },
      });
      assert.deepEqual([any.body.version, any.body.name, any.body.location], [3, null, 'Hall 1']);
      const same = await ask(node, 'PATCH /api/devices/changing', { body: {} });
      assert.equal(same.body.version, 3);
    });

    test('of many changes for the same version exactly one is made', async () => {
      await register(node, 'contested');
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          ask(node, 'PATCH /api/devices/contested', { body: { name: `n${i}` }, headers: { 'if-match': '"1"' } }),
        ),
      );
      assert.equal(answers.filter(it => it.status === 200).length, 1);
      assert.equal(answers.filter(it => it.status === 412).length, 9);
    });

    test('whoever has the newest version is told that nothing changed', async () => {
      await register(node, 'cached');
      // Without a Cache-Control of its own, fetch asks for an answer that is not from a cache.
      const headers = { 'if-none-match': '"1"', 'cache-control': 'max-age=0' };
      assert.equal((await ask(node, 'GET /api/devices/cached', { headers })).status, 304);
      await ask(node, 'PATCH /api/devices/cached', {
        body: { name: 'new' },
        headers: { ...headers, 'if-none-match': '*' },
      });
      const again = await ask(node, 'GET /api/devices/cached', { headers });
      assert.deepEqual([again.status, again.body.name], [200, 'new']);
    });

    test('a decommissioned device has no key, is told of, stays to be seen, and can not change', async () => {
      const key = await register(node, 'ending');
      assert.equal((await ask(node, 'GET /api/devices/ending', { key })).status, 200);
      assert.deepEqual(problem(await ask(node, 'DELETE /api/devices/ending', { headers: { 'if-match': '"9"' } })), [
        412,
        'stale_version',
      ]);
      heard.length = 0;
      const ended = await ask(node, 'DELETE /api/devices/ending', { headers: { 'if-match': '"1"' } });
      assert.deepEqual([ended.status, ended.body.state, ended.body.version], [200, 'decommissioned', 2]);
      assert.deepEqual(heard, ['revoked default/ending', 'changed default/ending']);
      assert.deepEqual(problem(await ask(node, 'GET /api/devices/ending', { key })), [401, 'unauthorized']);
      assert.equal((await ask(node, 'GET /api/devices/ending')).body.state, 'decommissioned');
      assert.deepEqual(problem(await ask(node, 'PATCH /api/devices/ending', { body: { name: 'x' } })), [
        409,
        'lifecycle_conflict',
      ]);
      const again = await ask(node, 'DELETE /api/devices/ending', { headers: { 'if-match': '"1"' } });
      assert.deepEqual([again.status, again.body], [200, ended.body]);
    });

    test('a change is told to the actors', async () => {
      await register(node, 'told');
      heard.length = 0;
      await ask(node, 'PATCH /api/devices/told', { body: { tags: ['x', 'x'] } });
      assert.deepEqual(heard, ['changed default/told']);
    });

    test('another tenant sees, changes and ends nothing, and may use the same ids', async () => {
      await register(node, 'shared-id', { name: 'ours' });
      const asOther = { key: otherKey };
      for (const line of [
        'GET /api/devices/shared-id',
        'DELETE /api/devices/shared-id',
        'GET /api/devices/shared-id/telemetry/latest',
      ])
        assert.deepEqual(problem(await ask(node, line, asOther)), [404, 'not_found'], line);
      assert.deepEqual((await ask(node, 'GET /api/devices', asOther)).body.items, []);
      await register(node, 'shared-id', { name: 'theirs' }, otherKey);
      assert.equal((await ask(node, 'GET /api/devices/shared-id', asOther)).body.name, 'theirs');
      assert.equal((await ask(node, 'GET /api/devices/shared-id')).body.name, 'ours');
      const { body } = await ask(node, 'GET /api/devices?limit=1');
      assert.deepEqual(problem(await ask(node, `GET /api/devices?limit=1&cursor=${body.nextCursor}`, asOther)), [
        400,
        'invalid_request',
      ]);
    });

    test('a device sees itself and nothing else', async () => {
      const key = await register(node, 'modest');
      await register(node, 'neighbour');
      assert.equal((await ask(node, 'GET /api/devices/modest', { key })).status, 200);
      for (const line of [
        'GET /api/devices/neighbour',
        'GET /api/devices/nobody',
        'GET /api/devices',
        'DELETE /api/devices/modest',
        'GET /api/dead-letters',
        'GET /api/devices/neighbour/telemetry',
      ])
        assert.deepEqual(problem(await ask(node, line, { key })), [403, 'forbidden'], line);
    });

    test('a device whose type is Buffer is a device like any other', async () => {
      await register(node, 'buffer', { type: 'Buffer', metadata: { data: [1, 2] } });
      assert.equal((await ask(node, 'GET /api/devices/buffer')).body.type, 'Buffer');
    });
  });
