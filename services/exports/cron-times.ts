/** The times that a pattern of cron names, and what of the past is exported at each. */
import { Cron } from 'croner';
import { SkeinError } from '../../contracts/errors.ts';
import type { Covered } from '../../contracts/exports.contract.ts';
import { intervalOf, stepsOf } from '../../mixins/intervals.ts';
import { timeZoneOf } from '../../mixins/time-zones.ts';
import type { Span } from './request.ts';

/** Minute, hour, day of the month, month, day of the week. Rejects with `invalid_request`. */
export function checkCron(pattern: string, timezone: string): void {
  timeZoneOf(timezone);
  if (timesOf(pattern, timezone) === undefined)
    throw new SkeinError(
      'invalid_request',
      'cron must be a pattern of five parts: minute, hour, day of the month, month, day of the week, like 0 6 * * 1-5',
    );
}

function timesOf(pattern: string, timezone: string): Cron | undefined {
  // The library takes dates and names like @daily as well.
  if (pattern.trim().split(/\s+/).length !== 5) return undefined;
  try {
    return new Cron(pattern, { mode: '5-part', timezone, paused: true });
  } catch {
    return undefined;
  }
}

/** The first time after `afterMs`; null: there is none any more, or it is further away than anybody looks. */
export function nextTime(pattern: string, timezone: string, afterMs: number): Date | null {
  return timesOf(pattern, timezone)?.nextRun(new Date(afterMs)) ?? null;
}

/** The last one until then. */
export function latestTime(pattern: string, timezone: string, nowMs: number): Date | null {
  // The library looks for what is before a whole second.
  const after = new Date((Math.floor(nowMs / 1000) + 1) * 1000);
  return timesOf(pattern, timezone)?.previousRuns(1, after)[0] ?? null;
}

const INTERVALS: Readonly<Record<Covered, string>> = {
  'previous hour': '1h',
  'previous day': '1d',
  'previous week': '1w',
  'previous month': '1mo',
};

/** The last whole hour, day, week or month that had ended at that time, by the clocks of the time zone. */
export function coveredSpan(covers: Covered, timezone: string, at: Date): Span {
  const steps = stepsOf(intervalOf(INTERVALS[covers]), timezone);
  const toUs = steps.floor(at.getTime() * 1000);
  return { fromMs: steps.floor(toUs - 1) / 1000, toMs: toUs / 1000 };
}
