/**
 * How often somebody may connect. Two things are limited, and neither lets one client lock out another:
 *
 * - Clients whose credential is good, each by itself: one that connects in a loop makes its actor store a session each time.
 * - Checks of credentials that turn out to be wrong, for each address. A check takes a token, and gives it back unless the credential was
 *   wrong: so many devices behind one address get in as long as few of them are refused. Those that this process let in before need no
 *   token, so they come back whatever their neighbours do.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Limits } from '../../contracts/limits.ts';
import { networkOf } from './connect-network.ts';
import { attemptRates } from './index.ts';
import { MemoryRateLimiter } from './memory-rate-limiter.ts';
import type { RateLimiter } from './rate.ts';

/** What became of a check. `wrong`: the credential is. `unknown`: nobody could say. */
export type Checked = 'good' | 'wrong' | 'unknown';
/** A check that may be made. */
export type Check = { ended(how: Checked): void };

export class ConnectLimits {
  readonly #failures: RateLimiter;
  readonly #clients: MemoryRateLimiter;
  /** Hashes of credentials that were good once. Whether they still are is checked each time. */
  readonly #goodBefore: LRUCache<string, true>;

  constructor(limits: Limits, failures: RateLimiter, clock: { now(): number } = performance) {
    this.#failures = failures;
    const rate = { perSecond: limits.clientConnectsPerSecond, burst: limits.clientBurstConnects };
    this.#clients = new MemoryRateLimiter(rate, limits.connectionsMax, clock);
    this.#goodBefore = new LRUCache({ max: limits.connectionsMax });
  }

  /** Undefined: too many of this address were wrong. A promise only when another process has to be asked. */
  check(address: string, credential: Uint8Array): Check | undefined | Promise<Check | undefined> {
    const digest = hash('sha256', credential, 'base64url');
    if (this.#goodBefore.get(digest) === true)
      return { ended: how => how === 'wrong' && this.#goodBefore.delete(digest) };
    const network = networkOf(address);
    const check: Check = {
      ended: how => {
        if (how === 'good') this.#goodBefore.set(digest, true);
        if (how !== 'wrong') void this.#failures.take(network, -1);
      },
    };
    const taken = this.#failures.take(network);
    return taken instanceof Promise
      ? taken.then(it => (it.allowed ? check : undefined))
      : taken.allowed
        ? check
        : undefined;
  }

  /** Whether this client, whose credential is good, may connect once more. Call `cameToNothing` when it could not be let in after all. */
  mayConnect(client: string): boolean {
    return this.#clients.take(client).allowed;
  }

  cameToNothing(client: string): void {
    this.#clients.take(client, -1);
  }

  close(): void {
    this.#failures.close();
    this.#clients.close();
  }
}

export const connectLimits = (limits: Limits, redisUrl: string | undefined): ConnectLimits =>
  new ConnectLimits(limits, attemptRates('connect', limits.addressFailedConnectsPerMinute, limits, redisUrl));
