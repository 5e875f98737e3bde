import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../../contracts/json.ts';
import { compileCommandSchema } from '../../mixins/command-schemas.ts';
import { allDistinct } from '../../mixins/distinct-items.ts';

const problems = (schema: unknown, parameters: JsonObject) => compileCommandSchema(schema)(parameters);

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
      [{ type: 'strin' }, /schema\/type must be equal to one of the allowed values/],
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
