import type { Limits } from '../../contracts/limits.ts';
import type { DeviceRecord, Store } from '../../contracts/store.ts';
import { pause, type Scheduler } from './ports.ts';
import type { Slot } from './slot.ts';

export type ActivationParts = {
  readonly store: Store;
  readonly scheduler: Scheduler;
  readonly limits: Limits;
  /** The record was read; undefined: there is no such device. */
  readonly loaded: (slot: Slot, record: DeviceRecord | undefined) => void;
};

const RETRY_MS = 200;
/** Queries under way at once: loading must not take all connections from everything else. */
const UNDER_WAY = 2;

/** Loads actors many at a time: those that are asked for while a query is under way share the next one. */
export class Activation {
  readonly #parts: ActivationParts;
  #queue: Slot[] = [];
  #underWay = 0;
  #asked = false;
  #closed = false;

  constructor(parts: ActivationParts) {
    this.#parts = parts;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  add(slot: Slot): void {
    slot.loading = true;
    this.#queue.push(slot);
    this.#ask();
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
  }

  #ask(): void {
    if (this.#asked || this.#underWay >= UNDER_WAY) return;
    this.#asked = true;
    this.#parts.scheduler.soon(() => {
      this.#asked = false;
      void this.#load(this.#queue.splice(0, this.#parts.limits.activationBatch));
    });
  }

  async #load(slots: readonly Slot[]): Promise<void> {
    if (slots.length === 0 || this.#closed) return;
    this.#underWay++;
    const { store, loaded, scheduler } = this.#parts;
    try {
      const records = await store.load(slots.map(slot => slot.address));
      if (this.#closed) return;
      for (let i = 0; i < slots.length; i++) {
        slots[i]!.loading = false;
        loaded(slots[i]!, records[i]);
      }
    } catch {
      // The database is away, and says so elsewhere. Uplinks that lose patience meanwhile are told by the host's sweep.
      await pause(scheduler, RETRY_MS);
      this.#queue.push(...slots);
    } finally {
      this.#underWay--;
      if (this.#queue.length > 0) this.#ask();
    }
  }
}
