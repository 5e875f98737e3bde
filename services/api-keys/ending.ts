import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';

export type Ending = { readonly expiresAt?: string | undefined; readonly ttlSeconds?: number | undefined };

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

/** When a new key ends; undefined: nothing is said of that. Rejects with `invalid_request`. */
export function endingOf(
  { expiresAt, ttlSeconds }: Ending,
  { apiKeyTtlMaxDays }: Pick<Limits, 'apiKeyTtlMaxDays'>,
  nowMs: number,
): Date | undefined {
  if (expiresAt !== undefined && ttlSeconds !== undefined)
    throw new SkeinError('invalid_request', 'expiresAt and ttlSeconds exclude each other');
  if (expiresAt === undefined && ttlSeconds === undefined) return undefined;
  const ms = ttlSeconds === undefined ? isoMs(expiresAt!) : nowMs + ttlSeconds * 1000;
  if (ms <= nowMs) throw new SkeinError('invalid_request', 'expiresAt must be in the future');
  if (ms > nowMs + apiKeyTtlMaxDays * 24 * 3_600_000)
    throw new SkeinError('invalid_request', `A key that ends does so within ${apiKeyTtlMaxDays} days`);
  return new Date(ms);
}

function isoMs(text: string): number {
  const ms = ISO.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new SkeinError('invalid_request', 'expiresAt must be ISO 8601 with a zone');
  return ms;
}
