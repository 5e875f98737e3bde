/** Buckets of a range, the first ones first, from rollups wherever they say the same as the readings. */
import type { Database, Row } from '../../database.ts';
import { DAY_US, HOUR_US, microsOf } from '../days.ts';
import { type ArchivedPart, withArchived } from './archived-buckets.ts';
import { type BucketQuery, bucketStatement } from './bucket-statement.ts';
import { readMarkedDays, type SeriesSet } from './marks.ts';
import { moment, type Range } from './moments.ts';
import { endOfMarkedDays, type Part, planOf, type Source, sourceOf } from './plan.ts';
import { isRestricted, type Restriction } from './readings.ts';
import { WINDOW_PARTITIONS, windowEnd } from './spans.ts';
import { type BucketRow, needsOf, type Statistic } from './statistics.ts';
import { type Steps, stretch } from './steps.ts';

export type BucketsAsked = Pick<BucketQuery, 'set' | 'of' | 'order' | 'limit'> & {
  readonly range: Range;
  readonly steps: Steps;
  readonly statistics: readonly Statistic[];
  readonly restriction: Restriction;
  /** Where partitions begin. */
  readonly starts: readonly number[];
  /** From when on there are rollups of minutes. */
  readonly minutesFromUs: number;
  readonly archived?: ArchivedPart | undefined;
};
export type Buckets = { readonly rows: BucketRow[]; readonly source: Source; readonly archived: boolean };

/**
 * What only the readings know: percentiles, quality, and of several devices the first and the last value, because a rollup does not say when it
 * was.
 */
export const needsReadings = ({
  statistics,
  restriction,
  of,
}: Pick<BucketsAsked, 'statistics' | 'restriction' | 'of'>): boolean =>
  isRestricted(restriction) || needsOf(statistics).percentiles.length > 0 || (of === 'all' && needsOf(statistics).ends);

export async function readBuckets(database: Database, asked: BucketsAsked): Promise<Buckets> {
  const { set, range, steps, limit, starts } = asked;
  const needs = needsOf(asked.statistics);
  const onlyReadings = needsReadings(asked);
  const rows: BucketRow[] = [];
  let source: Source = 'raw';
  let archived = false;
  if (set.devices.length === 0 || set.measurements.length === 0) return { rows, source, archived };
  const markedDays = onlyReadings ? [] : await readMarkedDays(database, set, range);
  let buckets = Math.ceil(limit / (asked.of === 'measurement' ? set.measurements.length : 1)) + 1;
  for (let edge = steps.floor(range.fromUs); edge < range.toUs && rows.length < limit; ) {
    const whole = stretch(steps, edge, buckets, range.toUs);
    const from = onlyReadings ? 'raw' : whole.source;
    const end = shortened(edge, whole.endUs, from, steps, starts, markedDays);
    const window = { fromUs: Math.max(edge, range.fromUs), toUs: Math.min(end, range.toUs) };
    const parts = planOf(from, window, markedDays, asked.minutesFromUs);
    const binning =
      'edgesUs' in whole.binning ? { edgesUs: whole.binning.edgesUs.filter(it => it < end) } : whole.binning;
    const query: BucketQuery = { ...asked, binning, needs, limit: limit - rows.length };
    const found = await readWindow(database, query, parts, asked, steps);
    rows.push(...found.rows);
    archived ||= found.archived;
    source = edge <= range.fromUs ? sourceOf(parts) : source;
    edge = end;
    buckets = Math.min(buckets * 4, 100_000);
  }
  return { rows, source, archived };
}

/** So that no statement opens too many partitions, unless one bucket alone is longer. */
function shortened(
  edge: number,
  endUs: number,
  source: Source,
  steps: Steps,
  starts: readonly number[],
  markedDays: readonly number[],
): number {
  const isPartitioned = source === 'raw' || source === '1m';
  const range = { fromUs: edge, toUs: endUs };
  const end = isPartitioned
    ? windowEnd(starts, edge, endUs, WINDOW_PARTITIONS)
    : endOfMarkedDays(markedDays, range, WINDOW_PARTITIONS);
  if (end >= endUs) return endUs;
  const whole = steps.floor(end);
  return whole > edge ? whole : Math.min(steps.next(edge), endUs);
}

async function readWindow(
  database: Database,
  query: BucketQuery,
  parts: readonly Part[],
  { archived }: BucketsAsked,
  steps: Steps,
): Promise<{ rows: BucketRow[]; archived: boolean }> {
  if (parts.length === 0) return { rows: [], archived: false };
  const read = async (): Promise<BucketRow[]> => {
    const { sql, params } = bucketStatement(query, parts);
    return database.query<BucketRow & Row>(sql, params);
  };
  return archived === undefined
    ? { rows: await read(), archived: false }
    : withArchived(database, archived, query, parts, steps, read);
}

/** Before it, none of these series has a number: since when they are in rollups, or in hours that are not yet. Undefined: none at all. */
export async function firstNumber(
  database: Database,
  { devices, measurements }: SeriesSet,
): Promise<number | undefined> {
  const [row] = await database.query<{ us: number | null }>(
    `SELECT ${microsOf('least(min(r.bucket), min(c.hour))')} AS us
     FROM unnest($1::int4[]) AS d (uid) CROSS JOIN unnest($2::int4[]) AS m (id)
     LEFT JOIN LATERAL (SELECT bucket FROM telemetry_1d WHERE device_uid = d.uid AND measurement_id = m.id ORDER BY bucket LIMIT 1) r ON true
     LEFT JOIN LATERAL (SELECT hour FROM telemetry_change WHERE device_uid = d.uid AND measurement_id = m.id ORDER BY hour LIMIT 1) c ON true`,
    [devices, measurements],
  );
  return row?.us ?? undefined;
}

/** About how many readings of numbers there are in a range: those that rollups know of. */
export async function countReadings(
  database: Database,
  { devices, measurements }: SeriesSet,
  range: Range,
): Promise<number> {
  const isLong = range.toUs - range.fromUs > 7 * DAY_US;
  const width = isLong ? DAY_US : HOUR_US;
  const [row] = await database.query<{ count: number }>(
    `SELECT coalesce(sum(count), 0)::int8 AS count FROM ${isLong ? 'telemetry_1d' : 'telemetry_1h'}
     WHERE device_uid = ANY($1::int4[]) AND measurement_id = ANY($2::int4[]) AND bucket >= $3::timestamptz AND bucket < $4::timestamptz`,
    [devices, measurements, moment(Math.floor(range.fromUs / width) * width), moment(range.toUs)],
  );
  return row!.count;
}
