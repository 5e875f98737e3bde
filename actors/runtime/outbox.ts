import type { Limits } from '../../contracts/limits.ts';
import { type Outcome, UNKNOWN, type Uplink } from '../../contracts/uplinks.ts';
import type { Scheduler } from './ports.ts';
import type { Settle } from './slot.ts';

export type OutboxParts = {
  readonly scheduler: Scheduler;
  readonly limits: Limits;
  readonly deliver: (uplinks: readonly Uplink[]) => Promise<Outcome[]>;
  /** Called for each uplink, just before its sender is told. */
  readonly settled: (uplink: Uplink) => void;
};

/** What waits for one owner. A few batches are under way, so that the pipe is never empty; the next one gathers meanwhile. */
export class Outbox {
  readonly #parts: OutboxParts;
  #uplinks: Uplink[] = [];
  #settles: Settle[] = [];
  #underWay = 0;
  #asked = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  add(uplink: Uplink, settle: Settle): void {
    this.#uplinks.push(uplink);
    this.#settles.push(settle);
    this.#ask();
  }

  #ask(): void {
    if (this.#asked || this.#underWay >= this.#parts.limits.batchesUnderWay) return;
    this.#asked = true;
    this.#parts.scheduler.soon(() => {
      this.#asked = false;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    const count = this.#batchSize();
    if (count === 0) return;
    const uplinks = take(this.#uplinks, count);
    const settles = take(this.#settles, count);
    this.#uplinks = uplinks.rest;
    this.#settles = settles.rest;
    this.#underWay++;
    if (this.#uplinks.length > 0) this.#ask();
    // An error says nothing about what was stored, so nothing may be acknowledged.
    const outcomes = await this.#parts.deliver(uplinks.taken).catch(() => []);
    this.#underWay--;
    if (this.#uplinks.length > 0) this.#ask();
    for (let i = 0; i < count; i++) {
      this.#parts.settled(uplinks.taken[i]!);
      settles.taken[i]!(outcomes[i] ?? UNKNOWN);
    }
  }

  #batchSize(): number {
    const { batchMaxMessages, batchMaxBytes } = this.#parts.limits;
    let bytes = 0;
    let count = 0;
    while (count < this.#uplinks.length && count < batchMaxMessages && bytes < batchMaxBytes)
      bytes += this.#uplinks[count++]!.payload.byteLength;
    return count;
  }
}

const take = <T>(queue: T[], count: number): { taken: T[]; rest: T[] } =>
  count === queue.length ? { taken: queue, rest: [] } : { taken: queue.slice(0, count), rest: queue.slice(count) };
