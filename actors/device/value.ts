import type { Limits } from '../../contracts/limits.ts';

/** A value as it is stored: `value` for numbers and booleans, `json` for everything but numbers. */
export type StoredValue = { readonly value: number | null; readonly json: string | null };

const TRUE: StoredValue = { value: 1, json: 'true' };
const FALSE: StoredValue = { value: 0, json: 'false' };

/** Takes a measured value that is not a number. Answers a sentence when it can not be stored. */
export function storedValue(value: unknown, limits: Limits): StoredValue | string {
  if (value === true) return TRUE;
  if (value === false) return FALSE;
  if (typeof value !== 'string' && typeof value !== 'object') return `is a ${typeof value}`;
  if (depth(value, limits.valueMaxDepth) > limits.valueMaxDepth)
    return `is nested deeper than ${limits.valueMaxDepth} levels`;
  const json = JSON.stringify(value);
  if (json.length > limits.valueMaxBytes) return `takes more than ${limits.valueMaxBytes} bytes`;
  // PostgreSQL's jsonb has no character U+0000: https://www.postgresql.org/docs/15/datatype-json.html
  if (json.includes('\\u0000')) return 'contains the character U+0000';
  return { value: null, json };
}

/** How deep arrays and objects are nested, counted no further than one past `max`. */
function depth(value: unknown, max: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (max < 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depth(inner, max - 1));
  return deepest + 1;
}
