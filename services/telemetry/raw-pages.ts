/** Readings page by page, from the database and from the archive. */

import { type ArchivedPart, isWanted, overlaps } from '../../adapters/database/telemetry/reading/archived-buckets.ts';
import type { Range } from '../../adapters/database/telemetry/reading/moments.ts';
import {
  type After,
  type Restriction,
  readReadings,
  type StoredReading,
  storedOf,
} from '../../adapters/database/telemetry/reading/readings.ts';
import { growingWindows } from '../../adapters/database/telemetry/reading/spans.ts';
import { archivedPart } from './archive.ts';
import type { ReadingParts } from './parts.ts';
import type { DeviceSource } from './selection.ts';

export type RawPage = { readonly rows: StoredReading[]; readonly archived: boolean };

/** At most `limit` readings after `after`, the oldest first. */
export async function readPage(
  parts: ReadingParts,
  { tenantId, deviceUid, measured }: DeviceSource,
  range: Range,
  after: After | undefined,
  limit: number,
  restriction: Restriction,
): Promise<RawPage> {
  const measurementIds = measured.map(it => it.id);
  const rest = { fromUs: Math.max(range.fromUs, after?.[0] ?? range.fromUs), toUs: range.toUs };
  if (measurementIds.length === 0 || rest.fromUs >= rest.toUs) return { rows: [], archived: false };
  const windows = growingWindows(await parts.spans.starts(), rest);
  // The database first: what is archived meanwhile is found in both, not in neither.
  const rows = await readReadings(parts.database, { deviceUid, measurementIds }, windows, after, limit, restriction);
  const archived = await archivedPart(parts, { tenantId, deviceUids: [deviceUid], measurementIds }, rest);
  if (archived === undefined) return { rows, archived: false };
  const seen = new Set(rows.map(keyOf));
  const old = (await archivedRows(archived, rest, after, limit + rows.length, restriction)).filter(
    it => !seen.has(keyOf(it)),
  );
  if (old.length === 0) return { rows, archived: false };
  return {
    rows: [...rows, ...old].sort((a, b) => a.us - b.us || a.measurement_id - b.measurement_id).slice(0, limit),
    archived: true,
  };
}

const keyOf = (it: StoredReading): string => `${it.us} ${it.measurement_id}`;

async function archivedRows(
  archived: ArchivedPart,
  rest: Range,
  after: After | undefined,
  limit: number,
  restriction: Restriction,
): Promise<StoredReading[]> {
  const rows: StoredReading[] = [];
  const [us, measurementId] = after ?? [Number.NEGATIVE_INFINITY, 0];
  for (const range of overlaps(archived.ranges, rest))
    for await (const batch of archived.read(range))
      for (const it of batch) {
        const isLater = it.us > us || (it.us === us && it.measurementId > measurementId);
        if (!isLater || !isWanted(it, { numbers: false, ...restriction })) continue;
        rows.push(storedOf(it));
        if (rows.length >= limit) return rows;
      }
  return rows;
}
