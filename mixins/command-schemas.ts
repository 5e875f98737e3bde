/**
 * The schemas of commands' parameters: JSON Schema 2020-12, without references. Tenants write them, so neither making a validator nor
 * using it may take long: no pattern backtracks, and with references a few lines could mean billions of checks.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { SkeinError } from '../contracts/errors.ts';
import { isJsonObject, type JsonObject } from '../contracts/json.ts';
import { checkJson } from './bounded-json.ts';
import { allDistinct } from './distinct-items.ts';
import { safePattern } from './safe-patterns.ts';

/** `path`: a JSON pointer into the parameters, empty for the whole. */
export type ParameterProblem = { readonly path: string; readonly message: string };
/** What does not fit; empty: they fit. */
export type ParametersValidator = (parameters: JsonObject) => readonly ParameterProblem[];

const MAX_BYTES = 16 * 1024;
const MAX_DEPTH = 20;
const MOST_PROBLEMS = 20;
/** Those of ajv-formats that look at a text in a time that only grows with its length. */
const EXACT = ['date', 'time', 'date-time', 'duration', 'hostname', 'ipv4', 'ipv6', 'uuid', 'json-pointer'] as const;
const ROUGH = ['email', 'uri', 'uri-reference'] as const;

/** Throws `invalid_request` with what is wrong, or `too_large`. */
export function compileCommandSchema(schema: unknown): ParametersValidator {
  if (!isJsonObject(schema)) throw wrong('it must be an object');
  checkJson('The schema of the parameters', schema, MAX_BYTES, MAX_DEPTH);
  refuseReferences(schema);
  const fits = compiled(schema);
  return parameters => {
    if (fits(parameters)) return [];
    return (fits.errors ?? []).slice(0, MOST_PROBLEMS).map(problemOf);
  };
}

function compiled(schema: JsonObject) {
  try {
    // The one for all would keep something of each schema for ever.
    const ajv = validator({ meta: false, validateSchema: false });
    if (!ajv2020.validateSchema(schema)) throw new Error(ajv2020.errorsText(ajv2020.errors, { dataVar: 'schema' }));
    return ajv.compile<unknown>(schema);
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

function validator(options: { meta?: boolean; validateSchema?: boolean }): Ajv2020 {
  const regExp = Object.assign((pattern: string) => safePattern(pattern), { code: 'safePattern' });
  const ajv = new Ajv2020({
    ...options,
    // An unknown keyword or format is a mistake of whoever wrote the schema.
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allErrors: true,
    logger: false,
    code: { regExp },
  });
  formats.default(ajv, { formats: [...EXACT] });
  formats.default(ajv, { formats: [...ROUGH], mode: 'fast' });
  // Theirs compares every item with every other one.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must NOT have duplicate items' },
    validate: (wanted: boolean, items: readonly unknown[]) => !wanted || allDistinct(items),
  });
  return ajv;
}

/** Knows what a schema is. */
const ajv2020 = validator({});

/** Values that a schema holds as they are: whatever is in them is no keyword. */
const VALUES = new Set(['const', 'enum', 'default', 'examples']);
const REFERENCES = new Set(['$ref', '$dynamicRef', '$recursiveRef', '$id', '$anchor', '$dynamicAnchor']);

function refuseReferences(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  for (const [name, inner] of Object.entries(schema)) {
    // A property may have such a name; then a schema follows, and no text.
    if (REFERENCES.has(name) && typeof inner === 'string') throw wrong(`${name} is not taken: write it out`);
    if (!VALUES.has(name) || isJsonObject(inner)) refuseReferences(inner);
  }
}

type AjvError = { instancePath: string; message?: string; params: Record<string, unknown> };

function problemOf({ instancePath, message = 'is not valid', params }: AjvError): ParameterProblem {
  const name = params.additionalProperty ?? params.unevaluatedProperty;
  const named = typeof name === 'string' ? `: ${name.slice(0, 100)}` : '';
  return { path: instancePath.slice(0, 200), message: `${message}${named}` };
}

const wrong = (detail: string): SkeinError =>
  new SkeinError('invalid_request', `The schema of the parameters can not be used: ${detail.slice(0, 500)}`);
