/** Types of devices as templates: measurements, properties and capabilities; and what limited callers see of groups and tags. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { devicesOf, keyWith, problem, startAssetsNode } from './assets-node.ts';
import { type FleetNode, registerMany } from './fleet-node.ts';
import { addTenant, ask, register } from './rest-node.ts';

describe('templates, groups and tags', () => {
  let node: FleetNode;
  before(async () => {
    node = await startAssetsNode({ env: { SKEIN_LIMIT_DEVICE_TYPE_MAX_PROPERTIES: '3' } });
  });
  after(() => node?.stop());

  const put = (name: string, body: unknown) => ask(node, `PUT /api/v1/device-types/${name}`, { body });
  const heater = {
    description: 'A water heater',
    measurements: {
      temperature: { type: 'number', unit: 'Cel', min: -40, max: 120, description: 'At the outlet' },
      burning: { type: 'boolean' },
      state: { type: 'object' },
    },
    properties: {
      target: { schema: { type: 'number', minimum: 30 }, writable: true, description: 'Wanted' },
      firmware: { writable: false },
      free: { schema: true },
    },
    capabilities: ['heating', 'metering'],
    capabilityDetails: { heating: { properties: ['target'], measurements: ['temperature'], commands: ['boost'] } },
    commands: { boost: {} },
    validation: { outOfRange: 'flag', tooOld: 'refuse', tooOldSeconds: 3_600 },
  };

  test('a type is a template, seen as it was said and replaced whole', async () => {
    const made = await put('heater', heater);
    const { name, version, createdAt, updatedAt, ...said } = made.body;
    assert.deepEqual(said, heater);
    assert.deepEqual((await ask(node, 'GET /api/v1/device-types/heater')).body, made.body);
    const { body } = await put('heater', { capabilities: ['a', 'a'] });
    assert.deepEqual(
      [body.measurements, body.properties, body.capabilities, body.capabilityDetails, body.commands, body.validation],
      [null, null, ['a'], null, null, null],
    );
  });

  const property = (schema: unknown) => ({ properties: { a: { schema } } });
  for (const [what, body, said, type = 'invalid_request'] of [
    ['a measurement of no type', { measurements: { a: {} } }, /measurements\.a: type must be one of/],
    ['a measurement of an unknown type', { measurements: { a: { type: 'text' } } }, /type must be one of/],
    ['bounds the wrong way round', { measurements: { a: { type: 'number', min: 2, max: 1 } } }, /min must not be more/],
    ['a bound of a text', { measurements: { a: { type: 'string', min: 1 } } }, /min must be a number/],
    ['a bound that is a text', { measurements: { a: { type: 'number', max: '1' } } }, /max must be a number/],
    ['a unit that is a number', { measurements: { a: { type: 'number', unit: 1 } } }, /unit must be a text/],
    ['a unit without a letter', { measurements: { a: { type: 'number', unit: '' } } }, /unit must have 1 to/],
    ['an unknown field of a measurement', { measurements: { a: { type: 'number', mean: 1 } } }, /mean is not known/],
    ['a name that no measurement can have', { measurements: { '': { type: 'number' } } }, /no measurement can have/],
    ['a list of measurements', { measurements: [] }, /measurements must be an object/],
    ['a property that is a text', { properties: { a: 'x' } }, /properties\.a: must be an object/],
    ['a property with an unknown field', { properties: { a: { readonly: true } } }, /readonly is not known/],
    ['writable as a text', { properties: { a: { writable: 'no' } } }, /writable must be/],
    ['a schema that is a text', property('number'), /schema must be a JSON Schema/],
    ['a schema with an unknown keyword', property({ minimun: 1 }), /properties: .*minimun/],
    ['a schema that refers to another', property({ $ref: '#' }), /properties: .*\$ref/],
    ['a schema with a bad pattern', property({ pattern: '(' }), /properties: /],
    ['a list of rules', { validation: [] }, /validation must be an object/],
    ['a rule of which nothing is known', { validation: { tooBig: 'flag' } }, /validation\.tooBig is not known/],
    ['a rule like the prototype', { validation: { constructor: 1 } }, /validation\.constructor is not known/],
    ['what nobody does', { validation: { wrongType: 'drop' } }, /wrongType must be one of keep, flag, refuse/],
    ['an age that is not said', { validation: { tooOld: 'flag' } }, /tooOld needs tooOldSeconds/],
    ['an age of a text', { validation: { tooOldSeconds: '1' } }, /tooOldSeconds must be a whole number/],
    ['an age below nothing', { validation: { tooOldSeconds: -1 } }, /tooOldSeconds must be a whole number/],
    [
      'more than the system allows ahead',
      { validation: { tooFarAhead: 'flag', tooFarAheadSeconds: 86_401 } },
      /tooFarAheadSeconds must be a whole number from 0 to 86400/,
    ],
    [
      'a range of a text that is to be watched',
      { measurements: { a: { type: 'string', outOfRange: 'flag' } } },
      /measurements\.a: outOfRange must be one of .*, of a measurement of type number/,
    ],
    ['too many properties', { properties: { a: {}, b: {}, c: {}, d: {} } }, /more than 3/, 'too_large'],
    ['a property that is the prototype', '{"properties": {"__proto__": {}}}', /name/],
    ['a capability with a space', { capabilities: ['a b'] }, /a name has/],
    [
      'too many capabilities',
      { capabilities: Array.from({ length: 51 }, (_, i) => `c${i}`) },
      /more than 50/,
      'too_large',
    ],
    ['details of another capability', { capabilityDetails: { a: {} } }, /not among the capabilities/],
    [
      'details about what is not described',
      { capabilities: ['a'], capabilityDetails: { a: { properties: ['x'] } } },
      /describes no x in its properties/,
    ],
    ['details that are a text', { capabilities: ['a'], capabilityDetails: { a: { commands: 'x' } } }, /list of names/],
    ['unknown details', { capabilities: ['a'], capabilityDetails: { a: { alarms: [] } } }, /alarms is not known/],
    [
      'too much together',
      {
        commands: { a: { description: 'x'.repeat(40_000) } },
        measurements: Object.fromEntries(
          Array.from({ length: 20 }, (_, i) => [`m${i}`, { type: 'number', description: 'x'.repeat(1_900) }]),
        ),
      },
      /The device type has .* more than 65536/,
      'too_large',
    ],
  ] as [string, unknown, RegExp, string?][])
    test(`${what} is refused, and nothing is made`, async () => {
      const answer = await put('refused', body);
      assert.equal(answer.body.type, type, JSON.stringify(answer.body));
      assert.match(answer.body.detail, said);
      assert.equal((await ask(node, 'GET /api/v1/device-types/refused')).status, 404);
    });

  test('tags in use are counted, of this tenant, of devices that have not ended, and for some callers of some devices', async () => {
    const other = await addTenant(node, 'other');
    await register(node, 'theirs', { tags: ['theirs', 'red'] }, other);
    await registerMany(node, ['x1', 'x2'], { tags: ['red', 'old'], type: 'pump' });
    await register(node, 'x3', { tags: ['red'], type: 'lamp' });
    await register(node, 'x4', { tags: ['gone'] });
    await ask(node, 'DELETE /api/v1/devices/x4');
    const tags = async (query = '', key?: string) => (await ask(node, `GET /api/v1/tags${query}`, { key })).body;
    assert.deepEqual((await tags()).items, [
      { tag: 'old', deviceCount: 2 },
      { tag: 'red', deviceCount: 3 },
    ]);
    const { nextCursor } = await tags('?limit=1');
    assert.deepEqual(await tags(`?limit=1&cursor=${nextCursor}`), {
      items: [{ tag: 'red', deviceCount: 3 }],
      nextCursor: null,
    });
    assert.equal((await tags(`?cursor=${nextCursor}`, other)).type, 'invalid_request');
    const lamps = await keyWith(node, { types: ['lamp'] });
    assert.deepEqual((await tags('', lamps)).items, [{ tag: 'red', deviceCount: 1 }]);
    assert.deepEqual(
      problem(await ask(node, 'GET /api/v1/tags', { key: await keyWith(node, null, ['groups:read']) })),
      [403, 'forbidden'],
    );
  });

  test('who sees some devices only sees and counts no other members of a group, and puts none into it', async () => {
    await registerMany(node, ['y1', 'y2'], { type: 'fan' });
    await register(node, 'y3', { type: 'door' });
    await ask(node, 'PUT /api/v1/groups/floor', { body: {} });
    await ask(node, 'POST /api/v1/groups/floor/devices', { body: { deviceIds: ['y1', 'y2', 'y3'] } });
    const key = await keyWith(node, { types: ['fan'] });
    assert.equal((await ask(node, 'GET /api/v1/groups/floor')).body.deviceCount, 3);
    assert.equal((await ask(node, 'GET /api/v1/groups/floor', { key })).body.deviceCount, 2);
    assert.deepEqual(devicesOf(await ask(node, 'GET /api/v1/groups/floor/devices', { key })), ['y1', 'y2']);
    assert.deepEqual(problem(await ask(node, 'PUT /api/v1/groups/floor/devices/y1', { key })), [403, 'forbidden']);
    assert.deepEqual(problem(await put('heater', {})), [200, undefined]);
  });

  test('who comes into a group and leaves it is in the audit log, once', async () => {
    await register(node, 'z1');
    await ask(node, 'PUT /api/v1/groups/watched', { body: {} });
    for (const method of ['PUT', 'PUT', 'DELETE', 'DELETE'])
      await ask(node, `${method} /api/v1/groups/watched/devices/z1`);
    const rows = await node.database.query<{ act: string; data: object }>(
      `SELECT act, data FROM audit_entry WHERE target = 'group watched' ORDER BY seq`,
    );
    assert.deepEqual(
      rows.map(it => [it.act, it.data]),
      [
        ['group.created', {}],
        ['group.devices-added', { added: 1, deviceIds: ['z1'] }],
        ['group.device-removed', { deviceId: 'z1' }],
      ],
    );
  });

  test('a cursor of a group’s devices ends with the group', async () => {
    await registerMany(node, ['q1', 'q2']);
    const fill = async () => {
      await ask(node, 'PUT /api/v1/groups/again', { body: {} });
      await ask(node, 'POST /api/v1/groups/again/devices', { body: { deviceIds: ['q1', 'q2'] } });
    };
    await fill();
    const { nextCursor } = (await ask(node, 'GET /api/v1/groups/again/devices?limit=1')).body;
    await ask(node, 'DELETE /api/v1/groups/again');
    await fill();
    const answer = await ask(node, `GET /api/v1/groups/again/devices?cursor=${nextCursor}`);
    assert.deepEqual(problem(answer), [400, 'invalid_request']);
  });
});
