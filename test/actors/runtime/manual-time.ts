import type { Clock, Scheduler } from '../../../actors/runtime/ports.ts';

type Timer = { atMs: number; work: () => void };

/** A clock and scheduler that stand still until they are told to go on. */
export class ManualTime implements Clock, Scheduler {
  #nowMs: number;
  #timers: Timer[] = [];

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  elapsedMs(): number {
    return this.#nowMs;
  }

  soon(work: () => void): void {
    setImmediate(work);
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer);
    };
  }

  /** Lets everything run that needs no time to pass. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve));
  }

  /** Time passes, in steps small enough that what is scheduled meanwhile runs in its order. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.settle();
    for (;;) {
      const next = this.#timers.filter(timer => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.#timers = this.#timers.filter(other => other !== next);
      this.#nowMs = next.atMs;
      next.work();
      await this.settle();
    }
    this.#nowMs = untilMs;
  }
}
