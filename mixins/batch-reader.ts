/**
 * Reads by key in batches: while a query is under way the next keys gather, and go out together. So load makes queries
 * larger, not more; nothing is ever remembered, so every answer is as fresh as a query of its own. Callers that ask for the
 * same key share it.
 */
import { SkeinError } from '../contracts/errors.ts';

export type BatchReaderOptions<K, V> = {
  /** One query for all keys; what it does not find it leaves out. */
  readonly read: (keys: readonly K[]) => Promise<ReadonlyMap<string, V>>;
  readonly nameOf: (key: K) => string;
  readonly batchMaxKeys: number;
  /** Keys that wait; beyond it callers get `overloaded`. */
  readonly waitingMaxKeys: number;
  readonly queriesUnderWay: number;
};

type Waiting<K, V> = {
  readonly key: K;
  readonly promise: Promise<V | undefined>;
  readonly resolve: (value: V | undefined) => void;
  readonly reject: (error: unknown) => void;
};

export class BatchReader<K, V> {
  readonly #options: BatchReaderOptions<K, V>;
  readonly #waiting = new Map<string, Waiting<K, V>>();
  #underWay = 0;

  constructor(options: BatchReaderOptions<K, V>) {
    this.#options = options;
  }

  /** What `read` found for this key. Rejects with `overloaded`, or with what the query rejects with. */
  load(key: K): Promise<V | undefined> {
    const name = this.#options.nameOf(key);
    const same = this.#waiting.get(name);
    if (same !== undefined) return same.promise;
    if (this.#waiting.size >= this.#options.waitingMaxKeys)
      return Promise.reject(new SkeinError('overloaded', 'Too many requests are waiting for the database'));
    const entry: Waiting<K, V> = { key, ...Promise.withResolvers<V | undefined>() };
    this.#waiting.set(name, entry);
    if (this.#underWay < this.#options.queriesUnderWay) this.#start();
    return entry.promise;
  }

  #start(): void {
    this.#underWay++;
    void this.#run();
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      await this.#gather();
      const batch = this.#take();
      try {
        const found = await this.#options.read(batch.map(([, entry]) => entry.key));
        for (const [name, entry] of batch) entry.resolve(found.get(name));
      } catch (error) {
        for (const [, entry] of batch) entry.reject(error);
      }
    }
    this.#underWay--;
  }

  /** As long as each turn of the event loop brings more: a query costs as much as many keys in it, and who asks at once is answered at once. */
  async #gather(): Promise<void> {
    for (let before = 0; this.#waiting.size > before && this.#waiting.size < this.#options.batchMaxKeys; ) {
      before = this.#waiting.size;
      await new Promise(setImmediate);
    }
  }

  #take(): [string, Waiting<K, V>][] {
    const batch = [...this.#waiting.entries().take(this.#options.batchMaxKeys)];
    for (const [name] of batch) this.#waiting.delete(name);
    return batch;
  }
}
