/** The real clock, scheduler and randomness, for what is written against ports (actors/runtime/ports.ts). */
import { uuidv7 } from 'uuidv7';

export const systemClock = {
  nowMs: (): number => Date.now(),
  elapsedMs: (): number => performance.now(),
};

export const systemScheduler = {
  soon(work: () => void): void {
    setImmediate(work);
  },
  after(delayMs: number, work: () => void): () => void {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

export const systemRandom = { uuid: (): string => uuidv7(), fraction: (): number => Math.random() };
