/** The readings of one series, from the database and from the archive, the oldest first, page by page. */

import type { Database } from '../../adapters/database/database.ts';
import type { Range } from '../../adapters/database/telemetry/reading/moments.ts';
import { readReadings, type StoredReading, storedOf } from '../../adapters/database/telemetry/reading/readings.ts';
import { growingWindows, type TelemetrySpans } from '../../adapters/database/telemetry/reading/spans.ts';
import type { ArchivedReadings } from '../../contracts/archive.ts';
import type { Limits } from '../../contracts/limits.ts';

export type SourceParts = {
  readonly database: Database;
  readonly spans: TelemetrySpans;
  readonly archive: ArchivedReadings;
  readonly limits: Limits;
};
export type Series = { readonly tenantId: number; readonly deviceUid: number; readonly measurementId: number };

/**
 * Each reading once, also when it is archived meanwhile: the archive is asked after the database, so what left the database in between is in
 * both answers, and never in none.
 */
export async function* readingsOf(
  parts: SourceParts,
  series: Series,
  { fromUs, toUs }: Range,
): AsyncGenerator<readonly StoredReading[]> {
  const { database, spans, limits } = parts;
  const { deviceUid, measurementId } = series;
  const source = { deviceUid, measurementIds: [measurementId] };
  const pageRows = limits.exportPageRows;
  for (const window of growingWindows(await spans.starts(), { fromUs, toUs }))
    for (let at = window.fromUs; at < window.toUs; ) {
      const rows = await readReadings(database, source, [{ fromUs: at, toUs: window.toUs }], undefined, pageRows, {});
      const end = rows.length < pageRows ? window.toUs : rows.at(-1)!.us + 1;
      yield* withArchived(parts, series, rows, { fromUs: at, toUs: end });
      at = end;
    }
}

async function* withArchived(
  { archive, limits }: SourceParts,
  { tenantId, deviceUid, measurementId }: Series,
  rows: readonly StoredReading[],
  range: Range,
): AsyncGenerator<readonly StoredReading[]> {
  const ranges = await archive.ranges(tenantId, [deviceUid], range.fromUs, range.toUs);
  let next = 0;
  for (const gone of ranges) {
    const query = { tenantId, deviceUids: [deviceUid], measurementIds: [measurementId], ...gone };
    for await (const batch of archive.read(query)) {
      const merged: StoredReading[] = [];
      for (const it of batch) {
        while (next < rows.length && rows[next]!.us < it.us) merged.push(rows[next++]!);
        if (rows[next]?.us !== it.us) merged.push(storedOf(it));
      }
      yield* pagesOf(merged, limits.exportPageRows);
    }
  }
  if (next < rows.length) yield next === 0 ? rows : rows.slice(next);
}

function* pagesOf<T>(rows: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}
