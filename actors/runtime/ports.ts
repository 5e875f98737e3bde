/** What the runtime is given by the outside, so that a simulation can give something else. */

export interface Clock {
  /** Milliseconds since 1970, UTC. May step. */
  nowMs(): number;
  /** Milliseconds since some moment. Never steps. */
  elapsedMs(): number;
}

export interface Scheduler {
  /** Once, when what is under way has had its turn: lets the messages of one moment gather. */
  soon(work: () => void): void;
  /** Once, after this many milliseconds. The answer cancels it. */
  after(delayMs: number, work: () => void): () => void;
}

export interface Random {
  /** A version 7 UUID. */
  uuid(): string;
  /** From 0 to 1, without 1. */
  fraction(): number;
}

/** Again and again, this many milliseconds apart. The answer ends it. */
export function every(scheduler: Scheduler, intervalMs: number, work: () => void): () => void {
  let cancel = scheduler.after(intervalMs, again);
  function again(): void {
    work();
    cancel = scheduler.after(intervalMs, again);
  }
  return () => cancel();
}

/** Resolves after this many milliseconds. */
export const pause = (scheduler: Scheduler, delayMs: number): Promise<void> =>
  new Promise(resolve => void scheduler.after(delayMs, resolve));
