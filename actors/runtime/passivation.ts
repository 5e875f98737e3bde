import type { Limits } from '../../contracts/limits.ts';
import type { Slot } from './slot.ts';

/** Slots looked at in one sweep: a million actors are seen in under two minutes, and no sweep takes long. */
const PER_SWEEP = 10_000;

/**
 * Drops actors that have been idle, and, beyond the cap, those that were not used since the hand last passed them: the clock
 * algorithm (F. J. Corbató, "A Paging Experiment with the Multics System", 1968), for which no use has to move anything.
 */
export class Passivation {
  readonly #slots: Map<string, Slot>;
  readonly #idleSweeps: number;
  readonly #max: number;
  readonly #isCurrent: (slot: Slot) => boolean;
  readonly #dropped: (slot: Slot) => void;
  #hand: Iterator<Slot>;
  /** One sweep is one second. */
  sweeps = 1;

  /** @param isCurrent false: its shard was given away, so it is dropped as soon as it is seen */
  constructor(
    slots: Map<string, Slot>,
    limits: Limits,
    isCurrent: (slot: Slot) => boolean,
    dropped: (slot: Slot) => void,
  ) {
    this.#slots = slots;
    this.#isCurrent = isCurrent;
    this.#dropped = dropped;
    this.#idleSweeps = limits.actorIdleSeconds;
    this.#max = limits.actorsMax;
    this.#hand = slots.values();
  }

  sweep(): void {
    this.sweeps++;
    const look = Math.min(this.#slots.size, Math.max(PER_SWEEP, 2 * (this.#slots.size - this.#max)));
    for (let i = 0; i < look; i++) {
      const slot = this.#next();
      if (!slot) return;
      const idle = this.sweeps - slot.usedAtSweep;
      const surplus = this.#slots.size > this.#max && idle > 1;
      const isCurrent = this.#isCurrent(slot);
      if (isCurrent && slot.actor?.isBusy) continue;
      if ((idle >= this.#idleSweeps || surplus || !isCurrent) && isQuiet(slot)) this.#drop(slot);
    }
  }

  #drop(slot: Slot): void {
    this.#slots.delete(slot.address.key);
    this.#dropped(slot);
  }

  /** The hand goes round: a Map may change while it is walked through. */
  #next(): Slot | undefined {
    const here = this.#hand.next();
    if (!here.done) return here.value;
    this.#hand = this.#slots.values();
    return this.#hand.next().value;
  }
}

/** Only an actor without anything under way may be dropped: then what is stored is all that it knows. */
const isQuiet = (slot: Slot): boolean => slot.inLane === 0 && slot.waiting === null && !slot.loading;
