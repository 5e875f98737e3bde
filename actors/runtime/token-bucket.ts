import type { Clock } from './ports.ts';

/** Of what may pass in a second, this much may pass at once. */
const BURST = 0.05;
const SHORTEST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Lets at most so many pass in any second: what it holds and what flows in behind it (J. Turner, "New directions in communications", 1986).
 * The rate may change at any time. Of a part of a number the whole ones count, so that parts together are not more than the whole.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: () => number;
  #tokens = Number.POSITIVE_INFINITY;
  #filledAtMs: number;

  constructor(clock: Clock, perSecond: () => number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#filledAtMs = clock.elapsedMs();
  }

  take(): boolean {
    const nowMs = this.#clock.elapsedMs();
    const { inflow, burst } = this.#rate();
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledAtMs) / 1_000) * inflow);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  giveBack(): void {
    this.#tokens++;
  }

  /** Until there is one more. */
  get pauseMs(): number {
    return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, Math.ceil(1_000 / this.#rate().inflow)));
  }

  /** In any second the first of a burst passes, the rest of it, and what flows in: together as many as may. */
  #rate(): { inflow: number; burst: number } {
    const given = this.#perSecond();
    const all = given >= 1 ? Math.floor(given) : given;
    const burst = Math.max(1, Math.floor(all * BURST));
    return { inflow: all - burst + 1, burst };
  }
}
