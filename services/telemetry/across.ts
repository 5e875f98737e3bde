/** One measurement of many devices: together, or the devices by it. */
import { type BucketRow, needsOf, statisticOf } from '../../adapters/database/telemetry/reading/statistics.ts';
import { oneBucket } from '../../adapters/database/telemetry/reading/steps.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Aggregate, Aggregated, Bucket, Fill, TopDevices } from '../../contracts/telemetry.contract.ts';
import { checkBuckets } from '../../mixins/intervals.ts';
import { askedBuckets, refuseWithout, restrictionOf } from './asked.ts';
import { type BucketsOf, boundedRange, bucketsOf, edgesOf, newestDayOf, untilNewest } from './buckets.ts';
import { filled, type Placed } from './fill.ts';
import type { ReadingParts } from './parts.ts';
import { type Choice, type ManySource, sourceOfMany } from './selection.ts';
import { rangeOf } from './timestamps.ts';
import { bucketView } from './views.ts';

type Restricting = { readonly minQuality?: number; readonly flagged?: 'exclude' | 'only' };
type Ranging = { readonly from?: number; readonly to?: number };
export type AggregateParams = Restricting &
  Ranging & {
    readonly measurement: string;
    readonly interval?: string;
    readonly aggregate?: Aggregate[];
    readonly timezone?: string;
    readonly fill?: Fill;
  };

const setOf = ({ devices, measurementId }: ManySource) => ({
  devices: devices.map(it => it.uid),
  measurements: [measurementId],
});
const unknown = (measurement: string) => ({ source: 'raw' as const, unknownMeasurements: [measurement] });

/** Rejects with `invalid_request`, `too_large`, `too_many_buckets` and `too_many_readings`. */
export async function aggregate(parts: ReadingParts, params: AggregateParams, choice: Choice): Promise<Aggregated> {
  const { measurement, interval } = params;
  const asked = rangeOf(params.from, params.to);
  if (interval === undefined) refuseWithout('interval', params, ['timezone', 'fill']);
  const buckets = askedBuckets({ ...params, interval: interval ?? '1d' })!;
  const source = await sourceOfMany(parts.database, choice, measurement, parts.limits);
  const head = { measurement, unit: source?.unit ?? null, deviceCount: source?.devices.length ?? 0 };
  if (source === undefined) return { ...head, items: [], ...unknown(measurement) };
  const newest = newestDayOf(source.devices);
  const set = setOf(source);
  const range = await boundedRange(parts, asked, set, newest);
  if (range === undefined) return { ...head, items: [], source: 'raw' };
  const most = parts.limits.telemetryBucketsMax;
  if (interval !== undefined) checkBuckets(buckets.interval, range.toUs - range.fromUs, most);
  const steps = interval === undefined ? oneBucket(range.fromUs) : buckets.steps;
  const { statistics, fill } = buckets;
  const of: BucketsOf = {
    tenantId: choice.tenantId,
    set,
    of: 'all',
    steps,
    statistics,
    restriction: restrictionOf(params),
    range: untilNewest(range, newest),
    limit: most + 1,
    order: { by: 'time' },
  };
  const found = await bucketsOf(parts, of);
  const view = bucketView(statistics);
  const placed: Placed[] = found.rows.map(row => ({ us: row.us, bucket: view(row, measurement) }));
  const all =
    fill === 'none'
      ? placed
      : filled(edgesOf(steps, buckets.interval, range, most), placed, measurement, statistics, fill);
  const items: Bucket[] = all.map(it => it.bucket);
  return { ...head, items, source: found.source, ...(found.archived && { archived: true }) };
}

export type TopParams = Restricting &
  Ranging & {
    readonly measurement: string;
    readonly aggregate?: Aggregate;
    readonly n?: number;
    readonly order?: 'asc' | 'desc';
  };
const USUAL_N = 10;

/** Rejects as `aggregate`. */
export async function top(parts: ReadingParts, params: TopParams, choice: Choice): Promise<TopDevices> {
  const { measurement, aggregate: by = 'avg', n = USUAL_N, order = 'desc' } = params;
  const { listMaxItems } = parts.limits;
  if (n < 1 || n > listMaxItems) throw new SkeinError('invalid_request', `n must be between 1 and ${listMaxItems}`);
  const asked = rangeOf(params.from, params.to);
  const source = await sourceOfMany(parts.database, choice, measurement, parts.limits);
  const head = { measurement, unit: source?.unit ?? null, aggregate: by };
  if (source === undefined) return { ...head, items: [], ...unknown(measurement) };
  const newest = newestDayOf(source.devices);
  const bounded = await boundedRange(parts, asked, setOf(source), newest);
  if (bounded === undefined) return { ...head, items: [], source: 'raw' };
  const range = untilNewest(bounded, newest);
  const read = (limit: number) =>
    bucketsOf(parts, {
      tenantId: choice.tenantId,
      set: setOf(source),
      of: 'device',
      steps: oneBucket(range.fromUs),
      statistics: [by],
      restriction: restrictionOf(params),
      range,
      limit,
      order: { by, descending: order === 'desc' },
    });
  // What the archive adds may change the order, so it is added to all of them.
  const first = await read(n);
  const found = first.archived ? await read(source.devices.length) : first;
  const needs = needsOf([by]);
  const ids = new Map(source.devices.map(it => [it.uid, it.id]));
  const rows = first.archived ? sorted(found.rows, by, order).slice(0, n) : found.rows;
  const items = rows.map(row => ({
    deviceId: ids.get(row.device)!,
    value: statisticOf(row, by, needs),
    count: row.count,
  }));
  return { ...head, items, source: found.source, ...(found.archived && { archived: true }) };
}

function sorted(rows: readonly BucketRow[], by: Aggregate, order: 'asc' | 'desc'): BucketRow[] {
  const needs = needsOf([by]);
  const value = (row: BucketRow): number => statisticOf(row, by, needs)!;
  return rows.toSorted((a, b) => (order === 'asc' ? value(a) - value(b) : value(b) - value(a)) || a.device - b.device);
}
