/** Moments that callers name. */
import { SkeinError } from '../contracts/errors.ts';

/** ISO 8601 with a zone: without one nobody knows which moment it means. */
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

/** Rejects with `invalid_request`, naming `name`. */
export function momentOf(name: string, text: string): Date {
  const ms = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new SkeinError('invalid_request', `${name} must be ISO 8601 with a zone, like 2030-01-31T12:00:00Z`);
  return new Date(ms);
}
