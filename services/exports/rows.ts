/** The rows of an export, series by series, in pages: readings or buckets. */

import type { Range } from '../../adapters/database/telemetry/reading/moments.ts';
import type { StoredReading } from '../../adapters/database/telemetry/reading/readings.ts';
import { endOfDay } from '../../adapters/database/telemetry/reading/spans.ts';
import { type BucketRow, needsOf, statisticOf } from '../../adapters/database/telemetry/reading/statistics.ts';
import { bucketsOf } from './buckets.ts';
import { readingsOf, type SourceParts } from './readings.ts';
import { type Choice, type ExportSeries, type Place, seriesFrom } from './series.ts';

/** Of one series. `values` are those of the columns that readings, or buckets, have; as columns.ts names them. */
export type ExportRow = { readonly us: number; readonly values: readonly unknown[] };
export type Page = {
  readonly series: ExportSeries;
  /** None when the series is at its end. */
  readonly rows: readonly ExportRow[];
  readonly place: Place;
  /** Of the time of the series. */
  readonly share: number;
};

/** Everything after `place`. With each page comes the place behind it, from which another node can go on. */
export async function* pagesFrom(
  parts: SourceParts,
  choice: Choice,
  range: Range,
  place: Place | null,
): AsyncGenerator<Page> {
  for await (const series of seriesFrom(parts.database, choice, place, parts.limits.exportPageSeries)) {
    const { deviceUid: device, measurementId: measurement } = series;
    const isGoingOn = place !== null && place.device === device && place.measurement === measurement;
    const after = isGoingOn ? place.us : null;
    const until = { fromUs: range.fromUs, toUs: Math.min(range.toUs, endOfDay(series.newestDay)) };
    if (until.fromUs < until.toUs)
      for await (const rows of rowsOf(parts, choice, series, until, after)) {
        const { us } = rows.at(-1)!;
        const share = (us - range.fromUs) / (range.toUs - range.fromUs);
        yield { series, rows, place: { device, measurement, us }, share: Math.min(1, Math.max(0, share)) };
      }
    yield { series, rows: [], place: { device, measurement, us: null }, share: 1 };
  }
}

async function* rowsOf(
  parts: SourceParts,
  { tenantId, request }: Choice,
  series: ExportSeries,
  range: Range,
  after: number | null,
): AsyncGenerator<readonly ExportRow[]> {
  const of = { tenantId, deviceUid: series.deviceUid, measurementId: series.measurementId };
  if (request.interval === undefined) {
    const rest = { fromUs: after === null ? range.fromUs : after + 1, toUs: range.toUs };
    for await (const rows of readingsOf(parts, of, rest)) yield rows.map(readingRow);
    return;
  }
  const { aggregate = [] } = request;
  const needs = needsOf(aggregate);
  const bucketRow = (row: BucketRow): ExportRow => ({
    us: row.us,
    values: aggregate.map(it => statisticOf(row, it, needs)),
  });
  for await (const rows of bucketsOf(parts, of, range, after, request)) yield rows.map(bucketRow);
}

/** Qualities are stored as whole numbers. */
const QUALITY_STEPS = 10_000;

/** Booleans and whatever is no number are stored as JSON too, and that is what they are. */
const readingRow = ({ us, value, value_json, quality, flags }: StoredReading): ExportRow => ({
  us,
  values: [value_json ?? value, quality === null ? null : quality / QUALITY_STEPS, flags],
});
