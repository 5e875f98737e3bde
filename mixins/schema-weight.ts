/** How much there is to check in a schema, and at how many places of the parameters each part of it can be used. */
import { isJsonObject } from '../contracts/json.ts';

export type SchemaWeight = {
  /** Subschemas, keywords, and names that are looked for. */
  readonly checks: number;
  /**
   * The checks whose number of places only the parameters say: those at index 3 are made at most once for each place of depth 3. Those at
   * index 0 are made once.
   */
  readonly checksAt: readonly number[];
};

type Where = 'same' | 'named' | 'any';
/** Of subschemas: whether they say something of the same place, of one place inside, or of any number of them. */
const SUBSCHEMAS: ReadonlyMap<string, Where> = new Map([
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'].map(it => [it, 'same'] as const),
  ...['properties', 'prefixItems'].map(it => [it, 'named'] as const),
  ...['items', 'contains', 'unevaluatedItems', 'additionalProperties', 'unevaluatedProperties'].map(
    it => [it, 'any'] as const,
  ),
  ...['patternProperties', 'propertyNames'].map(it => [it, 'any'] as const),
]);
/** Those that have many subschemas, by name. Lists have many as well; other values are one. */
const BY_NAME = new Set(['properties', 'patternProperties', 'dependentSchemas']);
/** Nothing is checked with them, or in one look. */
const IDLE = new Set(['$defs', 'definitions', 'default', 'examples', 'contentSchema', 'const', 'enum']);
/** They count the names of an object. */
const COUNTING = new Set(['minProperties', 'maxProperties']);
/** A comparison of two names, and a name in the text of an error, is this part of a check. */
const NAMES_OF_CHECK = 64;

/** `depth` of the places that a schema speaks of; `open`: the depth of the last step that led to any number of places. */
type At = { readonly depth: number; readonly open: number };

export function weightOf(schema: unknown): SchemaWeight {
  const checksAt: number[] = [];
  weigh(schema, { depth: 0, open: 0 }, (depth, checks) => {
    checksAt[depth] = (checksAt[depth] ?? 0) + checks;
  });
  // No depth is left out, so that it is a list of numbers.
  const all = Array.from(checksAt, it => it ?? 0);
  return { checks: all.reduce((sum, it) => sum + it, 0), checksAt: all };
}

function weigh(schema: unknown, at: At, add: (depth: number, checks: number) => void): void {
  add(at.open, 1);
  if (!isJsonObject(schema)) return;
  for (const [keyword, value] of Object.entries(schema)) {
    add(at.open, 1);
    const where = SUBSCHEMAS.get(keyword);
    if (where !== undefined) for (const inner of subschemasOf(keyword, value)) weigh(inner, placesOf(where, at), add);
    else if (!IDLE.has(keyword)) add(at.open, namesIn(value));
    if (COUNTING.has(keyword)) add(at.depth + 1, 1);
    // Each name is compared with all that were evaluated.
    if (keyword === 'unevaluatedProperties') add(at.depth + 1, Math.ceil(namesIn(schema) / NAMES_OF_CHECK));
  }
}

function subschemasOf(keyword: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return BY_NAME.has(keyword) && isJsonObject(value) ? Object.values(value) : [value];
}

const placesOf = (where: Where, { depth, open }: At): At =>
  where === 'same' ? { depth, open } : { depth: depth + 1, open: where === 'named' ? open : depth + 1 };

/** All values in it, and what lists of names that depend on another come to: an error of each names all. */
function namesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value);
  const named = isJsonObject(value)
    ? inner.reduce<number>((sum, it) => sum + (Array.isArray(it) ? Math.ceil(it.length ** 2 / NAMES_OF_CHECK) : 0), 0)
    : 0;
  return inner.reduce<number>((sum, it) => sum + namesIn(it), inner.length + named);
}
