/**
 * Moleculer's cacher for Redis, made safe for a Redis that goes away. Moleculer's own hands the failure of a read to the caller of
 * the action, nobody handles the failure of a write (which ends the process), and its end waits for an answer of Redis.
 */
import type { Redis } from 'ioredis';
import { Cachers } from 'moleculer';
import type { Limits } from '../../contracts/limits.ts';
import { Pause } from './pause.ts';
import { redisOptions } from './redis-options.ts';

type Cached = Record<string, unknown> | null;

export class RedisCacher extends Cachers.Redis<Redis> {
  readonly #pause = new Pause();

  /** What does not say how long it may be kept is kept for `answerCacheSeconds`. */
  constructor(url: string, limits: Pick<Limits, 'redisCommandTimeoutMs' | 'answerCacheSeconds'>) {
    super({ ttl: limits.answerCacheSeconds, redis: redisOptions(url, limits) });
  }

  /** Undefined, like what was never kept: then the action itself answers. */
  override async get(key: string): Promise<Cached> {
    return (await this.#pause.unless(() => super.get(key))) as Cached;
  }

  override async set(key: string, data: unknown, ttlSeconds?: number): Promise<void> {
    await this.#pause.unless(() => super.set(key, data, ttlSeconds));
  }

  /** What could not be deleted goes by itself when its time is over. */
  override async del(keys: string | string[]): Promise<void> {
    await this.#pause.unless(() => super.del(keys));
  }

  override async clean(match?: string | string[]): Promise<void> {
    await this.#pause.unless(() => super.clean(match));
  }

  override async close(): Promise<void> {
    this.client?.disconnect();
  }
}
