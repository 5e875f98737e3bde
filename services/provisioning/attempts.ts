/** How often something may be tried: by an address, by a user. */
import type { RateLimiter } from '../../adapters/limits/rate.ts';
import { SkeinError } from '../../contracts/errors.ts';

/** Takes one of each bucket. Rejects with `rate_limited`. */
export async function withinAttempts(rates: RateLimiter, perMinute: number, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const { allowed, retryAfterMs } = await rates.take(key);
    if (!allowed)
      throw new SkeinError('rate_limited', `At most ${perMinute} attempts in a minute are looked at`, { retryAfterMs });
  }
}
