/** The connection of one process with a server: messages keep their order, wait while it is cut, and come late when it heals. */
import type { Chance } from './chance.ts';
import type { Life, SimClock } from './sim-clock.ts';

const RETRANSMIT_MAX_MS = 1_500;

/** One direction. */
class Way {
  isCut = false;
  readonly #clock: SimClock;
  readonly #chance: Chance;
  readonly #life: Life | null;
  /** Who sends: nothing is sent by one that is dead. */
  readonly #sender: Life | null;
  #held: (() => void)[] = [];
  #lastAtMs = 0;

  constructor(clock: SimClock, chance: Chance, life: Life | null, sender: Life | null) {
    this.#clock = clock;
    this.#chance = chance;
    this.#life = life;
    this.#sender = sender;
  }

  send(work: () => void): void {
    if (this.#sender?.isDead) return;
    this.#arrive(this.#chance.span(0.1, 1.5), work);
  }

  /** What was held comes after one more attempt of TCP; what is sent meanwhile may overtake it only on another connection. */
  heal(): void {
    if (!this.isCut) return;
    this.isCut = false;
    const delayMs = this.#chance.span(0, RETRANSMIT_MAX_MS);
    for (const work of this.#held.splice(0)) this.#clock.after(delayMs, this.#life, work);
  }

  #arrive(delayMs: number, work: () => void): void {
    const atMs = Math.max(this.#lastAtMs, this.#clock.nowMs + delayMs);
    this.#lastAtMs = atMs;
    this.#clock.after(atMs - this.#clock.nowMs, this.#life, () => {
      if (this.isCut) this.#held.push(work);
      else work();
    });
  }
}

export class SimLink {
  /** To the server, and back to the process. */
  readonly out: Way;
  readonly in: Way;

  constructor(clock: SimClock, chance: Chance, life: Life) {
    this.out = new Way(clock, chance, null, life);
    this.in = new Way(clock, chance, life, null);
  }

  cut(ways: 'both' | 'in' | 'out'): void {
    if (ways !== 'in') this.out.isCut = true;
    if (ways !== 'out') this.in.isCut = true;
  }

  heal(): void {
    this.out.heal();
    this.in.heal();
  }
}
