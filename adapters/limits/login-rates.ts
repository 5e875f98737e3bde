/** How many logins may fail: at all nodes together with Redis, at each of them without it. */
import type { Limits } from '../../contracts/limits.ts';
import { RedisLink } from '../redis/redis-link.ts';
import { MemoryRateLimiter } from './memory-rate-limiter.ts';
import type { RateLimiter } from './rate.ts';
import { RedisRateLimiter } from './redis-rate-limiter.ts';

export type LoginRates = {
  /** An account from one address; and what only who knows its password can get wrong. */
  readonly account: RateLimiter;
  /** An account from anywhere: so many are not one person's mistakes. */
  readonly anywhere: RateLimiter;
  /** An address, for any account. */
  readonly address: RateLimiter;
  close(): void;
};

export function loginRates(limits: Limits, redisUrl: string | undefined): LoginRates {
  const seconds = limits.loginFailuresMinutes * 60;
  const link = redisUrl === undefined ? undefined : new RedisLink(redisUrl, limits);
  const limiter = (name: string, burst: number): RateLimiter => {
    const rate = { perSecond: burst / seconds, burst };
    const alone = new MemoryRateLimiter(rate, limits.loginFailuresCounted);
    return link === undefined ? alone : new RedisRateLimiter(name, rate, link, alone);
  };
  const account = limiter('login-account', limits.loginFailuresPerAccount);
  const anywhere = limiter('login-anywhere', limits.loginFailuresPerAccountAnywhere);
  const address = limiter('login-address', limits.loginFailuresPerAddress);
  return {
    account,
    anywhere,
    address,
    close() {
      for (const it of [account, anywhere, address]) it.close();
    },
  };
}
