/** Rates of all nodes together, in Redis; of this process alone while Redis is away. */
import type { Redis } from 'ioredis';
import type { RedisLink } from '../redis/redis-link.ts';
import { ALLOWED, type Rate, type RateLimiter, refused, type Taken } from './rate.ts';

/**
 * The whole of `take` as one step, by the clock of Redis. A bucket is forgotten when it would be full again. Answers what is missing,
 * as text because Redis cuts numbers to whole ones; '0' when it was taken.
 */
const TAKE = `
local perSecond, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(bucket[1]) or burst, tonumber(bucket[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * perSecond)
local missing = cost - tokens
if missing <= 0 then tokens = tokens - cost end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / perSecond * 1000) + 1000)
return string.format('%.6f', math.max(0, missing))
`;

type Scripted = Redis & {
  skeinTake?(key: string, perSecond: number, burst: number, cost: number): Promise<string>;
};

export class RedisRateLimiter implements RateLimiter {
  readonly #rate: Rate;
  readonly #link: RedisLink;
  readonly #alone: RateLimiter;
  readonly #prefix: string;

  /** @param name tells the keys of this limiter from those of others; `alone` answers while Redis is away. Both are closed with it. */
  constructor(name: string, rate: Rate, link: RedisLink, alone: RateLimiter) {
    this.#rate = rate;
    this.#link = link;
    this.#alone = alone;
    this.#prefix = `skein:rate:${name}:`;
  }

  take(key: string, cost = 1, rate = this.#rate): Taken | Promise<Taken> {
    return this.#link.usable ? this.#takeShared(key, cost, rate) : this.#alone.take(key, cost, rate);
  }

  close(): void {
    this.#link.close();
    this.#alone.close();
  }

  async #takeShared(key: string, cost: number, rate: Rate): Promise<Taken> {
    const { perSecond, burst } = rate;
    const missing = await this.#link.ask((client: Scripted) => {
      // Sent once for each connection; from then on only its hash travels.
      if (client.skeinTake === undefined) client.defineCommand('skeinTake', { numberOfKeys: 1, lua: TAKE });
      return client.skeinTake!(this.#prefix + key, perSecond, burst, cost);
    });
    if (missing === undefined) return this.#alone.take(key, cost, rate);
    return Number(missing) > 0 ? refused(Number(missing), rate) : ALLOWED;
  }
}
