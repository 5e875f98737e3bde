/**
 * Requests that wait for events. One query looks for all of them, and a while passes between two queries, so it costs the database
 * the same whether one waits or a thousand.
 */
import type { EventPosition } from '../../adapters/database/events-feed.ts';
import { WaitingPlaces } from '../../mixins/waiting-places.ts';
import type { EventFilter } from './event-pages.ts';
import type { Heading, Tail, TailOf } from './event-tails.ts';

export type Waited = {
  /** Something that fits is behind `position`. */
  readonly found: boolean;
  /** As far as there is nothing that fits. */
  readonly position: EventPosition;
};
type Waiter = {
  readonly filter: EventFilter;
  position: EventPosition;
  readonly settle: (found: boolean) => void;
  readonly fail: (error: unknown) => void;
};

export type EventWaitersOptions = {
  readonly read: (tails: readonly TailOf[]) => Promise<readonly Tail[]>;
  readonly waitersMax: number;
  readonly pollMs: number;
};

export class EventWaiters {
  readonly #options: EventWaitersOptions;
  readonly #waiters = new Set<Waiter>();
  readonly #places: WaitingPlaces;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: EventWaitersOptions) {
    this.#options = options;
    this.#places = new WaitingPlaces(options.waitersMax);
  }

  get size(): number {
    return this.#places.taken;
  }

  /**
   * Resolves when there is something, when the time is over, when `gone` says that nobody waits any more, and at the end. Rejects with
   * `overloaded`, or what `read` rejects with.
   */
  async wait(filter: EventFilter, position: EventPosition, ms: number, gone?: AbortSignal): Promise<Waited> {
    if (this.#closed || gone?.aborted === true) return { found: false, position };
    this.#places.take(filter.tenantId);
    const end = Promise.withResolvers<boolean>();
    const waiter: Waiter = { filter, position, settle: end.resolve, fail: end.reject };
    const patience = setTimeout(end.resolve, ms, false);
    const leave = () => end.resolve(false);
    gone?.addEventListener('abort', leave, { once: true });
    this.#waiters.add(waiter);
    this.#timer ??= setTimeout(() => void this.#poll(), this.#options.pollMs);
    try {
      const found = await end.promise;
      return { found, position: waiter.position };
    } finally {
      clearTimeout(patience);
      gone?.removeEventListener('abort', leave);
      this.#waiters.delete(waiter);
      this.#places.leave(filter.tenantId);
    }
  }

  /** Everybody gets an answer now. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const waiter of this.#waiters) waiter.settle(false);
  }

  async #poll(): Promise<void> {
    const asked = [...this.#waiters];
    if (asked.length > 0) await this.#look(asked);
    this.#timer = undefined;
    if (this.#waiters.size > 0 && !this.#closed)
      this.#timer = setTimeout(() => void this.#poll(), this.#options.pollMs);
  }

  async #look(asked: readonly Waiter[]): Promise<void> {
    const ofTenant = Map.groupBy(asked, it => it.filter.tenantId);
    const tails = [...ofTenant].map(([tenantId, its]) => ({ tenantId, position: oldest(its) }));
    try {
      for (const tail of await this.#options.read(tails))
        for (const waiter of ofTenant.get(tail.tenantId)!) tell(waiter, tail);
    } catch (error) {
      for (const waiter of asked) waiter.fail(error);
    }
  }
}

/** Whoever came later has seen more, so the tail begins before its position; what lies in between is no news. */
function tell(waiter: Waiter, { headings, position }: Tail): void {
  const { kind, deviceId } = waiter.filter;
  const fits = (it: Heading) =>
    (kind === undefined || it.kind === kind) &&
    (deviceId === undefined || it.deviceId === deviceId) &&
    isAfter(it.position, waiter.position);
  if (headings.some(fits)) waiter.settle(true);
  else if (isAfter(position, waiter.position)) waiter.position = position;
}

const oldest = (waiters: readonly Waiter[]): EventPosition =>
  waiters.map(it => it.position).reduce((first, it) => (isAfter(first, it) ? it : first));

/** Transactions have 64 bits. */
function isAfter(one: EventPosition, other: EventPosition): boolean {
  if (one.tx === other.tx) return one.eventId > other.eventId;
  return BigInt(one.tx) > BigInt(other.tx);
}
