/** When credentials end. */
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import { momentOf } from '../../mixins/moments.ts';

const DAY_SECONDS = 24 * 3600;

/** Null: it does not end by itself. Rejects with `invalid_request`. */
export function keyEndOf(
  { expiresAt, ttlSeconds }: { readonly expiresAt?: string; readonly ttlSeconds?: number },
  { apiKeyTtlMaxDays }: Limits,
): Date | null {
  if (expiresAt !== undefined && ttlSeconds !== undefined)
    throw new SkeinError('invalid_request', 'expiresAt and ttlSeconds exclude each other');
  if (expiresAt === undefined && ttlSeconds === undefined) return null;
  const nowMs = Date.now();
  const end = expiresAt === undefined ? new Date(nowMs + ttlSeconds! * 1000) : momentOf('expiresAt', expiresAt);
  const seconds = (end.getTime() - nowMs) / 1000;
  if (!(seconds > 0)) throw new SkeinError('invalid_request', 'expiresAt must be in the future');
  if (seconds > apiKeyTtlMaxDays * DAY_SECONDS)
    throw new SkeinError('invalid_request', `A key that ends does so within ${apiKeyTtlMaxDays} days`);
  return end;
}

/** Rejects with `invalid_request`. */
export function tokenTtlOf(wanted: number | undefined, { deviceTokenDays, deviceTokenMaxDays }: Limits): number {
  const seconds = wanted ?? Math.min(deviceTokenDays, deviceTokenMaxDays) * DAY_SECONDS;
  if (seconds <= deviceTokenMaxDays * DAY_SECONDS) return seconds;
  throw new SkeinError('invalid_request', `ttlSeconds must be at most ${deviceTokenMaxDays * DAY_SECONDS}`);
}

/** Rejects with `invalid_request`. */
export function graceOf(wanted: number | undefined, limits: Limits): number {
  const { deviceKeyGraceSeconds: usual, deviceKeyGraceMaxSeconds: most } = limits;
  const seconds = wanted ?? Math.min(usual, most);
  if (seconds <= most) return seconds;
  throw new SkeinError('invalid_request', `graceSeconds must be at most ${most}`);
}
