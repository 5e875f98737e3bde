/** What may be kept as jsonb: bounded in size and depth, and nothing that PostgreSQL would refuse or JSON would change. */
import { SkeinError } from '../contracts/errors.ts';

/** Rejects with `invalid_request`, naming `name`; with `too_large` when its JSON has more than `maxBytes`. */
export function checkJson(name: string, value: unknown, maxBytes: number, maxDepth: number): void {
  checkValue(name, value, maxDepth);
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  if (bytes > maxBytes) throw new SkeinError('too_large', `${name} has ${bytes} bytes, more than ${maxBytes}`);
}

function checkValue(name: string, value: unknown, depthLeft: number): void {
  if (typeof value === 'string') checkText(name, value);
  // JSON text like 1e999 is read as Infinity, which JSON would write as null.
  else if (typeof value === 'number' && !Number.isFinite(value))
    throw new SkeinError('invalid_request', `${name} has a number that is not finite`);
  else if (typeof value === 'object' && value !== null) {
    if (depthLeft === 0) throw new SkeinError('invalid_request', `${name} is nested too deep`);
    for (const [key, inner] of Object.entries(value)) {
      checkText(name, key);
      checkValue(name, inner, depthLeft - 1);
    }
  }
}

/** jsonb and text take neither U+0000 nor half of a surrogate pair. */
export function checkText(name: string, text: string): void {
  if (text.includes('\0') || !text.isWellFormed())
    throw new SkeinError('invalid_request', `${name} has a character that can't be stored`);
}
