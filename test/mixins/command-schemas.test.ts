import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../../contracts/json.ts';
import { compileCommandSchema } from '../../mixins/command-schemas.ts';
import { allDistinct } from '../../mixins/distinct-items.ts';

const problems = (schema: unknown, parameters: JsonObject) => compileCommandSchema(schema).problemsOf(parameters);

describe('schemas of commands', () => {
  test('what fits has no problem, what does not has its place and its reason', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        target: { type: 'number', minimum: 5, maximum: 30 },
        at: { format: 'date-time' },
        zones: { prefixItems: [{ const: 'a' }], items: { enum: ['b', 'c'] }, uniqueItems: true },
      },
      required: ['target'],
      unevaluatedProperties: false,
    };
    assert.deepEqual(problems(schema, { target: 21, at: '2026-01-01T00:00:00Z', zones: ['a', 'b', 'c'] }), []);
    const found = problems(schema, { target: 31, at: 'noon', zones: ['x', 'b', 'b'], more: 1 });
    assert.deepEqual(
      found.map(({ path, message }) => `${path} ${message}`).sort(),
      [
        ' must NOT have unevaluated properties: more',
        '/at must match format "date-time"',
        '/target must be <= 30',
        '/zones must NOT have duplicate items',
        '/zones/0 must be equal to constant',
      ].sort(),
    );
    assert.deepEqual(problems(schema, {}), [{ path: '', message: "must have required property 'target'" }]);
  });

  test('a schema that can not be used is refused with what is wrong', () => {
    for (const [schema, why] of [
      [true, /must be an object/],
      [[], /must be an object/],
      [{ type: 'strin' }, /schema\/type must be one of "array", "boolean"/],
      [{ tpye: 'object' }, /unknown keyword: "tpye"/],
      [{ format: 'colour' }, /unknown format "colour"/],
      [{ $schema: 'http://json-schema.org/draft-07/schema#' }, /draft-07/],
      [{ pattern: '(' }, /missing closing/],
      [{ pattern: '(?=a)' }, /unsupported Perl syntax/],
      [{ pattern: '(a)\\1' }, /invalid escape/],
      [{ patternProperties: { '(?<!a)': {} } }, /schema of the parameters can not be used/],
      [{ pattern: '((a{1,30}){1,30}){1,30}' }, /./],
      [{ pattern: 'a'.repeat(1_001) }, /more than 1000 characters/],
      [{ properties: { a: { $ref: '#' } } }, /\$ref is not taken/],
      [{ $defs: { a: {} }, allOf: [{ $dynamicRef: '#a' }] }, /\$dynamicRef is not taken/],
      [{ $id: 'https://example.com/x' }, /\$id is not taken/],
      [{ $async: true }, /\$async is not taken/],
      [{ properties: { a: { $async: {} } } }, /\$async is not taken/],
      [JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'), /__proto__ is not taken/],
      [{ type: 'string' }, /its type must be object/],
      [{ type: ['array', 'null'] }, /its type must be object/],
      [{ const: 3 }, /no object fits it/],
      [{ enum: [1, 'a', null] }, /no object fits it/],
      [{ items: { allOf: Array(2_650).fill(false) } }, /subschemas, keywords and names, more than/],
      [{ dependentRequired: { a: Array.from({ length: 1_000 }, (_, n) => `k${n}`) } }, /more than/],
      [{ allOf: Array(20).fill({ pattern: '[ab]*a[ab]{200}[cd]$' }) }, /patterns are too complex together/],
      [JSON.parse(`${'{"not":'.repeat(25)}{}${'}'.repeat(25)}`), /nested too deep/],
    ] as const)
      assert.throws(
        () => compileCommandSchema(schema),
        { type: 'invalid_request', message: why },
        JSON.stringify(schema),
      );
    assert.throws(() => compileCommandSchema({ description: 'x'.repeat(16 * 1024) }), { type: 'too_large' });
  });

  test('a property may have the name of a keyword that is not taken', () => {
    const schema = { properties: { $ref: { type: 'string' }, $id: { type: 'number' } } };
    assert.deepEqual(problems(schema, { $ref: 'x', $id: 1 }), []);
    assert.equal(problems(schema, { $ref: 1 }).length, 1);
  });

  test('each pattern is its own, and finds its text anywhere', () => {
    const schema = { properties: { a: { pattern: '^a' }, b: { pattern: 'b$' }, c: { pattern: '\\p{Lu}' } } };
    assert.deepEqual(problems(schema, { a: 'ab', b: 'ab', c: 'aÄ' }), []);
    assert.equal(problems(schema, { a: 'ba', b: 'ba', c: 'ä' }).length, 3);
  });

  test('a pattern that takes other engines for ever ends at once, and says what is right', () => {
    const schema = { properties: { a: { pattern: '^(a+)+$' }, b: { patternProperties: { '^(x*)*y$': false } } } };
    const long = 'a'.repeat(32_000);
    assert.deepEqual(problems(schema, { a: long, b: { ['x'.repeat(32_000)]: 1 } }), []);
    assert.equal(problems(schema, { a: `${long}!` }).length, 1);
  });

  test('many items that must be distinct are compared at once', () => {
    const schema = { properties: { a: { uniqueItems: true } } };
    const many = Array.from({ length: 8_000 }, (_, n) => ({ n }));
    assert.deepEqual(problems(schema, { a: many }), []);
    assert.equal(problems(schema, { a: [...many, { n: 0 }] }).length, 1);
  });

  test('patterns never meet an engine that goes back, not even for names that the schema says', () => {
    const names = { ['a'.repeat(60)]: { type: 'number' } };
    assert.deepEqual(problems({ properties: names, patternProperties: { '^(a+)+b$': {} } }, {}), []);
  });

  test('names that each object has are names like others', () => {
    assert.deepEqual(problems({ properties: { constructor: { type: 'string' } } }, {}), []);
    assert.equal(problems({ required: ['constructor', 'toString'] }, {}).length, 2);
    assert.deepEqual(problems({ required: ['constructor'] }, { constructor: 1 }), []);
    const closed = { unevaluatedProperties: false, anyOf: [{ required: ['b'] }, { properties: { a: true } }] };
    assert.equal(problems(closed, { constructor: 1 }).length, 1);
    const exact = { properties: { a: { const: { valueOf: 1 } } } };
    assert.deepEqual(problems(exact, { a: { valueOf: 1 } }), []);
    assert.equal(problems(exact, { a: { valueOf: 2 } }).length, 1);
  });

  test('values that are not among those that may be are told which may be', () => {
    const schema = { properties: { a: { enum: ['on', 2, { b: 1, c: 2 }] } } };
    assert.deepEqual(problems(schema, { a: { c: 2, b: 1 } }), []);
    assert.deepEqual(problems(schema, { a: 'off' }), [
      { path: '/a', message: 'must be one of "on", 2, {"b":1,"c":2}' },
    ]);
  });

  describe('what would take long is refused before, or on the way', () => {
    const list = (items: unknown) => ({ properties: { a: { items } } });
    const many = (count: number, it: unknown) => Array.from({ length: count }, () => it);
    const letters = 'ab'.repeat(16_000);
    for (const [what, schema, a] of [
      ['many subschemas for many items', list({ allOf: many(1_400, false) }), many(16_000, 0)],
      ['many that do not fit before one that does', list({ anyOf: [...many(1_400, false), {}] }), many(16_000, 0)],
      ['a pattern of many states', { properties: { a: { pattern: '[ab]*a[ab]{200}[cd]$' } } }, letters],
      [
        'the same small pattern many times',
        { properties: { a: { allOf: many(200, { pattern: '^[ab]*$' }) } } },
        letters,
      ],
      [
        'patterns for many names',
        { properties: { a: { patternProperties: { '[a-z]{0,99}x$': {} } } } },
        Object.fromEntries(many(900, 0).map((_, n) => [`k${n}${'y'.repeat(20)}`, 1])),
      ],
      ['places whose names are long to escape', { additionalProperties: { anyOf: [...many(100, false), {}] } }, {}],
      [
        'items that are compared again and again',
        { properties: { a: { allOf: many(400, { uniqueItems: true }) } } },
        many(6_000, 0).map((_, n) => n),
      ],
      ['a format again and again', { properties: { a: { allOf: many(400, { format: 'email' }) } } }, letters],
    ] as const)
      test(what, () => {
        const validator = compileCommandSchema(schema);
        assert.throws(() => validator.problemsOf(what.startsWith('places') ? { ['~'.repeat(30_000)]: 1 } : { a }), {
          type: 'too_large',
        });
        assert.ok(Array.isArray(validator.problemsOf({ a: Array.isArray(a) ? a.slice(0, 10) : 'ab' })));
      });

    test('one with many properties, or many items, is none of them', () => {
      const names = Array.from({ length: 300 }, (_, n) => `measurement${n}`);
      const properties = Object.fromEntries(names.map(it => [it, { type: 'number', minimum: 0 }]));
      const wide = { type: 'object', properties, required: names.slice(0, 100), additionalProperties: false };
      assert.deepEqual(problems(wide, Object.fromEntries(names.map(it => [it, 1]))), []);
      assert.equal(problems(wide, Object.fromEntries(names.map(it => [it, -1]))).length, 20);
      const point = { t: { type: 'number', minimum: 0 }, v: { type: 'string', pattern: '^[a-z]{1,8}$' } };
      const items = { type: 'object', properties: point, required: ['t', 'v'], additionalProperties: false };
      assert.deepEqual(problems(list(items), { a: many(1_400, { t: 1, v: 'abcdef' }) }), []);
      assert.deepEqual(problems({ properties: { a: { enum: many(3_000, 0).map((_, n) => n) } } }, { a: 2_999 }), []);
    });
  });

  test('of very many problems some are told', () => {
    const found = problems({ properties: { a: { items: { type: 'string' } } } }, { a: Array(1_000).fill(1) });
    assert.equal(found.length, 20);
  });
});

test('items are equal as JSON says it', () => {
  assert.ok(allDistinct([1, '1', true, null, [1], { a: 1 }, { a: 2 }, {}, [], ['a,b'], ['a', 'b']]));
  for (const same of [
    [1, 1.0],
    [
      { a: 1, b: [{ c: 1, d: 2 }] },
      { b: [{ d: 2, c: 1 }], a: 1 },
    ],
    [null, 0, null],
  ])
    assert.ok(!allDistinct(same), JSON.stringify(same));
});
