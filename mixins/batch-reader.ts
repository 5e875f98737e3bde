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
  /** Milliseconds that only grow. */
  readonly nowMs?: () => number;
};

type Waiting<K, V> = {
  readonly key: K;
  readonly promise: Promise<V | undefined>;
  readonly resolve: (value: V | undefined) => void;
  readonly reject: (error: unknown) => void;
};

/** Less than a query takes. */
const GATHER_MAX_MS = 1;
const USUAL_SHARE = 0.75;

export class BatchReader<K, V> {
  readonly #options: BatchReaderOptions<K, V>;
  readonly #waiting = new Map<string, Waiting<K, V>>();
  #underWay = 0;
  /** How many keys the last query had. */
  #last = 0;

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
      this.#last = batch.length;
      try {
        const found = await this.#options.read(batch.map(([, entry]) => entry.key));
        for (const [name, entry] of batch) entry.resolve(found.get(name));
      } catch (error) {
        for (const [, entry] of batch) entry.reject(error);
      }
    }
    this.#underWay--;
  }

  /**
   * As long as each turn of the event loop brings more, and for a moment longer while most of those that were answered last have not asked
   * again: a query costs as much as many keys in it. Who asks alone does not wait.
   */
  async #gather(): Promise<void> {
    const { nowMs = () => performance.now() } = this.#options;
    const untilMs = nowMs() + GATHER_MAX_MS;
    const usual = Math.min(this.#last * USUAL_SHARE, this.#options.batchMaxKeys);
    for (let before = 0; this.#waiting.size < this.#options.batchMaxKeys; ) {
      const isMore = this.#waiting.size > before;
      if (!isMore && (this.#waiting.size >= usual || nowMs() > untilMs)) return;
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
