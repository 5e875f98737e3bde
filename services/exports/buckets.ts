/** The buckets of one series, the oldest first, page by page: rollups wherever they say the same as the readings. */

import type { ArchivedPart } from '../../adapters/database/telemetry/reading/archived-buckets.ts';
import { readBuckets } from '../../adapters/database/telemetry/reading/buckets.ts';
import type { Range } from '../../adapters/database/telemetry/reading/moments.ts';
import { type BucketRow, needsOf } from '../../adapters/database/telemetry/reading/statistics.ts';
import { whileSteady } from '../../adapters/database/telemetry/reading/steady-archive.ts';
import type { ArchivedRange } from '../../contracts/archive.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ExportRequest } from '../../contracts/exports.contract.ts';
import { intervalOf, stepsOf } from '../../mixins/intervals.ts';
import type { Series, SourceParts } from './readings.ts';

const PERCENTILE_BUCKETS = 200;

/** @param after the bucket that is in the file already */
export async function* bucketsOf(
  parts: SourceParts,
  series: Series,
  range: Range,
  after: number | null,
  { interval, aggregate, timezone }: ExportRequest,
): AsyncGenerator<readonly BucketRow[]> {
  const { database, spans, limits } = parts;
  const { deviceUid, measurementId } = series;
  const set = { devices: [deviceUid], measurements: [measurementId] };
  const steps = stepsOf(intervalOf(interval!), timezone);
  // Percentiles are computed of all readings of a page.
  const limit =
    needsOf(aggregate!).percentiles.length > 0
      ? Math.min(PERCENTILE_BUCKETS, limits.exportPageRows)
      : limits.exportPageRows;
  let fromUs = Math.max(range.fromUs, after ?? range.fromUs);
  for (let last = after; ; ) {
    const rest = { fromUs, toUs: range.toUs };
    const asked = {
      set,
      of: 'measurement' as const,
      order: { by: 'time' as const, after: last === null ? undefined : ([last, measurementId] as const) },
      limit,
      range: rest,
      steps,
      statistics: aggregate!,
      restriction: {},
      starts: await spans.starts(),
      minutesFromUs: await spans.minutesFromUs(),
    };
    const { rows } = await whileSteady(
      () => parts.archive.ranges(series.tenantId, [deviceUid], rest.fromUs, rest.toUs),
      ranges => readBuckets(database, { ...asked, archived: archivedPart(parts, series, ranges) }),
    );
    if (rows.length > 0) yield rows;
    if (rows.length < limit) return;
    last = rows.at(-1)!.us;
    fromUs = Math.max(fromUs, last);
  }
}

function archivedPart(
  { archive, limits }: SourceParts,
  { tenantId, deviceUid, measurementId }: Series,
  ranges: readonly ArchivedRange[],
): ArchivedPart | undefined {
  if (ranges.length === 0) return undefined;
  const most = limits.telemetryReadingsMax;
  return {
    ranges,
    read: ({ fromUs, toUs }) =>
      archive.read({ tenantId, deviceUids: [deviceUid], measurementIds: [measurementId], fromUs, toUs }),
    check: values => {
      if (values > most)
        throw new SkeinError(
          'too_many_readings',
          `Its buckets would be computed of more than ${most} readings of the archive at once`,
        );
    },
  };
}
