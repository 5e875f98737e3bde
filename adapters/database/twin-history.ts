/** Twins as they were. */
import type { JsonObject } from '../../contracts/json.ts';
import { type LeafTimes, NO_TWIN, type TwinDocument, type TwinRecord } from '../../contracts/twins.ts';
import type { Database } from './database.ts';
import { TWIN_AS_OF_SQL } from './twin-steps.sql.ts';
import { VERSIONS_PER_WHOLE } from './twin-steps.ts';

/** Applies a merge patch of that time to a document and the times of its leaves. */
export type Fold = (
  document: JsonObject,
  times: LeafTimes,
  patch: JsonObject,
  atMs: number,
) => Pick<TwinDocument, 'document' | 'times'>;

type StepRow = {
  document: keyof TwinRecord;
  current: number;
  base: number | null;
  oldest: number | null;
  /** Null, and nothing of the rest means anything: there is no base. */
  version: number | null;
  ms: number;
  patch: JsonObject;
  /** Of the base only. */
  whole: JsonObject | null;
  times: LeafTimes | null;
};

/**
 * A twin as it was at this time. Undefined: its history does not reach back that far, because its beginning was removed or was never kept.
 * Versions follow each other whatever the clocks said; of those at or before the time it is the last one. Rejects with a DatabaseError.
 */
export async function twinAsOf(
  database: Pick<Database, 'query'>,
  deviceUid: number,
  atMs: number,
  fold: Fold,
): Promise<TwinRecord | undefined> {
  const rows = await database.query<StepRow>(TWIN_AS_OF_SQL, [deviceUid, atMs, VERSIONS_PER_WHOLE]);
  const of = (document: keyof TwinRecord) =>
    documentAsOf(
      rows.filter(row => row.document === document),
      atMs,
      fold,
    );
  const [reported, desired] = [of('reported'), of('desired')];
  return reported && desired && { reported, desired };
}

function documentAsOf(rows: readonly StepRow[], atMs: number, fold: Fold): TwinDocument | undefined {
  const [first] = rows as [StepRow];
  if (first.base === null) {
    const isBeforeFirst = first.oldest === 1 || (first.oldest === null && first.current === 0);
    return isBeforeFirst ? NO_TWIN.reported : undefined;
  }
  const steps = rows.slice(0, rows.findLastIndex(row => row.ms <= atMs) + 1);
  let now = { document: first.whole!, times: first.times! };
  for (const { patch, ms } of steps.slice(1)) now = fold(now.document, now.times, patch, ms);
  return { version: steps.at(-1)!.version!, document: now.document, times: now.times };
}
