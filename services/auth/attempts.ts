/**
 * Attempts at a password or a code. Each takes from all its counts before it is made, so that many at once count as many, and gets back what it
 * took unless it failed.
 */
import { createHash } from 'node:crypto';
import { networkOf } from '../../adapters/limits/connect-network.ts';
import type { LoginRates } from '../../adapters/limits/login-rates.ts';
import type { RateLimiter } from '../../adapters/limits/rate.ts';
import { SkeinError } from '../../contracts/errors.ts';

type Count = readonly [RateLimiter, string];

export class Attempts {
  readonly #rates: LoginRates;

  constructor(rates: LoginRates) {
    this.#rates = rates;
  }

  /** A login, whether or not there is such an account. A stranger who fails shuts out its own address long before the account. */
  login<T>(organization: string, email: string, address: string, work: () => Promise<T>): Promise<T> {
    const account = digest(`${organization}\n${email}`);
    const network = networkOf(address);
    return this.#made(
      [
        [this.#rates.account, `${account} ${network}`],
        [this.#rates.anywhere, account],
        [this.#rates.address, network],
      ],
      work,
    );
  }

  /** Something that only the user itself comes to: its second factor, its password once more. */
  own<T>(what: 'code' | 'password', userId: string, work: () => Promise<T>): Promise<T> {
    return this.#made([[this.#rates.account, `${what} ${userId}`]], work);
  }

  /** Rejects with `rate_limited`, or with what the work rejects with; only `unauthorized` counts as failed. */
  async #made<T>(counts: readonly Count[], work: () => Promise<T>): Promise<T> {
    await takeAll(counts);
    try {
      const result = await work();
      await giveBack(counts);
      return result;
    } catch (error) {
      if (!isFailure(error)) await giveBack(counts);
      throw error;
    }
  }
}

const isFailure = (error: unknown): boolean => error instanceof SkeinError && error.type === 'unauthorized';

async function takeAll(counts: readonly Count[]): Promise<void> {
  for (const [index, [limiter, key]] of counts.entries()) {
    const { allowed, retryAfterMs } = await limiter.take(key);
    if (allowed) continue;
    await giveBack(counts.slice(0, index));
    throw new SkeinError('rate_limited', 'Too many attempts failed; wait before the next one', { retryAfterMs });
  }
}

/** A cost below nothing fills the bucket again. */
async function giveBack(counts: readonly Count[]): Promise<void> {
  for (const [limiter, key] of counts) await limiter.take(key, -1);
}

/** Neither this process nor Redis keeps an email address for it. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
