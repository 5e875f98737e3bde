/** What of a question's range is in the archive. */

import type { ArchivedPart } from '../../adapters/database/telemetry/reading/archived-buckets.ts';
import type { Range } from '../../adapters/database/telemetry/reading/moments.ts';
import { whileSteady } from '../../adapters/database/telemetry/reading/steady-archive.ts';
import type { ArchivedRange } from '../../contracts/archive.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ReadingParts } from './parts.ts';

type Asked = {
  readonly tenantId: number;
  readonly deviceUids: readonly number[];
  readonly measurementIds: readonly number[];
};

/** Undefined: nothing of it. */
export async function archivedPart(parts: ReadingParts, asked: Asked, range: Range): Promise<ArchivedPart | undefined> {
  return partOf(parts, asked, await archivedRanges(parts, asked, range));
}

/** What `read` makes of the database and the archive, as if nothing moved meanwhile. Rejects with `unavailable` when too much does. */
export const withArchive = <T>(
  parts: ReadingParts,
  asked: Asked,
  range: Range,
  read: (archived: ArchivedPart | undefined) => Promise<T>,
): Promise<T> =>
  whileSteady(
    () => archivedRanges(parts, asked, range),
    ranges => read(partOf(parts, asked, ranges)),
  );

async function archivedRanges(
  { archive }: ReadingParts,
  { tenantId, deviceUids, measurementIds }: Asked,
  { fromUs, toUs }: Range,
): Promise<readonly ArchivedRange[]> {
  if (archive === null || deviceUids.length === 0 || measurementIds.length === 0) return [];
  return archive.ranges(tenantId, deviceUids, fromUs, toUs);
}

function partOf(
  { archive, limits }: ReadingParts,
  asked: Asked,
  ranges: readonly ArchivedRange[],
): ArchivedPart | undefined {
  if (archive === null || ranges.length === 0) return undefined;
  return {
    ranges,
    read: ({ fromUs, toUs }) => archive.read({ ...asked, fromUs, toUs }),
    check: values => {
      if (values > limits.telemetryReadingsMax) throw tooManyReadings(values, limits.telemetryReadingsMax);
    },
  };
}

export const tooManyReadings = (count: number, most: number): SkeinError =>
  new SkeinError(
    'too_many_readings',
    `This would be computed of ${count} readings or more, and at most ${most} are read`,
  );
