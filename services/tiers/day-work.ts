/** What is done with a tenant's day: files that are too old go, then rows that are to be dropped, rows become files. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { ArchiveFiles } from '../../adapters/database/telemetry/archive-files.ts';
import { expiredArchives, retireArchive } from '../../adapters/database/telemetry/archive-records.ts';
import { removeRepeated } from '../../adapters/database/telemetry/archive-repeats.ts';
import { archiveHours, type OnStep } from '../../adapters/database/telemetry/archive-writing.ts';
import { RemovalPostponed, removeHours } from '../../adapters/database/telemetry/removal.ts';
import { waitForHolds } from '../../adapters/database/telemetry/removal-locks.ts';
import { forgetMarks } from '../../adapters/database/telemetry/removal-marks.ts';
import { defaultsOf, ruleOf } from '../../adapters/database/telemetry/removal-rules.ts';
import {
  dueHours,
  duePolicies,
  type RowRemoval,
  type Series,
  type SeriesHour,
  type TenantDay,
} from '../../adapters/database/telemetry/removal-series.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { SweepResult } from '../../contracts/tiers.contract.ts';

export type DayParts = {
  readonly database: Database;
  readonly files: ArchiveFiles;
  readonly limits: Limits;
  /** False while the store can't be reached: the rest is done all the same. */
  readonly mayArchive: boolean;
  /** Called before each piece; rejects when the day is no longer ours, or the process stops. */
  readonly goOn: () => Promise<void>;
  readonly onPostponed: (why: RemovalPostponed) => void;
  readonly onStep?: OnStep;
};

export async function workOnDay(parts: DayParts, day: TenantDay, result: SweepResult): Promise<void> {
  result.archivesRemoved += await removeArchives(parts, day);
  for (const policy of await duePolicies(parts.database, parts.limits, day, 'drop'))
    result.dropped += await removeRows(parts, { ...day, policy }, 'drop');
  if (parts.mayArchive)
    for (const policy of await duePolicies(parts.database, parts.limits, day, 'archive'))
      result.archived += await removeRows(parts, { ...day, policy }, 'archive');
  await forgetMarks(parts.database, day.day);
}

type PolicyDay = TenantDay & { readonly policy: string | null };

/** In pieces, each in a transaction. One that is postponed ends it: the day is looked at again. */
async function removeRows(parts: DayParts, about: PolicyDay, removal: RowRemoval): Promise<number> {
  const { database, limits, goOn } = parts;
  let from: Series = { device: 0, measurement: 0 };
  // Rollups of TimescaleDB take nothing from us, so there what is late stays rows until it is dropped.
  const isLateKept = removal === 'archive' && database.engine === 'timescale';
  const next: FindHours = async db => {
    const asked = { ...about, removal, from, seriesMax: limits.archiveFileMaxSeries, isLateKept };
    return pieceOf(await dueHours(db, limits, asked), limits.archiveFileMaxRows);
  };
  for (let removed = 0; ; ) {
    await goOn();
    try {
      const { hours, rows } = await (removal === 'archive' ? archive : drop)(parts, about, next);
      const last = hours.at(-1);
      if (last === undefined) return removed;
      from = last;
      removed += rows;
    } catch (error) {
      if (!(error instanceof RemovalPostponed)) throw error;
      parts.onPostponed(error);
      return removed;
    }
  }
}

type FindHours = (db: Pick<Transaction, 'query'>) => Promise<SeriesHour[]>;
type Piece = { readonly hours: readonly SeriesHour[]; readonly rows: number };

async function archive(parts: DayParts, about: PolicyDay, next: FindHours): Promise<Piece> {
  const hours = await next(parts.database);
  if (hours.length === 0) return { hours, rows: 0 };
  const repeated = await removeRepeated(parts, about, hours);
  // Of what is left other hours may have rows: they are read anew.
  return { hours, rows: repeated > 0 ? 0 : await archiveHours(parts, about, hours, parts.onStep) };
}

/** What can't be undone is decided in the transaction that does it: a policy that was changed a moment ago counts. */
const drop = ({ database }: DayParts, { tenantId, day }: PolicyDay, next: FindHours): Promise<Piece> =>
  database.transaction(async tx => {
    await waitForHolds(tx, tenantId);
    const hours = await next(tx);
    if (hours.length === 0) return { hours, rows: 0 };
    return { hours, rows: await removeHours(tx, { engine: database.engine, tenantId, day, hours, isDropped: true }) };
  });

/** The first hours that together have no more rows than this; at least one. */
export function pieceOf(hours: readonly SeriesHour[], maxRows: number): SeriesHour[] {
  let rows = 0;
  const end = hours.findIndex((it, at) => {
    rows += it.rows;
    return at > 0 && rows > maxRows;
  });
  return hours.slice(0, end < 0 ? hours.length : end);
}

/** Whoever reads one of them meanwhile finds that it is gone, and reads without it. */
async function removeArchives({ database, limits, goOn }: DayParts, day: TenantDay): Promise<number> {
  await goOn();
  return database.transaction(async tx => {
    await waitForHolds(tx, day.tenantId);
    const expired = await expiredArchives(tx, ruleOf('$4', '$5', '$6'), defaultsOf(limits), day);
    for (const { archive_id } of expired) await retireArchive(tx, archive_id, 'valid');
    return expired.length;
  });
}
