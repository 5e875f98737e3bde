/**
 * Credentials that were found good a short while ago, so that a request does not cost a query. Kept under the SHA-256 of their text:
 * a memory dump shows no key. Only good ones are kept, none beyond its own end, and a revocation that arrives while one is being checked
 * wins over that check: it read the database before the revocation.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../../contracts/access.contract.ts';

/** Says when a check began; a `forget` since then makes its result too old to keep. */
export type CheckStart = number;
export type Expiring = {
  /** Whom `forget` may name: itself, its device or user, its roles, its tenant. */
  readonly owners: readonly string[];
  /** When it ends by itself, milliseconds since 1970; undefined: never. */
  readonly expiresAtMs: number | undefined;
};

export type Verified = Expiring & { readonly principal: Principal };

type Clock = { now(): number };

export class VerifiedKeys<T extends Expiring> {
  readonly #entries: LRUCache<string, T>;
  /** Digests of those that were good once. */
  readonly #before: LRUCache<string, true>;
  readonly #byOwner = new Map<string, Set<string>>();
  readonly #wallClock: Clock;
  readonly #keepMs: number;
  #forgotten = 0;

  /** At most `entries` keys, each for `seconds`. `clock` is a monotonic one in milliseconds, `wallClock` counts since 1970. */
  constructor(entries: number, seconds: number, clock: Clock = performance, wallClock: Clock = Date) {
    this.#wallClock = wallClock;
    this.#keepMs = seconds * 1000;
    this.#before = new LRUCache({ max: entries });
    this.#entries = new LRUCache({
      max: entries,
      ttl: this.#keepMs,
      perf: clock,
      // Else it reads the clock at most once a millisecond, with a timer of its own.
      ttlResolution: 0,
      dispose: ({ owners }, digest) => this.#unlink(owners, digest),
    });
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(digestOf(key));
  }

  /** Whether it was good once, which says nothing of whether it still is. */
  wasGood(key: string): boolean {
    return this.#before.has(digestOf(key));
  }

  /** It was looked at again, and is not good any more. */
  isBad(key: string): void {
    this.#before.delete(digestOf(key));
  }

  checkStarts(): CheckStart {
    return this.#forgotten;
  }

  /** Kept only when nothing was forgotten since the check began. */
  keep(key: string, value: T, since: CheckStart): void {
    if (since !== this.#forgotten) return;
    const leftMs = (value.expiresAtMs ?? Number.POSITIVE_INFINITY) - this.#wallClock.now();
    if (leftMs <= 0) return;
    const digest = digestOf(key);
    this.#before.set(digest, true);
    this.#entries.set(digest, value, { ttl: Math.min(this.#keepMs, leftMs) });
    for (const owner of value.owners) {
      const digests = this.#byOwner.get(owner);
      if (digests === undefined) this.#byOwner.set(owner, new Set([digest]));
      else digests.add(digest);
    }
  }

  forget(owner: string): void {
    this.#forgotten++;
    for (const digest of [...(this.#byOwner.get(owner) ?? [])]) this.#entries.delete(digest);
  }

  #unlink(owners: readonly string[], digest: string): void {
    for (const owner of owners) {
      const digests = this.#byOwner.get(owner);
      digests?.delete(digest);
      if (digests?.size === 0) this.#byOwner.delete(owner);
    }
  }
}

const digestOf = (key: string): string => hash('sha256', key, 'base64url');
