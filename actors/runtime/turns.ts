import { PRIORITIES } from '../../contracts/commands.ts';
import { NO_TURN } from '../device/commands/device-commands.ts';
import type { CommandPace } from '../device/surroundings.ts';
import type { Scheduler } from './ports.ts';
import type { TokenBucket } from './token-bucket.ts';

/** Whoever may want a turn, and of which priority; NO_TURN: it does not. */
export type TurnTaker = { turn: number };

export type TurnsParts<T extends TurnTaker> = {
  readonly scheduler: Scheduler;
  readonly bucket: TokenBucket;
  /** Its turn has come; it takes it, or gives it back. */
  readonly turn: (taker: T) => void;
};

/**
 * Spreads commands over time, so that all devices together get no more in any second than they should, also when thousands of them come
 * back at the same moment. Who has to wait gets a turn later: the most urgent first, then who asked first.
 */
export class Turns<T extends TurnTaker> implements CommandPace {
  readonly #parts: TurnsParts<T>;
  /** One queue for each priority; a Set keeps the order in which they asked. */
  readonly #waiting: readonly Set<T>[] = PRIORITIES.map(() => new Set<T>());
  #cancel: (() => void) | undefined;

  constructor(parts: TurnsParts<T>) {
    this.#parts = parts;
  }

  get waiting(): number {
    return this.#waiting.reduce((sum, queue) => sum + queue.size, 0);
  }

  /** Nobody is overtaken by what is not more urgent. */
  take(priority: number): boolean {
    for (let urgent = 0; urgent <= priority; urgent++) if (this.#waiting[urgent]!.size > 0) return false;
    return this.#parts.bucket.take();
  }

  giveBack(): void {
    this.#parts.bucket.giveBack();
  }

  /** It wants a turn of this priority from now on; NO_TURN: none any more. */
  set(taker: T, priority: number): void {
    if (taker.turn === priority) return;
    if (taker.turn !== NO_TURN) this.#waiting[taker.turn]!.delete(taker);
    taker.turn = priority;
    if (priority === NO_TURN) return;
    this.#waiting[priority]!.add(taker);
    this.#lookSoon();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const queue of this.#waiting) queue.clear();
  }

  #lookSoon(): void {
    this.#cancel ??= this.#parts.scheduler.after(this.#parts.bucket.pauseMs, () => {
      this.#cancel = undefined;
      this.#look();
    });
  }

  #look(): void {
    for (let taker = this.#first(); taker !== undefined && this.#parts.bucket.take(); taker = this.#first()) {
      this.set(taker, NO_TURN);
      this.#parts.turn(taker);
    }
    if (this.#first() !== undefined) this.#lookSoon();
  }

  #first(): T | undefined {
    for (const queue of this.#waiting) for (const taker of queue) return taker;
    return undefined;
  }
}
