/**
 * Moves rows of one day into a file. The record of the file comes first, then the file, which is read back; and in one transaction the record
 * becomes valid and the rows are removed. So whenever this ends, each row is in exactly one of both.
 */
import type { TelemetryRow } from '../../parquet/telemetry-rows.ts';
import type { Database } from '../database.ts';
import { type ArchiveFiles, RowsChecksum } from './archive-files.ts';
import { beginArchive, endArchive, type FileContent, type NewArchive, retireArchive } from './archive-records.ts';
import { HourRows } from './archive-rows.ts';
import { RemovalPostponed, removeHours } from './removal.ts';
import type { SeriesHour } from './removal-series.ts';

/** Where a test lets it end. */
export type ArchiveStep = 'recorded' | 'written' | 'checked' | 'removed' | 'committed';
export type OnStep = (step: ArchiveStep) => void | Promise<void>;

/** What is in the store is not what was written. */
export class ArchiveMismatch extends Error {
  constructor(key: string) {
    super(`The archived file ${key} does not have what was written`);
    this.name = 'ArchiveMismatch';
  }
}

/** Answers how many rows were moved. Rejects with RemovalPostponed, a BlobError or a DatabaseError: then nothing was. */
export async function archiveHours(
  { database, files }: { readonly database: Database; readonly files: ArchiveFiles },
  about: NewArchive,
  hours: readonly SeriesHour[],
  onStep: OnStep = () => {},
): Promise<number> {
  // Ordered by name, what a reader does not want is in row groups of its own.
  const ordered = hours.toSorted(byName);
  const { archiveId, key } = await beginArchive(database, about);
  await onStep('recorded');
  try {
    const rows = new HourRows(database, about.day, ordered);
    const written = await writeChecked(files, key, rows.pages(), onStep);
    const content: FileContent = { ...written, ...seriesOf(hours), firstUs: rows.firstUs, lastUs: rows.lastUs };
    const { rows: removed } = await database.transaction(async tx => {
      const { tenantId, day } = about;
      const gone = await removeHours(tx, {
        engine: database.engine,
        tenantId,
        day,
        hours,
        expected: rows.seen,
        isDropped: false,
      });
      await onStep('removed');
      if (!(await endArchive(tx, archiveId, content))) throw new RemovalPostponed('Writing the file took too long');
      return { rows: gone };
    });
    await onStep('committed');
    return removed;
  } catch (error) {
    // Not when the outcome of the commit is unknown: the record says what came of it, and whoever cleans up reads it.
    await retireArchive(database, archiveId, 'writing').catch(() => {});
    throw error;
  }
}

/** The file has what `rows` gave, in the store, not only in what we sent to it. Rejects with ArchiveMismatch. */
export async function writeChecked(
  files: ArchiveFiles,
  key: string,
  rows: AsyncIterable<TelemetryRow[]>,
  onStep: OnStep = () => {},
): Promise<Pick<FileContent, 'rows' | 'bytes' | 'checksum'>> {
  const sent = new RowsChecksum();
  const { bytes } = await files.write(key, counted(rows, sent));
  await onStep('written');
  const found = new RowsChecksum();
  for await (const batch of files.read({ key, bytes })) found.add(batch);
  const checksum = sent.finish();
  if (found.rows !== sent.rows || Buffer.compare(found.finish(), checksum) !== 0) throw new ArchiveMismatch(key);
  await onStep('checked');
  return { rows: sent.rows, bytes, checksum };
}

async function* counted(rows: AsyncIterable<TelemetryRow[]>, checksum: RowsChecksum): AsyncGenerator<TelemetryRow[]> {
  for await (const batch of rows) {
    checksum.add(batch);
    yield batch;
  }
}

const byName = (a: SeriesHour, b: SeriesHour): number =>
  compare(a.deviceId, b.deviceId) || compare(a.name, b.name) || a.hour - b.hour;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function seriesOf(hours: readonly SeriesHour[]): Pick<FileContent, 'deviceUids' | 'measurementIds'> {
  const series = [...new Map(hours.map(it => [`${it.device} ${it.measurement}`, it])).values()];
  return { deviceUids: series.map(it => it.device), measurementIds: series.map(it => it.measurement) };
}
