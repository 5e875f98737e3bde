import type { Clock, Scheduler } from './ports.ts';

/** Whatever has a time at which it is to be looked at. */
export type Timed = { dueAtMs: number };

const BUCKET_MS = 100;
const bucketOf = (atMs: number): number => Math.ceil(atMs / BUCKET_MS);

/**
 * Wakes things at their time, some tenths of a second late: a hashed timing wheel (G. Varghese, T. Lauck, "Hashed and Hierarchical Timing
 * Wheels", 1987), so that to set and to change a time costs the same however many there are. One time for each thing.
 */
export class Timers<T extends Timed> {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #wake: (thing: T) => void;
  readonly #buckets = new Map<number, Set<T>>();
  #lookedAt: number;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, scheduler: Scheduler, wake: (thing: T) => void) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#wake = wake;
    this.#lookedAt = Math.floor(clock.nowMs() / BUCKET_MS);
  }

  get size(): number {
    let size = 0;
    for (const bucket of this.#buckets.values()) size += bucket.size;
    return size;
  }

  /** Infinity: not any more. */
  set(thing: T, atMs: number): void {
    if (thing.dueAtMs === atMs) return;
    this.#remove(thing);
    // What should have been before the last look comes with the next one.
    thing.dueAtMs = Math.max(atMs, this.#lookedAt * BUCKET_MS + 1);
    if (atMs === Number.POSITIVE_INFINITY) return;
    const number = bucketOf(thing.dueAtMs);
    const bucket = this.#buckets.get(number);
    if (bucket) bucket.add(thing);
    else this.#buckets.set(number, new Set([thing]));
    this.#cancel ??= this.#scheduler.after(BUCKET_MS, () => this.#look());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#buckets.clear();
  }

  #remove(thing: T): void {
    if (thing.dueAtMs === Number.POSITIVE_INFINITY) return;
    const number = bucketOf(thing.dueAtMs);
    const bucket = this.#buckets.get(number);
    if (bucket?.delete(thing) && bucket.size === 0) this.#buckets.delete(number);
  }

  #look(): void {
    const now = Math.floor(this.#clock.nowMs() / BUCKET_MS);
    for (const number of this.#past(now)) {
      const bucket = this.#buckets.get(number);
      this.#buckets.delete(number);
      for (const thing of bucket ?? []) {
        thing.dueAtMs = Number.POSITIVE_INFINITY;
        this.#wake(thing);
      }
    }
    this.#lookedAt = now;
    this.#cancel = this.#buckets.size > 0 ? this.#scheduler.after(BUCKET_MS, () => this.#look()) : undefined;
  }

  /** The buckets whose time has come, the oldest first. After a long silence, or when the clock was set, all are looked through. */
  #past(now: number): number[] {
    const steps = now - this.#lookedAt;
    if (steps > this.#buckets.size)
      return [...this.#buckets.keys()].filter(number => number <= now).sort((a, b) => a - b);
    return Array.from({ length: Math.max(0, steps) }, (_, i) => this.#lookedAt + 1 + i);
  }
}
