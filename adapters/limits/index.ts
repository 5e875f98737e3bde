/** The rate limiters that there are, and which of them a process takes. */
import type { Limits } from '../../contracts/limits.ts';
import { RedisLink } from '../redis/redis-link.ts';
import { MemoryRateLimiter } from './memory-rate-limiter.ts';
import type { Rate, RateLimiter } from './rate.ts';
import { RedisRateLimiter } from './redis-rate-limiter.ts';

/**
 * A rate for each of many: at all nodes together with Redis, at each of them without it.
 *
 * @param name tells its buckets in Redis from those of other rates
 */
export function rateLimiter(name: string, rate: Rate, limits: Limits, redisUrl: string | undefined): RateLimiter {
  const alone = new MemoryRateLimiter(rate, limits.keyCacheEntries);
  return redisUrl === undefined ? alone : new RedisRateLimiter(name, rate, new RedisLink(redisUrl, limits), alone);
}

/** How often something may be tried in a minute, by whoever the key of the bucket names: an address, a user. */
export function attemptRates(
  name: string,
  perMinute: number,
  limits: Limits,
  redisUrl: string | undefined,
): RateLimiter {
  return rateLimiter(name, { perSecond: perMinute / 60, burst: perMinute }, limits, redisUrl);
}
