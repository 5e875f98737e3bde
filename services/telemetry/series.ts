/** The series of one device: readings, buckets, or a picture of them. */
import type { After, Restriction } from '../../adapters/database/telemetry/reading/readings.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Aggregate, Fill, Series } from '../../contracts/telemetry.contract.ts';
import { type List, pageOf, pageSize, positionOf } from '../../mixins/cursors.ts';
import { checkBuckets } from '../../mixins/intervals.ts';
import { type AskedBuckets, askedBuckets, refuseWith, refuseWithout, restrictionOf } from './asked.ts';
import { boundedRange, bucketsOf, edgesOf, newestDayOf, untilNewest } from './buckets.ts';
import { filled, type Placed } from './fill.ts';
import type { ReadingParts } from './parts.ts';
import { picture } from './pictures.ts';
import { readPage } from './raw-pages.ts';
import { checkNames, type DeviceSource, type Measured } from './selection.ts';
import { type AskedRange, rangeOf } from './timestamps.ts';
import { bucketView, readingView } from './views.ts';

export type SeriesParams = {
  readonly id: string;
  readonly measurements?: string[];
  readonly from?: number;
  readonly to?: number;
  readonly limit?: number;
  readonly cursor?: string;
  readonly interval?: string;
  readonly aggregate?: Aggregate[];
  readonly timezone?: string;
  readonly fill?: Fill;
  readonly minQuality?: number;
  readonly flagged?: 'exclude' | 'only';
  readonly points?: number;
  readonly stream?: boolean;
};

/** What a question says, before anything is looked up. */
type Asked = {
  readonly range: AskedRange;
  readonly buckets: AskedBuckets | undefined;
  readonly restriction: Restriction;
  readonly size: number;
  readonly list: List;
  readonly after: After | undefined;
};

/**
 * @param find what the device measures; rejects when there is no such device
 */
export async function series(
  parts: ReadingParts,
  params: SeriesParams,
  tenantId: number,
  find: () => Promise<DeviceSource>,
): Promise<Series> {
  const asked = askedOf(parts, params, tenantId);
  const source = await find();
  const answer = await answerOf(parts, params, asked, source);
  return {
    ...answer,
    ...(source.unknown.length > 0 && { unknownMeasurements: [...source.unknown] }),
    ...(params.stream && { stream: true }),
  };
}

/** Rejects with `invalid_request`. */
function askedOf({ limits }: ReadingParts, params: SeriesParams, tenantId: number): Asked {
  const { id, measurements, interval, timezone, limit, cursor, points, stream } = params;
  checkNames(measurements, limits);
  if (interval === undefined) refuseWithout('interval', params, ['aggregate', 'timezone', 'fill']);
  if (stream) refuseWith('stream', params, ['limit', 'points', ...(params.fill === 'none' ? [] : ['fill'])]);
  if (points !== undefined) {
    refuseWith('points', params, ['interval', 'limit', 'cursor']);
    if (points < 3 || points > limits.telemetryPicturePointsMax)
      throw new SkeinError('invalid_request', `points must be between 3 and ${limits.telemetryPicturePointsMax}`);
  }
  const buckets = askedBuckets(params);
  if (buckets !== undefined && buckets.fill !== 'none') refuseWith('fill', params, ['limit', 'cursor']);
  const restriction = restrictionOf(params);
  // Without the range: `?hours=24` begins later with each page.
  const list = [
    'telemetry',
    tenantId,
    id,
    measurements,
    interval,
    timezone,
    restriction.minQuality,
    restriction.flagged,
  ];
  return {
    range: rangeOf(params.from, params.to),
    buckets,
    restriction,
    size: stream ? limits.telemetryStreamItems : pageSize(limit, limits),
    list,
    after: positionOf<After>(list, cursor, isPlace),
  };
}

/** A time, and the number of a measurement. */
const isPlace = (it: readonly unknown[]): boolean =>
  it.length === 2 &&
  Number.isSafeInteger(it[0]) &&
  Number.isSafeInteger(it[1]) &&
  (it[1] as number) >= 0 &&
  (it[1] as number) < 2 ** 31;

function answerOf(parts: ReadingParts, { points }: SeriesParams, asked: Asked, source: DeviceSource): Promise<Series> {
  if (points !== undefined) return pictures(parts, asked, source, points);
  const { buckets } = asked;
  if (buckets === undefined) return readingsPage(parts, asked, source);
  return buckets.fill === 'none'
    ? bucketsPage(parts, asked, buckets, source)
    : wholeSeries(parts, asked, buckets, buckets.fill, source);
}

const namesOf = ({ measured }: DeviceSource): ReadonlyMap<number, Measured> => new Map(measured.map(it => [it.id, it]));
const setOf = ({ deviceUid, measured }: DeviceSource) => ({
  devices: [deviceUid],
  measurements: measured.map(it => it.id),
});
type Row = { readonly us: number; readonly measurement_id: number };
const place = (row: Row): After => [row.us, row.measurement_id];

async function readingsPage(parts: ReadingParts, asked: Asked, source: DeviceSource): Promise<Series> {
  const { size, list, after, restriction } = asked;
  const range = untilNewest(asked.range, newestDayOf(source.measured));
  const { rows, archived } = await readPage(parts, source, range, after, size + 1, restriction);
  const names = namesOf(source);
  const page = pageOf(list, rows, size, row => readingView(row, names.get(row.measurement_id)!), place);
  return { ...page, source: 'raw', ...(archived && { archived }) };
}

async function bucketsPage(
  parts: ReadingParts,
  asked: Asked,
  buckets: AskedBuckets,
  source: DeviceSource,
): Promise<Series> {
  const { size, list, after, restriction } = asked;
  const set = setOf(source);
  const newest = newestDayOf(source.measured);
  const range = await boundedRange(parts, asked.range, set, newest);
  if (range === undefined) return { items: [], nextCursor: null, source: 'raw' };
  checkBuckets(buckets.interval, range.toUs - range.fromUs, parts.limits.telemetryPagedBucketsMax);
  const { fromUs, toUs } = untilNewest(range, newest);
  const rest = { fromUs: Math.max(fromUs, after?.[0] ?? fromUs), toUs };
  const found = await bucketsOf(parts, {
    ...buckets,
    tenantId: source.tenantId,
    set,
    of: 'measurement',
    restriction,
    range: rest,
    limit: size + 1,
    order: { by: 'time', after },
  });
  const view = bucketView(buckets.statistics);
  const names = namesOf(source);
  const page = pageOf(list, found.rows, size, row => view(row, names.get(row.measurement_id)!.name), place);
  return { ...page, source: found.source, ...(found.archived && { archived: true }) };
}

/** All buckets of the range, those without any reading too. */
async function wholeSeries(
  parts: ReadingParts,
  asked: Asked,
  buckets: AskedBuckets,
  fill: Exclude<Fill, 'none'>,
  source: DeviceSource,
): Promise<Series> {
  const set = setOf(source);
  const range = await boundedRange(parts, asked.range, set, newestDayOf(source.measured));
  if (range === undefined) return { items: [], nextCursor: null, source: 'raw' };
  const most = Math.floor(parts.limits.telemetryBucketsMax / Math.max(1, source.measured.length));
  const edges = edgesOf(buckets.steps, buckets.interval, range, most);
  const found = await bucketsOf(parts, {
    ...buckets,
    tenantId: source.tenantId,
    set,
    of: 'measurement',
    restriction: asked.restriction,
    range,
    limit: edges.length * source.measured.length,
    order: { by: 'time' },
  });
  const view = bucketView(buckets.statistics);
  const byMeasurement = Map.groupBy(found.rows, it => it.measurement_id);
  const all = source.measured.flatMap(({ id, name }) => {
    const placed: Placed[] = (byMeasurement.get(id) ?? []).map(row => ({ us: row.us, bucket: view(row, name) }));
    return filled(edges, placed, name, buckets.statistics, fill);
  });
  const items = all.sort((a, b) => a.us - b.us).map(it => it.bucket);
  return { items, nextCursor: null, source: found.source, ...(found.archived && { archived: true }) };
}

async function pictures(parts: ReadingParts, asked: Asked, source: DeviceSource, points: number): Promise<Series> {
  const most = Math.floor(parts.limits.telemetryBucketsMax / points);
  if (source.measured.length > most)
    throw new SkeinError('too_large', `With so many points at most ${most} measurements; name those that you need`);
  const answer: Series = { items: [], nextCursor: null, source: 'raw', downsampled: [] };
  // One after the other: the candidates of one measurement are in memory at once.
  for (const measured of source.measured) {
    const one = await picture(parts, source, measured, asked.range, asked.restriction, points);
    answer.items.push(...one.items);
    answer.downsampled!.push(one.downsampled);
    if (one.source !== 'raw') answer.source = one.source;
    if (one.archived) answer.archived = true;
  }
  return answer;
}
