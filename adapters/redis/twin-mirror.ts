/**
 * Copies of twins in Redis, for programs that want them without asking us. Nothing of ours reads them. What Redis does not take is
 * tried again for as long as there is room for it; nobody waits for that.
 */
import type { Redis } from 'ioredis';
import type { Limits } from '../../contracts/limits.ts';
import type { TwinRecord } from '../../contracts/twins.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisLimits } from './redis-options.ts';
import { type Delta, twinCopies } from './twin-copies.ts';

/**
 * Writes each key unless it has a newer version. Versions are compared here, in Redis: when a device moves to another node, what
 * its former node still had to write may arrive last. ARGV: version and value of each key. What is not ours is written over.
 */
const WRITE = `
for i, key in ipairs(KEYS) do
  local old = redis.pcall('GET', key)
  local version = type(old) == 'string' and tonumber(string.match(old, '^{"version":(%d+),'))
  if not version or version <= tonumber(ARGV[2 * i - 1]) then redis.call('SET', key, ARGV[2 * i]) end
end
`;
/** Of one trip to Redis, which has to end within `redisCommandTimeoutMs`. */
const TRIP_MAX_BYTES = 256 * 1024;
const TRIP_MAX_DEVICES = 100;
const RETRY_MS = 1_000;

type Scripted = Redis & { skeinTwin?(...keysAndArgs: (string | number)[]): Promise<null> };
type Waiting = { readonly address: DeviceAddress; readonly twin: TwinRecord };

export class TwinMirror {
  readonly #link: RedisLink;
  readonly #maxDevices: number;
  readonly #delta: Delta;
  /** The newest twin of each device that is not copied yet. */
  readonly #waiting = new Map<string, Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #isWriting = false;
  #isClosed = false;
  #dropped = 0;

  constructor(url: string, limits: RedisLimits & Pick<Limits, 'twinMirrorMaxDevices'>, delta: Delta) {
    this.#link = new RedisLink(url, limits);
    this.#maxDevices = limits.twinMirrorMaxDevices;
    this.#delta = delta;
  }

  /** Copies this twin, soon. Only ever called with what is stored. */
  follow(address: DeviceAddress, twin: TwinRecord): void {
    if (this.#isClosed) return;
    this.#keep({ address, twin });
    if (!this.#isWriting && this.#timer === undefined) this.#writeAfter(0);
  }

  /** `mirrorDropped`: changes whose copy was given up because too many waited. */
  figures(): Record<string, number> {
    return { mirrorWaiting: this.#waiting.size, mirrorDropped: this.#dropped };
  }

  /** What still waits is not copied. It will be when its device is next heard of. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#waiting.clear();
    this.#link.close();
  }

  #keep(one: Waiting): void {
    this.#waiting.set(one.address.key, one);
    if (this.#waiting.size <= this.#maxDevices) return;
    const [oldest] = this.#waiting.keys();
    this.#waiting.delete(oldest!);
    this.#dropped++;
  }

  #writeAfter(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#write();
    }, delayMs).unref();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    let isTaken = true;
    while (this.#waiting.size > 0 && isTaken && !this.#isClosed) isTaken = await this.#trip();
    this.#isWriting = false;
    if (this.#waiting.size > 0 && !this.#isClosed) this.#writeAfter(RETRY_MS);
  }

  /** False: Redis is away, or did not take it. It is put behind the others, so that one that fails always holds up nobody. */
  async #trip(): Promise<boolean> {
    if (!this.#link.usable) return false;
    const taken: Waiting[] = [];
    const writes: (readonly (string | number)[])[] = [];
    let bytes = 0;
    for (const [key, one] of this.#waiting) {
      const copies = twinCopies(one.address, one.twin, this.#delta);
      bytes += copies.reduce((sum, copy) => sum + copy.value.length, 0);
      if (taken.length > 0 && (bytes > TRIP_MAX_BYTES || taken.length === TRIP_MAX_DEVICES)) break;
      writes.push([...copies.map(copy => copy.key), ...copies.flatMap(copy => [copy.version, copy.value])]);
      taken.push(one);
      this.#waiting.delete(key);
    }
    const answer = await this.#link.ask((client: Scripted) => {
      // Sent once for each connection; from then on only its hash travels.
      if (client.skeinTwin === undefined) client.defineCommand('skeinTwin', { numberOfKeys: 3, lua: WRITE });
      return Promise.all(writes.map(write => client.skeinTwin!(...write)));
    });
    if (answer !== undefined) return true;
    for (const one of taken) if (!this.#waiting.has(one.address.key)) this.#keep(one);
    return false;
  }
}
