/** Takes the copies of a twin out of Redis, when its device is erased. */
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisLimits } from './redis-options.ts';
import { copyKeys } from './twin-copies.ts';

export class TwinRemoval {
  readonly #link: RedisLink;

  constructor(url: string, limits: RedisLimits) {
    this.#link = new RedisLink(url, limits);
  }

  /** False: Redis is away. */
  async remove(address: DeviceAddress): Promise<boolean> {
    const removed = await this.#link.ask(client => client.del(...copyKeys(address)));
    return removed !== undefined;
  }

  close(): void {
    this.#link.close();
  }
}
