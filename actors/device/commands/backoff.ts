import type { Limits } from '../../../contracts/limits.ts';

type BackoffLimits = Pick<Limits, 'commandRetryMs' | 'commandRetryMaxMs'>;

/** How long an answer to this attempt (the first is 1) is waited for: twice as long each time, up to a limit. */
export function backoffMs(attempt: number, { commandRetryMs, commandRetryMaxMs }: BackoffLimits): number {
  // 2 ** 30 times a millisecond is longer than any deadline.
  return Math.min(commandRetryMs * 2 ** Math.min(attempt - 1, 30), Math.max(commandRetryMs, commandRetryMaxMs));
}

/**
 * The same, up to half shorter by chance: devices that lost their answers at the same moment do not all get their commands again at the
 * same moment.
 */
export const jitteredBackoffMs = (attempt: number, fraction: number, limits: BackoffLimits): number =>
  Math.ceil(backoffMs(attempt, limits) * (1 - fraction / 2));
