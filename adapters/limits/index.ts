/** The rate limiters that there are, and which of them a process takes. */
import type { Limits } from '../../contracts/limits.ts';
import { RedisLink } from '../redis/redis-link.ts';
import { MemoryRateLimiter } from './memory-rate-limiter.ts';
import type { RateLimiter } from './rate.ts';
import { RedisRateLimiter } from './redis-rate-limiter.ts';

/** How often each API key may ask over REST: at all nodes together with Redis, at each of them without it. */
export function keyRates(limits: Limits, redisUrl: string | undefined): RateLimiter {
  const rate = { perSecond: limits.keyRequestsPerSecond, burst: limits.keyBurstRequests };
  const alone = new MemoryRateLimiter(rate, limits.keyCacheEntries);
  return redisUrl === undefined ? alone : new RedisRateLimiter('key', rate, new RedisLink(redisUrl, limits), alone);
}
