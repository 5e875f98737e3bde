/**
 * Keys that were found good a short while ago, so that a request does not cost a query. Kept under the SHA-256 of the key:
 * a memory dump shows no key. Only good keys are kept, and a revocation that arrives while a key is being checked wins
 * over that check: it read the database before the revocation.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Says when a check began; a `forget` since then makes its result too old to keep. */
export type CheckStart = number;

export class VerifiedKeys<T extends object> {
  readonly #entries: LRUCache<string, { readonly value: T; readonly owner: string }>;
  readonly #byOwner = new Map<string, Set<string>>();
  #forgotten = 0;

  /** At most `entries` keys, each for `seconds`. `clock` is a monotonic one in milliseconds. */
  constructor(entries: number, seconds: number, clock: { now(): number } = performance) {
    this.#entries = new LRUCache({
      max: entries,
      ttl: seconds * 1000,
      perf: clock,
      // Else it reads the clock at most once a millisecond, with a timer of its own.
      ttlResolution: 0,
      dispose: ({ owner }, digest) => this.#unlink(owner, digest),
    });
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(digestOf(key))?.value;
  }

  checkStarts(): CheckStart {
    return this.#forgotten;
  }

  /** `owner` is whom `forget` names. Kept only when nothing was forgotten since the check began. */
  keep(key: string, value: T, owner: string, since: CheckStart): void {
    if (since !== this.#forgotten) return;
    const digest = digestOf(key);
    this.#entries.set(digest, { value, owner });
    const digests = this.#byOwner.get(owner);
    if (digests === undefined) this.#byOwner.set(owner, new Set([digest]));
    else digests.add(digest);
  }

  forget(owner: string): void {
    this.#forgotten++;
    for (const digest of [...(this.#byOwner.get(owner) ?? [])]) this.#entries.delete(digest);
  }

  #unlink(owner: string, digest: string): void {
    const digests = this.#byOwner.get(owner);
    digests?.delete(digest);
    if (digests?.size === 0) this.#byOwner.delete(owner);
  }
}

const digestOf = (key: string): string => hash('sha256', key, 'base64url');
