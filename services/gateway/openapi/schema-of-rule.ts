/** JSON Schema of what a contract's rules let through (rules of fastest-validator), for the OpenAPI document. */
import type { Rule, RuleObject, Rules } from '../../../contracts/contract.ts';
import type { Schema } from '../descriptions/description.ts';

type Writer = (rule: RuleObject) => Record<string, unknown>;

/** `string|optional|max:100` in the object form. `string[]` is a list of texts. */
export function ruleObject(rule: Rule): RuleObject {
  if (typeof rule !== 'string') return rule;
  const [type = 'any', ...options] = rule.split('|').map(it => it.trim());
  const said = Object.fromEntries(options.map(optionOf));
  return type.endsWith('[]') ? { type: 'array', items: type.slice(0, -2), ...said } : { type, ...said };
}

function optionOf(option: string): [string, unknown] {
  const [name = '', ...rest] = option.split(':');
  if (rest.length === 0) return [name, true];
  const text = rest.join(':').trim();
  if (text === 'true' || text === 'false') return [name, text === 'true'];
  return [name, text === '' || Number.isNaN(Number(text)) ? text : Number(text)];
}

export const isOptional = (rule: Rule): boolean => {
  const { optional, default: fallback } = ruleObject(rule);
  return optional === true || fallback !== undefined;
};

/** Options that say nothing of the value itself, or that a schema says elsewhere. */
const ELSEWHERE = ['type', 'optional', 'nullable', 'default', 'convert', 'trim', 'messages'];

/** By its type: how each option is said. What is not here is an option that nobody has translated yet. */
const WRITERS: Readonly<Record<string, { readonly options: readonly string[]; readonly write: Writer }>> = {
  // Null is the same as absent.
  any: { options: [], write: ({ optional }) => (optional === true ? {} : { not: { type: 'null' } }) },
  boolean: { options: [], write: () => ({ type: 'boolean' }) },
  uuid: { options: ['version'], write: () => ({ type: 'string', format: 'uuid' }) },
  email: {
    options: ['max', 'mode'],
    write: ({ max }) => ({ type: 'string', format: 'email', ...given('maxLength', max) }),
  },
  url: { options: [], write: () => ({ type: 'string', format: 'uri' }) },
  enum: { options: ['values'], write: ({ values }) => ({ enum: [...(values ?? [])] }) },
  string: { options: ['min', 'max', 'length', 'pattern', 'empty', 'enum'], write: text },
  number: { options: ['min', 'max', 'integer', 'positive', 'equal'], write: number },
  array: { options: ['items', 'min', 'max', 'length', 'empty', 'unique', 'enum'], write: list },
  object: { options: ['props', 'properties', 'strict', 'minProps', 'maxProps'], write: object },
  record: { options: ['key', 'value'], write: record },
  multi: { options: ['rules'], write: ({ rules }) => ({ anyOf: (rules as Rule[]).map(schemaOfRule) }) },
};

/** Throws when the rule says something that has no translation: then it belongs in here. */
export function schemaOfRule(rule: Rule): Schema {
  // A list of rules is one of them.
  if (Array.isArray(rule)) return schemaOfRule({ type: 'multi', rules: rule });
  const told = ruleObject(rule);
  const writer = WRITERS[told.type];
  if (writer === undefined) throw new Error(`Rules of type ${told.type} can't be said in JSON Schema yet`);
  const unknown = Object.keys(told).find(it => !writer.options.includes(it) && !ELSEWHERE.includes(it));
  if (unknown !== undefined)
    throw new Error(`${unknown} of a rule of type ${told.type} can't be said in JSON Schema yet`);
  const schema = { ...writer.write(told), ...given('default', told.default) };
  return told.nullable === true ? orNull(schema) : schema;
}

function orNull(schema: Record<string, unknown>): Schema {
  const { type } = schema;
  if (typeof type === 'string' && schema.enum === undefined) return { ...schema, type: [type, 'null'] };
  return schema.not === undefined ? { anyOf: [schema, { type: 'null' }] } : {};
}

/** The object that a set of rules lets through: it has no other fields. */
export function schemaOfRules(rules: Rules): Schema {
  const named = Object.entries(rules).filter(([name]) => !name.startsWith('$$'));
  const required = named.filter(([, rule]) => !isOptional(rule)).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(named.map(([name, rule]) => [name, schemaOfRule(rule)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

const given = (name: string, value: unknown): Record<string, unknown> => (value === undefined ? {} : { [name]: value });

function text({ min, max, length, pattern, empty, enum: values }: RuleObject): Record<string, unknown> {
  const source = pattern instanceof RegExp ? pattern.source : pattern;
  return {
    type: 'string',
    ...given('minLength', length ?? min ?? (empty === false ? 1 : undefined)),
    ...given('maxLength', length ?? max),
    ...given('pattern', source),
    ...given('enum', values),
  };
}

function number({ min, max, integer, positive, equal }: RuleObject): Record<string, unknown> {
  return {
    type: integer === true ? 'integer' : 'number',
    ...given('minimum', min),
    ...given('maximum', max),
    ...given('const', equal),
    ...(positive === true && { exclusiveMinimum: 0 }),
  };
}

function list({ items, min, max, length, empty, unique, enum: values }: RuleObject): Record<string, unknown> {
  return {
    type: 'array',
    ...(items !== undefined && { items: schemaOfRule(items) }),
    ...(values !== undefined && { items: { enum: values } }),
    ...given('minItems', length ?? min ?? (empty === false ? 1 : undefined)),
    ...given('maxItems', length ?? max),
    ...(unique === true && { uniqueItems: true }),
  };
}

/** Without `strict` an object inside may have more than is named. */
function object({ props, properties, strict, minProps, maxProps }: RuleObject): Record<string, unknown> {
  const inner = (props ?? properties) as Rules | undefined;
  const { additionalProperties, ...fields } = inner === undefined ? { type: 'object' } : schemaOfRules(inner);
  const isClosed = strict === true || strict === 'remove';
  return {
    ...fields,
    ...(isClosed && { additionalProperties: additionalProperties ?? false }),
    ...given('minProperties', minProps),
    ...given('maxProperties', maxProps),
  };
}

function record({ key, value }: RuleObject): Record<string, unknown> {
  return {
    type: 'object',
    ...(key !== undefined && { propertyNames: schemaOfRule(key as Rule) }),
    ...(value !== undefined && { additionalProperties: schemaOfRule(value as Rule) }),
  };
}
