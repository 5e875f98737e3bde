/**
 * What it costs to check parameters with a schema, in steps. A step is what a pattern does with one character in the worst case, some 60 ns here;
 * a check is one subschema, keyword or name at one place of the parameters. A validation may take this many, about 100 ms, because nothing
 * else happens in the process meanwhile.
 */
import { SkeinError } from '../contracts/errors.ts';
import type { SchemaWeight } from './schema-weight.ts';

const STEPS_MAX = 1_200_000;
/** One that fails makes an object, mostly in code that the engine has not optimized. */
const STEPS_OF_CHECK = 15;
/** Sorting names and writing texts anew. */
const STEPS_OF_CHARACTER = 8;
/** Each error says where it is, and escapes the names on the way: so many characters of them take as long as a check. */
const CHARACTERS_OF_CHECK = 16;

/** Checking neither waits nor is interrupted, so there is one at a time. Infinite: nobody counts. */
let left = Number.POSITIVE_INFINITY;

/** Does `work`, which rejects with `too_large` when it has taken all steps. */
export function withinSteps<T>(work: () => T): T {
  left = STEPS_MAX;
  try {
    return work();
  } finally {
    left = Number.POSITIVE_INFINITY;
  }
}

export function takeSteps(steps: number): void {
  left -= steps;
  if (left < 0)
    throw new SkeinError(
      'too_large',
      'The parameters are too large for the schema of the command: checking them takes too long',
    );
}

export const takeCharacters = (characters: number): void => takeSteps(characters * STEPS_OF_CHARACTER);

/** Takes what all checks together can come to, before the first: then no validation ends halfway for them. */
export function takeChecks({ checksAt }: SchemaWeight, parameters: unknown): void {
  const places: number[] = [1];
  const count = (value: unknown, depth: number, escaping: number): void => {
    if (typeof value !== 'object' || value === null) return;
    const inner = depth + 1;
    for (const [name, it] of Object.entries(value)) {
      const more = escaping + (Array.isArray(value) ? 0 : Math.floor(name.length / CHARACTERS_OF_CHECK));
      places[inner] = (places[inner] ?? 0) + 1 + more;
      count(it, inner, more);
    }
  };
  count(parameters, 0, 0);
  const checks = checksAt.reduce((sum, weight, depth) => sum + weight * (places[depth] ?? 0), 0);
  takeSteps(checks * STEPS_OF_CHECK);
}
