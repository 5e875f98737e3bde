import type { Limits } from '../../contracts/limits.ts';
import type { Store } from '../../contracts/store.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import { every, pause, type Scheduler } from './ports.ts';

export type DueWatchParts = {
  readonly store: Pick<Store, 'due'>;
  readonly scheduler: Scheduler;
  readonly limits: Pick<Limits, 'activationBatch'>;
  /** The shards that are here. */
  readonly shards: () => readonly number[];
  /** Something is to be done about this device. */
  readonly wake: (address: DeviceAddress) => void;
  /** The same, and its actor may not have heard that it is decommissioned. */
  readonly changed: (address: DeviceAddress) => void;
};

const LOOK_MS = 1_000;
const BETWEEN_PAGES_MS = 50;
/** Every so many looks everything is looked through, in case something was missed. */
const LOOKS_PER_ROUND = 60;

/**
 * Finds devices that are not in memory and about which something is to be done: commands whose deadline has passed, and, when shards have
 * come here, commands that wait for nothing but their owner.
 */
export class DueWatch {
  readonly #parts: DueWatchParts;
  /** Shards that came since they were last looked through. */
  readonly #fresh = new Set<number>();
  #looks = 0;
  #looking = false;
  #cancel: () => void = () => {};

  constructor(parts: DueWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#cancel = every(this.#parts.scheduler, LOOK_MS, () => void this.#look());
  }

  stop(): void {
    this.#cancel();
  }

  admitted(shards: Iterable<number>): void {
    for (const shard of shards) this.#fresh.add(shard);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const shards = this.#parts.shards();
    if (++this.#looks % LOOKS_PER_ROUND === 0) this.admitted(shards);
    const fresh = shards.filter(shard => this.#fresh.has(shard));
    this.#fresh.clear();
    try {
      if (fresh.length > 0) await this.#wakeAll(fresh, true);
      if (shards.length > 0) await this.#wakeAll(shards, false);
    } catch {
      // The database is away, and says so elsewhere.
      this.admitted(fresh);
    } finally {
      this.#looking = false;
    }
  }

  async #wakeAll(shards: readonly number[], resume: boolean): Promise<void> {
    const { store, limits, scheduler, wake, changed } = this.#parts;
    for (let after: number | null = 0; after !== null; ) {
      const due = await store.due(shards, resume, after, limits.activationBatch);
      for (const address of due.addresses) wake(address);
      for (const address of due.ended) changed(address);
      after = due.after;
      // What was woken is loaded meanwhile: after a long time without an owner there may be many.
      if (after !== null) await pause(scheduler, BETWEEN_PAGES_MS);
    }
  }
}
