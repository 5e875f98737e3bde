/** Telemetry out of a Parquet file that `writeTelemetryParquet` has made: only what may be wanted is read, one row group at a time. */
import type { DecodedArray, FileMetaData, RowGroup } from 'hyparquet';
import { decodeColumn, fetchColumns, flatColumns } from './columns.ts';
import { ParquetError } from './parquet-error.ts';
import { type ParquetFile, type ReadLimits, readFooter } from './parquet-file.ts';
import { COLUMNS, KEYS, type TelemetryRow, VALUES } from './telemetry-rows.ts';

/** What must be true of a row; what is absent is of no interest. */
export type TelemetryFilter = {
  readonly device?: string;
  readonly devices?: ReadonlySet<string>;
  readonly measurements?: ReadonlySet<string>;
  /** From here on, and before there: microseconds since 1970. */
  readonly fromUs?: number;
  readonly toUs?: number;
};

/**
 * Batches of rows, in the order of the file. A row group whose statistics say that nothing of it fits is not read at all; of one where no row
 * fits, only the columns that say so. Rejects with a ParquetError, or with what the file says when it can't be read.
 */
export async function* readTelemetryParquet(
  file: ParquetFile,
  filter: TelemetryFilter,
  limits: ReadLimits,
): AsyncGenerator<TelemetryRow[]> {
  const metadata = await readFooter(file, limits);
  checkColumns(metadata);
  const ahead = readingAhead(file, limits.parquetReadAheadBytes);
  for (const [group, rowGroup] of metadata.row_groups.entries()) {
    if (!mayFit(rowGroup, filter)) continue;
    const [devices, measurements, times] = (await read(ahead, metadata, group, KEYS, limits)) as [
      string[],
      string[],
      number[],
    ];
    const fitting: number[] = [];
    for (let row = 0; row < times.length; row++)
      if (fits(devices[row]!, measurements[row]!, times[row]!, filter)) fitting.push(row);
    if (fitting.length === 0) continue;
    const [values, texts, qualities, flags] = await read(ahead, metadata, group, VALUES, limits);
    for (let at = 0; at < fitting.length; at += limits.parquetBatchRows)
      yield fitting.slice(at, at + limits.parquetBatchRows).map(row => ({
        device: devices[row]!,
        measurement: measurements[row]!,
        tsUs: times[row]!,
        value: values![row] ?? null,
        text: texts![row] ?? null,
        quality: qualities![row] ?? null,
        flags: flags![row] ?? null,
      }));
  }
}

function checkColumns(metadata: FileMetaData): void {
  const found = flatColumns(metadata);
  for (const { name, type } of COLUMNS)
    if (found.get(name)?.type !== type)
      throw new ParquetError('wrong_columns', `The file has no column ${name}, or one of another type`);
}

/** What was fetched last is kept, and somewhat more is fetched than was wanted. */
function readingAhead(file: ParquetFile, aheadBytes: number): ParquetFile {
  let from = 0;
  let kept = new ArrayBuffer(0);
  return {
    byteLength: file.byteLength,
    async slice(start, end) {
      if (start < from || end > from + kept.byteLength) {
        kept = await file.slice(start, Math.min(Math.max(end, start + aheadBytes), file.byteLength));
        from = start;
      }
      return kept.slice(start - from, end - from);
    },
  };
}

async function read(
  file: ParquetFile,
  metadata: FileMetaData,
  group: number,
  names: readonly string[],
  limits: ReadLimits,
): Promise<DecodedArray[]> {
  const pieces = await fetchColumns(file, metadata, group, names, limits);
  const columns: DecodedArray[] = [];
  for (const name of names) columns.push(await decodeColumn(pieces, metadata, group, name, limits));
  return columns;
}

function fits(device: string, measurement: string, tsUs: number, filter: TelemetryFilter): boolean {
  return (
    tsUs >= (filter.fromUs ?? Number.NEGATIVE_INFINITY) &&
    tsUs < (filter.toUs ?? Number.POSITIVE_INFINITY) &&
    (filter.device === undefined || filter.device === device) &&
    (filter.devices === undefined || filter.devices.has(device)) &&
    (filter.measurements === undefined || filter.measurements.has(measurement))
  );
}

function mayFit(group: RowGroup, { device, devices, measurements, fromUs, toUs }: TelemetryFilter): boolean {
  const times = boundsOf(group, 'timestamp');
  if (times !== undefined) {
    if (fromUs !== undefined && Number(times.max) < fromUs) return false;
    if (toUs !== undefined && Number(times.min) >= toUs) return false;
  }
  if (device !== undefined && !someWithin(group, 'device', [device])) return false;
  if (devices !== undefined && !someWithin(group, 'device', devices)) return false;
  return measurements === undefined || someWithin(group, 'measurement', measurements);
}

function someWithin(group: RowGroup, column: string, names: Iterable<string>): boolean {
  const bounds = boundsOf(group, column);
  if (typeof bounds?.min !== 'string' || typeof bounds.max !== 'string') return true;
  const [min, max] = [Buffer.from(bounds.min), Buffer.from(bounds.max)];
  for (const name of names) {
    const bytes = Buffer.from(name);
    // By bytes, as the file has it: JavaScript has another order for some characters.
    if (Buffer.compare(bytes, min) >= 0 && Buffer.compare(bytes, max) <= 0) return true;
  }
  return false;
}

function boundsOf(group: RowGroup, column: string): { min: unknown; max: unknown } | undefined {
  const { statistics } = group.columns.find(it => it.meta_data?.path_in_schema[0] === column)?.meta_data ?? {};
  const { min_value: min, max_value: max } = statistics ?? {};
  return min === undefined || max === undefined ? undefined : { min, max };
}
