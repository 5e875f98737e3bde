/** Rates of this process alone. */
import { LRUCache } from 'lru-cache';
import { ALLOWED, type Rate, type RateLimiter, refused, type Taken } from './rate.ts';

type Bucket = { tokens: number; atMs: number };

export class MemoryRateLimiter implements RateLimiter {
  readonly #rate: Rate;
  readonly #clock: { now(): number };
  readonly #buckets: LRUCache<string, Bucket>;

  /** At most `keys` buckets; the one that was unused longest goes first, and would be full again soonest. `clock`: monotonic, ms. */
  constructor(rate: Rate, keys: number, clock: { now(): number } = performance) {
    this.#rate = rate;
    this.#clock = clock;
    this.#buckets = new LRUCache({ max: keys });
  }

  take(key: string, cost = 1, rate = this.#rate): Taken {
    const { perSecond, burst } = rate;
    const nowMs = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? this.#newBucket(key, nowMs, burst);
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / 1000);
    bucket.atMs = nowMs;
    if (bucket.tokens < cost) return refused(cost - bucket.tokens, rate);
    bucket.tokens -= cost;
    return ALLOWED;
  }

  close(): void {
    this.#buckets.clear();
  }

  #newBucket(key: string, nowMs: number, burst: number): Bucket {
    const bucket = { tokens: burst, atMs: nowMs };
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
