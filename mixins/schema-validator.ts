/** The validator of JSON Schema 2020-12, with what takes long in it replaced by what is counted. One for each schema: it keeps something of all. */
import { Ajv2020, str } from 'ajv/dist/2020.js';
import formats, { type FormatName } from 'ajv-formats';
import { canonicalJson } from './canonical-json.ts';
import { allDistinct } from './distinct-items.ts';
import { type SafePattern, safePattern } from './safe-patterns.ts';
import { takeCharacters, takeSteps } from './schema-work.ts';

/** Those of which no text has more than this. */
const SHORT: readonly FormatName[] = ['date', 'time', 'date-time', 'duration', 'hostname', 'ipv4', 'ipv6', 'uuid'];
const SHORT_MAX_LENGTH = 300;
const LONG: readonly FormatName[] = ['json-pointer', 'email', 'uri', 'uri-reference'];
/** The exact ones of these look back over the text. */
const ROUGH = new Set<FormatName>(['email', 'uri', 'uri-reference']);
const ENUM_TEXT_MAX_LENGTH = 200;

type Options = {
  readonly meta?: boolean;
  readonly validateSchema?: boolean;
  /** Is told of each pattern, and may throw. */
  readonly onPattern?: (pattern: SafePattern) => void;
};

export function schemaValidator({ onPattern, ...options }: Options = {}): Ajv2020 {
  const patternOf = (source: string): SafePattern => {
    const pattern = safePattern(source);
    onPattern?.(pattern);
    return pattern;
  };
  const ajv = new Ajv2020({
    ...options,
    // An unknown keyword or format is a mistake of whoever wrote the schema.
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    // It would look for names that patterns match with an engine that goes back.
    allowMatchingProperties: true,
    // Without this each object has a `constructor`.
    ownProperties: true,
    allErrors: true,
    logger: false,
    code: { regExp: Object.assign(patternOf, { code: 'safePattern' }) },
  });
  addFormats(ajv);
  replaceKeywords(ajv);
  return ajv;
}

function addFormats(ajv: Ajv2020): void {
  for (const name of SHORT) {
    const fits = formatOf(name);
    ajv.addFormat(name, text => text.length <= SHORT_MAX_LENGTH && fits(text));
  }
  for (const name of LONG) {
    const fits = formatOf(name);
    ajv.addFormat(name, text => {
      takeSteps(text.length);
      return fits(text);
    });
  }
}

function formatOf(name: FormatName): (text: string) => boolean {
  const format = formats.default.get(name, ROUGH.has(name) ? 'fast' : 'full');
  if (format instanceof RegExp) return text => format.test(text);
  const fits = typeof format === 'function' ? format : (format as { validate: unknown }).validate;
  return fits instanceof RegExp ? text => fits.test(text) : (fits as (text: string) => boolean);
}

/** Theirs compare every item with every other one, and trip over names like `valueOf`. */
function replaceKeywords(ajv: Ajv2020): void {
  for (const keyword of ['uniqueItems', 'const', 'enum']) ajv.removeKeyword(keyword);
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must NOT have duplicate items' },
    validate: (wanted: boolean, items: readonly unknown[]) => !wanted || allDistinct(items, textOf),
  });
  ajv.addKeyword({
    keyword: 'const',
    error: { message: 'must be equal to constant' },
    compile: (wanted: unknown) => isOneOf([wanted]),
  });
  ajv.addKeyword({
    keyword: 'enum',
    schemaType: 'array',
    error: { message: ({ schema }) => str`must be one of ${listed(schema)}` },
    compile: isOneOf,
  });
}

/** Of the parameters that are checked: many subschemas may look at the same place. */
const known = new WeakMap<object, string>();

function textOf(value: unknown): string {
  const before = typeof value === 'object' && value !== null ? known.get(value) : undefined;
  if (before !== undefined) {
    takeSteps(1);
    return before;
  }
  const text = canonicalJson(value);
  takeCharacters(text.length);
  if (typeof value === 'object' && value !== null) known.set(value, text);
  return text;
}

function isOneOf(wanted: readonly unknown[]): (value: unknown) => boolean {
  const texts = new Set(wanted.map(canonicalJson));
  return value => texts.has(textOf(value));
}

function listed(values: readonly unknown[]): string {
  const text = values.map(canonicalJson).join(', ');
  return text.length <= ENUM_TEXT_MAX_LENGTH ? text : `${text.slice(0, ENUM_TEXT_MAX_LENGTH)}...`;
}
