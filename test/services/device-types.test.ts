import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type FleetNode, startFleetNode } from './fleet-node.ts';
import { type Answer, addTenant, ask, ENGINES, register } from './rest-node.ts';

const problem = ({ status, body }: Answer) => [status, body.type];

for (const engine of ENGINES)
  describe(`device types on ${engine}`, () => {
    let node: FleetNode;
    let otherKey: string;
    before(async () => {
      node = await startFleetNode({ engine });
      otherKey = await addTenant(node, 'other');
    });
    after(() => node.stop());

    const put = (name: string, body: unknown, headers?: Record<string, string>, key?: string) =>
      ask(node, `PUT /api/v1/device-types/${name}`, { body, headers, key });
    const lamp = {
      description: 'A lamp',
      commands: {
        dim: {
          description: 'Changes its brightness',
          parameters: {
            type: 'object',
            properties: { percent: { type: 'integer', minimum: 0, maximum: 100 } },
            required: ['percent'],
            additionalProperties: false,
          },
          mode: 'once',
          priority: 'high',
          ttlMs: 60_000,
        },
        reboot: {},
      },
    };

    test('a type is made, seen as it was said, and replaced whole', async () => {
      const made = await put('lamp', lamp);
      assert.deepEqual([made.status, made.headers.get('etag')], [201, '"1"']);
      assert.equal(made.headers.get('location'), '/api/v1/device-types/lamp');
      const { name, description, commands, version } = made.body;
      assert.deepEqual({ name, description, commands, version }, { name: 'lamp', ...lamp, version: 1 });
      assert.deepEqual((await ask(node, 'GET /api/v1/device-types/lamp')).body, made.body);
      const replaced = await put('lamp', { commands: { reboot: {} } });
      assert.deepEqual([replaced.status, replaced.headers.get('etag')], [200, '"2"']);
      assert.deepEqual([replaced.body.description, replaced.body.commands], [null, { reboot: {} }]);
      const silent = await put('lamp', { commands: null });
      assert.deepEqual([silent.body.commands, silent.body.version], [null, 3]);
    });

    test('a version that is not the newest changes and removes nothing', async () => {
      await put('versioned', {});
      await put('versioned', { description: 'second' });
      assert.deepEqual(problem(await put('versioned', {}, { 'if-match': '"1"' })), [412, 'stale_version']);
      const headers = { 'if-match': '"1"' };
      assert.deepEqual(problem(await ask(node, 'DELETE /api/v1/device-types/versioned', { headers })), [
        412,
        'stale_version',
      ]);
      assert.equal((await ask(node, 'GET /api/v1/device-types/versioned')).body.description, 'second');
      assert.equal((await put('versioned', {}, { 'if-match': '"2"' })).body.version, 3);
      assert.deepEqual(problem(await put('nobody', {}, { 'if-match': '"1"' })), [404, 'not_found']);
    });

    test('`If-Match: *` is for what is there, `If-None-Match: *` for what is not', async () => {
      const any = { 'if-match': '*' };
      const none = { 'if-none-match': '*' };
      assert.deepEqual(problem(await put('starred', {}, any)), [412, 'stale_version']);
      assert.equal((await put('starred', {}, none)).status, 201);
      assert.deepEqual(problem(await put('starred', {}, none)), [412, 'stale_version']);
      const changed = await put('starred', {}, any);
      assert.deepEqual([changed.status, changed.body.version], [200, 2]);
      assert.deepEqual(problem(await put('starred', {}, { ...any, ...none })), [400, 'invalid_request']);
      assert.deepEqual(problem(await put('starred', {}, { 'if-none-match': '"1"' })), [400, 'invalid_request']);
      assert.deepEqual(problem(await put('starred', { exists: true })), [400, 'invalid_request']);
    });

    test('of many changes for the same version exactly one is made', async () => {
      await put('raced', {});
      const answers = await Promise.all(Array.from({ length: 8 }, () => put('raced', {}, { 'if-match': '"1"' })));
      assert.deepEqual(answers.map(it => it.status).sort(), [200, ...Array<number>(7).fill(412)]);
    });

    for (const [what, body, said, type = 'invalid_request'] of [
      [
        'a schema with an unknown keyword',
        { commands: { a: { parameters: { minimun: 1 } } } },
        /commands\.a: .*minimun/,
      ],
      ['a schema with a wrong type', { commands: { a: { parameters: { type: 'integr' } } } }, /commands\.a: /],
      ['a schema with a bad pattern', { commands: { a: { parameters: { pattern: '(' } } } }, /commands\.a: /],
      ['a schema that refers to another', { commands: { a: { parameters: { $ref: '#' } } } }, /commands\.a: .*\$ref/],
      ['a schema that is a text', { commands: { a: { parameters: 'x' } } }, /commands\.a: /],
      ['a command that is a text', { commands: { a: 'x' } }, /commands\.a: must be an object/],
      ['a command without a name', { commands: { '': {} } }, /letters, digits/],
      ['a command with a slash', { commands: { 'a/b': {} } }, /commands\.a\/b: a name has/],
      ['an unknown field of a command', { commands: { a: { colour: 1 } } }, /commands\.a: colour is not known/],
      ['an unknown mode', { commands: { a: { mode: 'twice' } } }, /commands\.a: mode must be one of/],
      ['an unknown priority', { commands: { a: { priority: 1 } } }, /commands\.a: priority must be one of/],
      ['a time to live of 0', { commands: { a: { ttlMs: 0 } } }, /commands\.a: ttlMs must be/],
      ['a description that is a number', { commands: { a: { description: 1 } } }, /commands\.a: description/],
      ['a list of commands', { commands: [] }, /commands must be an object/],
      ['a text that can not be stored', { commands: { a: { description: 'a\0' } } }, /can't be stored/],
      ['an unknown field', { colour: 'red' }, /colour is not known/],
      ['a name in the body', { name: 'x' }, /name is not known/],
      ['too much', { commands: { a: { description: 'x'.repeat(65_536) } } }, /more than 65536/, 'too_large'],
      [
        'too many commands',
        { commands: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`c${i}`, {}])) },
        /more than 100/,
        'too_large',
      ],
    ] as [string, unknown, RegExp, string?][])
      test(`${what} is refused with what is wrong, and nothing is made`, async () => {
        const answer = await put('refused', body);
        assert.equal(answer.body.type, type, JSON.stringify(answer.body));
        assert.match(answer.body.detail, said);
        assert.equal((await ask(node, 'GET /api/v1/device-types/refused')).status, 404);
      });

    test('a type that a device has stays, until the device has another one or has ended', async () => {
      await put('worn', {});
      await register(node, 'w1', { type: 'worn' });
      await register(node, 'w2', { type: 'worn' });
      const remove = () => ask(node, 'DELETE /api/v1/device-types/worn');
      assert.deepEqual(problem(await remove()), [409, 'conflict']);
      await ask(node, 'PATCH /api/v1/devices/w1', { body: { type: null } });
      assert.deepEqual(problem(await remove()), [409, 'conflict']);
      await ask(node, 'DELETE /api/v1/devices/w2');
      assert.equal((await remove()).status, 200);
      assert.deepEqual(problem(await remove()), [404, 'not_found']);
    });

    test('types are listed by name, page by page', async () => {
      for (const name of ['p1', 'p2', 'p3']) await put(name, {}, {}, otherKey);
      const first = await ask(node, 'GET /api/v1/device-types?limit=2', { key: otherKey });
      const { items, nextCursor } = first.body;
      assert.deepEqual(
        items.map((it: { name: string }) => it.name),
        ['p1', 'p2'],
      );
      const rest = await ask(node, `GET /api/v1/device-types?limit=2&cursor=${nextCursor}`, { key: otherKey });
      assert.deepEqual([rest.body.items.length, rest.body.items[0].name, rest.body.nextCursor], [1, 'p3', null]);
    });

    test('another tenant has types of its own, and a device sees none', async () => {
      await put('private', lamp);
      const get = (key: string) => ask(node, 'GET /api/v1/device-types/private', { key });
      assert.deepEqual(problem(await get(otherKey)), [404, 'not_found']);
      assert.deepEqual(problem(await ask(node, 'DELETE /api/v1/device-types/private', { key: otherKey })), [
        404,
        'not_found',
      ]);
      assert.equal((await put('private', {}, {}, otherKey)).body.version, 1);
      assert.equal((await ask(node, 'GET /api/v1/device-types/private')).body.description, 'A lamp');
      const device = await register(node, 'curious', { type: 'private' });
      assert.deepEqual(problem(await get(device)), [403, 'forbidden']);
    });
  });
