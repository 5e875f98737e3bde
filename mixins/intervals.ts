/** How `interval` and `timezone` cut time into buckets. */
import type { Steps } from '../adapters/database/telemetry/reading/steps.ts';
import { SkeinError } from '../contracts/errors.ts';
import { DAY_MS, isUtc, type TimeZone, timeZoneOf } from './time-zones.ts';

const SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
  mo: 2_629_746,
  y: 31_556_952,
};
/** 1970-01-05, a Monday, as a day since 1970: weeks begin there. */
const MONDAY = 4;

export type Interval = {
  readonly text: string;
  readonly count: number;
  readonly unit: string;
  readonly seconds: number;
};

/** `30s`, `5m`, `1h`, `1d`, `1w`, `1mo`, `1y`. Rejects with `invalid_request`. */
export function intervalOf(text: string): Interval {
  const [, count, unit] = /^([1-9]\d{0,3})(s|mo|m|h|d|w|y)$/.exec(text) ?? [];
  if (count === undefined || unit === undefined)
    throw new SkeinError('invalid_request', 'interval must be a whole number with s, m, h, d, w, mo or y, like 5m');
  return { text, count: Number(count), unit, seconds: Number(count) * SECONDS[unit]! };
}

/**
 * Seconds, minutes and hours are elapsed time: from 1970 on, or in a time zone from the beginning of each local day on, of which the last one
 * ends with the day. Days, weeks (from Monday), months and years are those of the calendar.
 */
export function stepsOf({ count, unit, seconds }: Interval, timezone: string | undefined): Steps {
  const zone = timeZoneOf(timezone);
  const isOfClock = unit === 's' || unit === 'm' || unit === 'h';
  if (isOfClock && (isUtc(timezone) || seconds * 1000 > DAY_MS)) return fixed(seconds, 0);
  if (isOfClock) return insideOfDays(zone, seconds * 1000);
  if (unit === 'mo' || unit === 'y') return months(zone, unit === 'y' ? 12 * count : count);
  const days = unit === 'w' ? 7 * count : count;
  const origin = unit === 'w' ? MONDAY : 0;
  return isUtc(timezone) ? fixed(seconds, origin * 86_400) : ofDays(zone, days, origin);
}

const fixed = (seconds: number, originSeconds: number): Steps => {
  const widthUs = seconds * 1e6;
  const originUs = originSeconds * 1e6;
  return {
    fixed: { widthUs, originUs },
    floor: us => originUs + Math.floor((us - originUs) / widthUs) * widthUs,
    next: edge => edge + widthUs,
  };
};

const dayAt = (zone: TimeZone, ms: number): number => Math.floor(zone.local(ms) / DAY_MS);
const toUs = (ms: number): number => ms * 1000;
const toMs = (us: number): number => Math.floor(us / 1000);

const insideOfDays = (zone: TimeZone, widthMs: number): Steps => {
  const days = ofDays(zone, 1, 0);
  return {
    floor: us => {
      const start = days.floor(us);
      return start + Math.floor((us - start) / toUs(widthMs)) * toUs(widthMs);
    },
    next: edge => Math.min(edge + toUs(widthMs), days.next(days.floor(edge))),
  };
};

const ofDays = (zone: TimeZone, days: number, origin: number): Steps => {
  const group = (ms: number): number => Math.floor((dayAt(zone, ms) - origin) / days);
  const start = (at: number): number => toUs(zone.startOfDay(at * days + origin));
  return remembering({ floor: us => start(group(toMs(us))), next: edge => start(group(toMs(edge)) + 1) });
};

const months = (zone: TimeZone, count: number): Steps => {
  const group = (ms: number): number => {
    const date = new Date(zone.local(ms));
    return Math.floor((date.getUTCFullYear() * 12 + date.getUTCMonth()) / count);
  };
  const start = (at: number): number => {
    const date = new Date(0);
    date.setUTCFullYear(0, at * count, 1);
    return toUs(zone.startOfDay(date.getTime() / DAY_MS));
  };
  return remembering({ floor: us => start(group(toMs(us))), next: edge => start(group(toMs(edge)) + 1) });
};

/** Remembers the bucket that was asked for last: whoever asks goes along, and a time zone takes microseconds to say what its clocks show. */
function remembering(steps: Steps): Steps {
  let fromUs = Number.NaN;
  let untilUs = Number.NaN;
  const next = (edge: number): number => {
    if (edge !== fromUs) [fromUs, untilUs] = [edge, steps.next(edge)];
    return untilUs;
  };
  const floor = (us: number): number => {
    if (!(us >= fromUs && us < untilUs)) next(steps.floor(us));
    return fromUs;
  };
  return { floor, next };
}

const USUAL = [
  '1s',
  '5s',
  '10s',
  '30s',
  '1m',
  '5m',
  '10m',
  '15m',
  '30m',
  '1h',
  '3h',
  '6h',
  '12h',
  '1d',
  '1w',
  '1mo',
  '1y',
];

/** Rejects with `too_many_buckets`, which says the shortest usual interval that fits. */
export function checkBuckets(interval: Interval, spanUs: number, most: number): void {
  const count = (seconds: number): number => Math.ceil(spanUs / 1e6 / seconds) + 1;
  if (count(interval.seconds) <= most) return;
  const fits = USUAL.find(text => count(intervalOf(text).seconds) <= most);
  const hint = fits === undefined ? 'a shorter range is needed' : `the smallest interval that fits is ${fits}`;
  throw new SkeinError(
    'too_many_buckets',
    `This would be ${count(interval.seconds)} buckets of ${interval.text}, and at most ${most} fit: ${hint}`,
    { smallestInterval: fits ?? null },
  );
}
