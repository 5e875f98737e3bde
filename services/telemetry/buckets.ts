/** Buckets of a question: in pages, or as a whole. */

import type { BucketOrder, BucketQuery } from '../../adapters/database/telemetry/reading/bucket-statement.ts';
import {
  type Buckets,
  countReadings,
  firstNumber,
  needsReadings,
  readBuckets,
} from '../../adapters/database/telemetry/reading/buckets.ts';
import type { SeriesSet } from '../../adapters/database/telemetry/reading/marks.ts';
import type { Range } from '../../adapters/database/telemetry/reading/moments.ts';
import { EARLIEST_US } from '../../adapters/database/telemetry/reading/moments.ts';
import type { Restriction } from '../../adapters/database/telemetry/reading/readings.ts';
import { endOfDay } from '../../adapters/database/telemetry/reading/spans.ts';
import type { Steps } from '../../adapters/database/telemetry/reading/steps.ts';
import type { Aggregate } from '../../contracts/telemetry.contract.ts';
import { checkBuckets, type Interval } from '../../mixins/intervals.ts';
import { tooManyReadings, withArchive } from './archive.ts';
import type { ReadingParts } from './parts.ts';
import type { AskedRange } from './timestamps.ts';

export type BucketsOf = {
  readonly tenantId: number;
  readonly set: SeriesSet;
  readonly of: BucketQuery['of'];
  readonly steps: Steps;
  readonly statistics: readonly Aggregate[];
  readonly restriction: Restriction;
  readonly range: Range;
  readonly limit: number;
  readonly order: BucketOrder;
};

/** Rejects with `too_many_readings` when no rollup has it, and there are too many. */
export async function bucketsOf(parts: ReadingParts, asked: BucketsOf): Promise<Buckets> {
  const { database, spans, limits } = parts;
  const { tenantId, set, range } = asked;
  if (needsReadings(asked)) {
    const count = await countReadings(database, set, range);
    if (count > limits.telemetryReadingsMax) throw tooManyReadings(count, limits.telemetryReadingsMax);
  }
  const [starts, minutesFromUs] = [await spans.starts(), await spans.minutesFromUs()];
  const ofArchive = { tenantId, deviceUids: set.devices, measurementIds: set.measurements };
  return withArchive(parts, ofArchive, range, archived =>
    readBuckets(database, { ...asked, starts, minutesFromUs, archived }),
  );
}

/** Where there is something: an open range begins with the first number, and ends with the day of the newest. Undefined: there is nothing. */
export async function boundedRange(
  { database }: ReadingParts,
  range: AskedRange,
  set: SeriesSet,
  newestDay: number,
): Promise<Range | undefined> {
  const fromUs = range.hasFrom ? range.fromUs : await firstNumber(database, set);
  const toUs = range.hasTo ? range.toUs : Math.min(range.toUs, endOfDay(newestDay));
  return fromUs === undefined || fromUs >= toUs ? undefined : { fromUs, toUs };
}

/** What lies after the newest reading is not looked for. */
export const untilNewest = ({ fromUs, toUs }: Range, newestDay: number): Range => ({
  fromUs,
  toUs: Math.max(fromUs, Math.min(toUs, endOfDay(newestDay))),
});

/** Where buckets of the range begin. Rejects with `too_many_buckets`. */
export function edgesOf(steps: Steps, interval: Interval, { fromUs, toUs }: Range, most: number): number[] {
  checkBuckets(interval, toUs - fromUs, most);
  const edges: number[] = [];
  // As the database says it, where a bucket of the calendar began earlier than that.
  const least = steps.fixed === undefined ? EARLIEST_US : Number.NEGATIVE_INFINITY;
  for (let edge = steps.floor(fromUs); edge < toUs; edge = steps.next(edge)) edges.push(Math.max(edge, least));
  return edges;
}

export const newestDayOf = (its: readonly { readonly newestDay: number }[]): number =>
  its.reduce((day, it) => Math.max(day, it.newestDay), 0);
