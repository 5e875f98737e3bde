/**
 * The schemas of commands' parameters: JSON Schema 2020-12, without references. Tenants write them, so neither making a validator nor
 * using it may take long: no pattern backtracks, with references a few lines could mean billions of checks, and what is left is counted.
 */
import type { ErrorObject } from 'ajv';
import { SkeinError } from '../contracts/errors.ts';
import { isJsonObject, type JsonObject } from '../contracts/json.ts';
import { checkJson } from './bounded-json.ts';
import { PATTERN_MEMORY_BYTES } from './safe-patterns.ts';
import { schemaValidator } from './schema-validator.ts';
import { weightOf } from './schema-weight.ts';
import { takeChecks, withinSteps } from './schema-work.ts';

/** `path`: a JSON pointer into the parameters, empty for the whole. */
export type ParameterProblem = { readonly path: string; readonly message: string };
export type ParametersValidator = {
  /** What does not fit; empty: they fit. Throws `too_large` instead of taking long. */
  problemsOf(parameters: JsonObject): readonly ParameterProblem[];
  /** What it takes of memory, roughly. */
  readonly sizeKiB: number;
};

const MAX_BYTES = 16 * 1024;
const MAX_DEPTH = 20;
/** Subschemas, keywords and required names: compiling so many takes some 100 ms, and their code some 2 MiB. */
const MAX_CHECKS = 1_500;
/** Instructions of all patterns together. */
const PATTERNS_MAX_SIZE = 4_000;
const MOST_PROBLEMS = 20;
/** Of a validator, of a check in it, and of an instruction of a pattern. */
const BASE_KIB = 40;
const CHECK_KIB = 1;
const INSTRUCTION_KIB = 0.25;

/** Throws `invalid_request` with what is wrong, or `too_large`. */
export function compileCommandSchema(schema: unknown): ParametersValidator {
  if (!isJsonObject(schema)) throw wrong('it must be an object');
  checkJson('The schema of the parameters', schema, MAX_BYTES, MAX_DEPTH);
  refuseNames(schema);
  const weight = weightOf(schema);
  if (weight.checks > MAX_CHECKS)
    throw wrong(`it has ${weight.checks} subschemas, keywords and names, more than ${MAX_CHECKS}`);
  const { fits, patternsKiB } = compiled(schema);
  refuseOtherTypes(schema);
  const mayConfuse = JSON.stringify(schema).includes('"unevaluatedProperties"');
  return {
    sizeKiB: Math.ceil(BASE_KIB + weight.checks * CHECK_KIB + patternsKiB),
    problemsOf: parameters =>
      withinSteps(() => {
        takeChecks(weight, parameters);
        const inherited = mayConfuse ? inheritedName(parameters) : undefined;
        if (inherited !== undefined) return [{ path: '', message: `must NOT have the name ${inherited}` }];
        const answer: unknown = fits(parameters);
        // Anything else, like a promise, would be taken for yes.
        if (typeof answer !== 'boolean') throw new SkeinError('internal', 'A schema was neither kept nor broken');
        return answer ? [] : (fits.errors ?? []).slice(0, MOST_PROBLEMS).map(problemOf);
      }),
  };
}

function compiled(schema: JsonObject) {
  let size = 0;
  let patterns = 0;
  try {
    if (!schemas.validateSchema(schema)) throw new Error(schemas.errorsText(schemas.errors, { dataVar: 'schema' }));
    const ajv = schemaValidator({
      meta: false,
      validateSchema: false,
      onPattern: ({ programSize }) => {
        size += programSize;
        patterns += 1;
        if (size > PATTERNS_MAX_SIZE) throw new Error('its patterns are too complex together');
      },
    });
    const fits = ajv.compile<unknown>(schema);
    return { fits, patternsKiB: size * INSTRUCTION_KIB + (patterns * PATTERN_MEMORY_BYTES) / 1024 };
  } catch (error) {
    throw wrong(error instanceof RangeError ? 'it has too many subschemas' : (error as Error).message);
  }
}

/** Knows what a schema is. */
const schemas = schemaValidator();

/** Values that a schema holds as they are: whatever is in them is no keyword. */
const VALUES = new Set(['const', 'enum', 'default', 'examples']);
const REFERENCES = new Set(['$ref', '$dynamicRef', '$recursiveRef', '$id', '$anchor', '$dynamicAnchor']);

function refuseNames(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  for (const [name, inner] of Object.entries(schema)) {
    // A property may have such a name; then a schema follows, and no text.
    if (REFERENCES.has(name) && typeof inner === 'string') throw wrong(`${name} is not taken: write it out`);
    // The answer of such a schema comes later, and there is no name that is not one of its own.
    if (name === '$async' || name === '__proto__') throw wrong(`${name} is not taken`);
    if (!VALUES.has(name) || isJsonObject(inner)) refuseNames(inner);
  }
}

/** Parameters are an object, so nothing would ever fit. */
function refuseOtherTypes({ type, ...rest }: JsonObject): void {
  if (type !== undefined && ![type].flat().includes('object'))
    throw wrong('its type must be object, as parameters are');
  const values = Object.hasOwn(rest, 'const') ? [rest.const] : rest.enum;
  if (Array.isArray(values) && !values.some(isJsonObject)) throw wrong('no object fits it, and parameters are one');
}

/** Evaluated names are remembered in objects, which seem to have these from the beginning. */
function inheritedName(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(Object.prototype, name)) return name;
    const found = inheritedName(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function problemOf({ instancePath, message = 'is not valid', params }: ErrorObject): ParameterProblem {
  const name = params.additionalProperty ?? params.unevaluatedProperty;
  const named = typeof name === 'string' ? `: ${name.slice(0, 100)}` : '';
  return { path: instancePath.slice(0, 200), message: `${message}${named}` };
}

const wrong = (detail: string): SkeinError =>
  new SkeinError('invalid_request', `The schema of the parameters can not be used: ${detail.slice(0, 500)}`);
