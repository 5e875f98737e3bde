/** A connection to Redis that may be away at any time. Whoever uses it has another way, and is told soon to take it. */
import { Redis } from 'ioredis';
import { Pause } from './pause.ts';
import { type RedisLimits, redisOptions } from './redis-options.ts';

export class RedisLink {
  readonly #client: Redis;
  readonly #pause: Pause;

  /** Connects by itself, now and whenever it was lost. `clock` is a monotonic one in milliseconds. */
  constructor(url: string, limits: RedisLimits, clock: { now(): number } = performance) {
    this.#client = new Redis(redisOptions(url, limits));
    this.#pause = new Pause(clock);
    // Each failed attempt to connect is one; without a listener ioredis writes them to the console.
    this.#client.on('error', () => {});
  }

  /** False: it is away, or failed a short while ago. */
  get usable(): boolean {
    return this.#client.status === 'ready' && this.#pause.over;
  }

  /** What Redis answers; undefined when it is away or does not answer in time. Never rejects. */
  async ask<T>(command: (client: Redis) => Promise<T>): Promise<T | undefined> {
    return this.usable ? this.#pause.unless(() => command(this.#client)) : undefined;
  }

  close(): void {
    this.#client.disconnect();
  }
}
