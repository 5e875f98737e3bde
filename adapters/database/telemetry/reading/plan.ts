/** Which rollup answers which part of a range, so that the answer is the one that the readings themselves would give. */
import { DAY_US, dayOf, HOUR_US } from '../days.ts';
import type { Range } from './moments.ts';

export const SOURCES = ['raw', '1m', '1h', '1d'] as const;
export type Source = (typeof SOURCES)[number];
export const MINUTE_US = 60_000_000;
const WIDTH_US: Readonly<Record<Source, number>> = { raw: 1, '1m': MINUTE_US, '1h': HOUR_US, '1d': DAY_US };

/**
 * A part of the range, and what it is read from. Where a rollup has marks, it is read without the hours that are marked, and a part of kind
 * `marked` has their readings.
 */
export type Part =
  | (Range & { readonly kind: 'readings' | 'marked' })
  | (Range & { readonly kind: 'rollup'; readonly source: Exclude<Source, 'raw'>; readonly hasMarks: boolean });

/** The longest rollup in whose units all of these are: widths of buckets, and where they begin. */
export const coarsest = (moments: readonly number[]): Source =>
  SOURCES.findLast(source => moments.every(us => us % WIDTH_US[source] === 0))!;

/**
 * From this rollup and, at the ends of the range and in marked hours, from shorter ones and from readings. There are rollups of minutes from
 * `minutesFromUs` on; before it the readings themselves answer.
 */
export function planOf(source: Source, range: Range, markedDays: readonly number[], minutesFromUs: number): Part[] {
  return cover(source, range, minutesFromUs).flatMap(part => withMarks(part, markedDays));
}

type Covered = Range & { readonly source: Source };

function cover(source: Source, { fromUs, toUs }: Range, minutesFromUs: number): Covered[] {
  if (fromUs >= toUs) return [];
  if (source === 'raw') return [{ source, fromUs, toUs }];
  if (source === '1m' && fromUs < minutesFromUs) {
    const at = Math.min(minutesFromUs, toUs);
    return [{ source: 'raw', fromUs, toUs: at }, ...cover(source, { fromUs: at, toUs }, minutesFromUs)];
  }
  const width = WIDTH_US[source];
  const begin = Math.ceil(fromUs / width) * width;
  const end = Math.floor(toUs / width) * width;
  const shorter = SOURCES[SOURCES.indexOf(source) - 1]!;
  if (begin >= end) return cover(shorter, { fromUs, toUs }, minutesFromUs);
  return [
    ...cover(shorter, { fromUs, toUs: begin }, minutesFromUs),
    { source, fromUs: begin, toUs: end },
    ...cover(shorter, { fromUs: end, toUs }, minutesFromUs),
  ];
}

/**
 * Days without marks by themselves: what has to look at marks costs more. A day of which an hour is marked is made of hours.
 */
function withMarks({ source, fromUs, toUs }: Covered, markedDays: readonly number[]): Part[] {
  if (source === 'raw') return [{ kind: 'readings', fromUs, toUs }];
  const parts: Part[] = [];
  const days = markedDays.filter(day => (day + 1) * DAY_US > fromUs && day * DAY_US < toUs);
  let at = fromUs;
  for (const run of runsOf(days)) {
    const range = { fromUs: Math.max(fromUs, run.fromUs), toUs: Math.min(toUs, run.toUs) };
    if (at < range.fromUs) parts.push({ kind: 'rollup', source, fromUs: at, toUs: range.fromUs, hasMarks: false });
    parts.push({ kind: 'rollup', source: source === '1d' ? '1h' : source, ...range, hasMarks: true });
    parts.push({ kind: 'marked', ...range });
    at = range.toUs;
  }
  if (at < toUs) parts.push({ kind: 'rollup', source, fromUs: at, toUs, hasMarks: false });
  return parts;
}

/** Days that follow each other. */
function runsOf(days: readonly number[]): Range[] {
  const runs: Range[] = [];
  for (const day of days) {
    const last = runs.at(-1);
    const toUs = (day + 1) * DAY_US;
    if (last !== undefined && last.toUs === day * DAY_US) runs[runs.length - 1] = { ...last, toUs };
    else runs.push({ fromUs: day * DAY_US, toUs });
  }
  return runs;
}

/** The longest that it was read from: what an answer says. */
export const sourceOf = (parts: readonly Part[]): Source =>
  SOURCES.findLast(source => parts.some(it => it.kind === 'rollup' && it.source === source)) ?? 'raw';

/** The first moment of the so many-th marked day of a range: a statement must not open the partitions of too many. */
export function endOfMarkedDays(markedDays: readonly number[], { fromUs, toUs }: Range, most: number): number {
  const inside = markedDays.filter(day => day >= dayOf(fromUs) && day * DAY_US < toUs);
  const next = inside[most];
  return next === undefined ? toUs : Math.min(toUs, next * DAY_US);
}
