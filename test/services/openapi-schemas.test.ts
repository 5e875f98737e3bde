import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import * as fastest from 'fastest-validator';
import { type Rule, typed } from '../../contracts/contract.ts';
import { schemaOfRule, schemaOfRules } from '../../services/gateway/openapi/schema-of-rule.ts';

type Compiling = new () => { compile(rules: object): (value: object) => unknown };
const FastestValidator = fastest.default as unknown as Compiling;
const ajv = new Ajv2020({ strict: false });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);

/** Every form that contracts use, or may. */
const RULES: readonly Rule[] = [
  'string',
  'string|min:2|max:4',
  'string|empty:false',
  'number',
  'number|integer|min:0',
  'number|positive',
  'boolean',
  'uuid',
  'any',
  'email',
  'object',
  'array',
  'string[]',
  { type: 'string', max: 3, pattern: /^[a-c]+$/ },
  { type: 'string', nullable: true, max: 2 },
  { type: 'string', enum: ['a', 'abc'] },
  { type: 'enum', values: ['a', 'b', 7] },
  { type: 'enum', values: ['a'], nullable: true },
  { type: 'array', items: 'string|max:2', max: 2 },
  { type: 'array', items: { type: 'enum', values: ['a', 'b'] }, min: 1, unique: true },
  { type: 'number', nullable: true, integer: true, max: 8 },
  { type: 'object', nullable: true },
  { type: 'object', props: { a: 'string', b: 'number|optional' } },
  { type: 'object', strict: true, props: { a: { type: 'array', items: 'number' } } },
  { type: 'record', key: 'string', value: 'number' },
  { type: 'multi', rules: ['string', 'number'] },
  typed<{ a: string }>({ type: 'object', props: { a: 'string' } }),
];

const VALUES: readonly unknown[] = [
  '',
  'a',
  'ab',
  'abc',
  'abcde',
  'zz',
  'a@example.org',
  '0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
  0,
  1,
  7,
  9,
  -1,
  1.5,
  true,
  false,
  null,
  [],
  ['a'],
  ['a', 'a'],
  ['abc'],
  ['a', 'b', 'a'],
  [1],
  {},
  { a: 'x' },
  { a: 1 },
  { a: 'x', b: 2 },
  { a: 'x', b: 'y' },
  { a: [1] },
  { a: ['x'] },
  { c: 3 },
];

for (const rule of RULES)
  test(`the schema of ${JSON.stringify(rule)} lets through what the rule does`, () => {
    const byRule = new FastestValidator().compile({ value: rule });
    const bySchema = ajv.compile(schemaOfRule(rule));
    for (const value of VALUES)
      assert.equal(bySchema(value), byRule({ value: structuredClone(value) }) === true, JSON.stringify(value));
  });

test('parameters that have to be there are required, and no others are known', () => {
  const validate = ajv.compile(
    schemaOfRules({ id: 'string', name: 'string|optional', size: { type: 'number', default: 3 } }),
  );
  assert.ok(validate({ id: 'a' }));
  assert.ok(!validate({ name: 'b' }));
  assert.ok(!validate({ id: 'a', other: 1 }));
});

test('a rule that nobody has translated is refused, not left out', () => {
  assert.throws(() => schemaOfRule({ type: 'luhn' }), /luhn/);
  assert.throws(() => schemaOfRule('string|alpha'), /alpha/);
});
