import type { Limits } from '../../contracts/limits.ts';
import { NO_TURN, PRIORITY_COUNT } from '../device/commands/device-commands.ts';
import type { CommandPace } from '../device/surroundings.ts';
import type { Clock, Scheduler } from './ports.ts';

/** Whoever may want a turn, and of which priority; NO_TURN: it does not. */
export type TurnTaker = { turn: number };

export type TurnsParts<T extends TurnTaker> = {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: Pick<Limits, 'commandsPerSecond'>;
  /** The part of all devices that is here, 0 to 1: it has that part of the pace. */
  readonly share: () => number;
  /** Its turn has come; it takes it, or gives it back. */
  readonly turn: (taker: T) => void;
};

/** Of what may be sent in a second, this much may go at once. */
const BURST = 0.05;
const SHORTEST_PAUSE_MS = 5;

/**
 * Spreads commands over time, so that all devices together get no more in any second than they should, also when thousands of them come
 * back at the same moment. Who has to wait gets a turn later: the most urgent first, then who asked first. A token bucket: what may go in
 * a second is what it holds and what flows in.
 */
export class Turns<T extends TurnTaker> implements CommandPace {
  readonly #parts: TurnsParts<T>;
  /** One queue for each priority; a Set keeps the order in which they asked. */
  readonly #waiting: readonly Set<T>[] = Array.from({ length: PRIORITY_COUNT }, () => new Set<T>());
  /** How many may leave now. Each is taken away when it leaves, which is after its commit: so however long commits take, none are saved up. */
  #tokens = Number.POSITIVE_INFINITY;
  #filledAtMs: number;
  /** Of those, what was promised just now, and what is on its way through the lane. */
  #promised = 0;
  #reserved = 0;
  #cancel: (() => void) | undefined;

  constructor(parts: TurnsParts<T>) {
    this.#parts = parts;
    this.#filledAtMs = parts.clock.elapsedMs();
  }

  get waiting(): number {
    return this.#waiting.reduce((sum, queue) => sum + queue.size, 0);
  }

  /** Nobody is overtaken by what is not more urgent. */
  take(priority: number): boolean {
    for (let urgent = 0; urgent <= priority; urgent++) if (this.#waiting[urgent]!.size > 0) return false;
    return this.#takeToken();
  }

  giveBack(): void {
    if (this.#promised > 0) this.#promised--;
  }

  /** What was promised is used for this many attempts, which are on their way into the database; the rest is not used. */
  reserve(attempts: number): void {
    this.#promised = 0;
    this.#reserved += attempts;
  }

  /** They are out of the lane: they leave, or never will. */
  left(attempts: number, haveLeft: boolean): void {
    this.#reserved -= attempts;
    if (!haveLeft || attempts === 0) return;
    this.#fill();
    this.#tokens -= attempts;
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
    this.#cancel ??= this.#parts.scheduler.after(this.#pauseMs(), () => {
      this.#cancel = undefined;
      this.#look();
    });
  }

  #look(): void {
    for (let taker = this.#first(); taker !== undefined && this.#takeToken(); taker = this.#first()) {
      this.set(taker, NO_TURN);
      this.#parts.turn(taker);
    }
    if (this.#first() !== undefined) this.#lookSoon();
  }

  #first(): T | undefined {
    for (const queue of this.#waiting) for (const taker of queue) return taker;
    return undefined;
  }

  /** How many flow in for each second, and how many there may be at once. In any second the first one and what flows in behind it go. */
  #rate(): { perSecond: number; burst: number } {
    const all = this.#parts.limits.commandsPerSecond * this.#parts.share();
    const burst = Math.max(1, Math.floor(all * BURST));
    return { perSecond: all - burst + 1, burst };
  }

  #fill(): void {
    const nowMs = this.#parts.clock.elapsedMs();
    const { perSecond, burst } = this.#rate();
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledAtMs) / 1_000) * perSecond);
    this.#filledAtMs = nowMs;
  }

  #takeToken(): boolean {
    this.#fill();
    if (this.#tokens - this.#reserved - this.#promised < 1) return false;
    this.#promised++;
    return true;
  }

  /** Until there is one more. */
  #pauseMs(): number {
    const { perSecond } = this.#rate();
    return Math.min(1_000, Math.max(SHORTEST_PAUSE_MS, Math.ceil(1_000 / perSecond)));
  }
}
