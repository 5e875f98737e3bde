/** The unique index over the idempotency keys of commands. */
import { type Effects, StoreError } from '../../contracts/store.ts';

export class CommandKeys {
  readonly #stored = new Map<string, string>();
  /** Inserted by transactions that are not over. */
  readonly #pending = new Map<string, object>();

  idOf(key: string): string | undefined {
    return this.#stored.get(key);
  }

  /**
   * Throws when one of the keys exists. Behind a transaction that inserts the same one PostgreSQL would wait for its end; here that is
   * an error which makes the lane try again a moment later.
   */
  insert(effects: readonly Effects[], by: object): void {
    const own = new Set<string>();
    for (const { commands } of effects)
      for (const { isNew, record } of commands) {
        const key = record.idempotencyKey;
        if (!isNew || key === null) continue;
        if (this.#stored.has(key) || own.has(key)) throw new StoreError('duplicate_key', 'an idempotency key exists');
        if (this.#pending.has(key)) throw new StoreError('unavailable', 'another transaction inserts this key');
        own.add(key);
      }
    for (const key of own) this.#pending.set(key, by);
  }

  keep(key: string, id: string): void {
    this.#stored.set(key, id);
  }

  release(by: object): void {
    for (const [key, holder] of this.#pending) if (holder === by) this.#pending.delete(key);
  }
}
