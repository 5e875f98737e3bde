/** What the commands of a run ask of a device. */
import { setTimeout as sleep } from 'node:timers/promises';

export const WORK = 'work';
/** A name that no device knows. */
export const UNKNOWN_WORK = 'unheard-of';

export const OUTCOMES = ['succeeds', 'fails', 'rejects'] as const;
export type Work = {
  readonly outcome: (typeof OUTCOMES)[number];
  /** Before and after it is written into the ledger. */
  readonly beforeMs: number;
  readonly afterMs: number;
};

export class WorkFailed extends Error {}

/** Throws `WorkFailed` when it is to fail. What is to be rejected is not for here: nothing is done then. */
export async function doWork({ outcome, beforeMs, afterMs }: Work, note: () => void): Promise<{ done: true }> {
  if (beforeMs > 0) await sleep(beforeMs);
  note();
  if (afterMs > 0) await sleep(afterMs);
  if (outcome === 'fails') throw new WorkFailed('as it was asked to');
  return { done: true };
}
