/**
 * A revocation comes twice: as a message of the bus, and a moment later as a row of the table, or the other way round. The second one must
 * not close what was opened between them. One of them may be lost, or come to a process that was not there for the other: so each is
 * forgotten after a while.
 */
import { LRUCache } from 'lru-cache';
import type { Revocation } from '../../contracts/access.contract.ts';

export class ToldOnce {
  /** Of the same revocation: messages that came less rows that were read. */
  readonly #surplus: LRUCache<string, number>;

  constructor(max: number, seconds: number) {
    this.#surplus = new LRUCache({ max, ttl: seconds * 1_000, noUpdateTTL: true });
  }

  /** Whether this is the first that is heard of it. */
  byBus(revocation: Revocation): boolean {
    return this.#count(revocation, 1);
  }

  byTable(revocation: Revocation): boolean {
    return this.#count(revocation, -1);
  }

  #count({ kind, tenant, subject, device }: Revocation, step: 1 | -1): boolean {
    const name = JSON.stringify([kind, tenant, subject, device ?? null]);
    const before = this.#surplus.get(name) ?? 0;
    if (before + step === 0) this.#surplus.delete(name);
    else this.#surplus.set(name, before + step);
    return before * step >= 0;
  }
}
