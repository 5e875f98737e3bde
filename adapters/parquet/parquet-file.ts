/** A Parquet file that can be read in parts, and what it says of itself. */
import { type FileMetaData, type ParquetParsers, parquetMetadata, parquetSchema } from 'hyparquet';
import type { Limits } from '../../contracts/limits.ts';
import { damaged, decoding, ParquetError } from './parquet-error.ts';

export type ParquetFile = {
  readonly byteLength: number;
  /** Bytes from `start` on, before `end`. What it rejects with comes out as it is. */
  slice(start: number, end: number): Promise<ArrayBuffer>;
};

export type ReadLimits = Pick<
  Limits,
  | 'parquetReadRowGroupMaxRows'
  | 'parquetReadRowGroupMaxBytes'
  | 'parquetFooterMaxBytes'
  | 'parquetReadAheadBytes'
  | 'parquetBatchRows'
>;

const MAGIC = 0x31524150;
/** The length of the footer, and the magic number behind it. */
const END_BYTES = 8;
/** With it a small file has told all at the first question. */
const FIRST_BYTES = 64 * 1024;
const DAY_US = 86_400_000_000;

/** All moments as microseconds since 1970 (UTC), which a number holds until the year 2255; JSON as its text. */
export const PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis: bigint) => Number(millis) * 1_000,
  timestampFromMicroseconds: Number,
  timestampFromNanoseconds: (nanos: bigint) => Number(nanos / 1_000n),
  dateFromDays: (days: number) => days * DAY_US,
  jsonFromBytes: (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
};

/** Rejects with a ParquetError. */
export async function readFooter(file: ParquetFile, limits: ReadLimits): Promise<FileMetaData> {
  const { byteLength } = file;
  if (byteLength < END_BYTES + 4) throw notParquet();
  const first = await file.slice(Math.max(0, byteLength - FIRST_BYTES), byteLength);
  const view = new DataView(first);
  if (first.byteLength < END_BYTES || view.getUint32(first.byteLength - 4, true) !== MAGIC)
    throw await withoutEnd(file);
  const bytes = view.getUint32(first.byteLength - END_BYTES, true) + END_BYTES;
  if (bytes > byteLength - 4) throw damaged('its footer is not where it should be');
  if (bytes > limits.parquetFooterMaxBytes)
    throw new ParquetError('too_large', `The footer of the file has more than ${limits.parquetFooterMaxBytes} bytes`);
  const footer = bytes <= first.byteLength ? first : await file.slice(byteLength - bytes, byteLength);
  const metadata = await decoding('its footer can not be read', () =>
    parquetMetadata(footer, { parsers: PARSERS, geoparquet: false }),
  );
  await decoding('its footer says what can not be', () => checkFooter(metadata, file, limits));
  return metadata;
}

async function withoutEnd(file: ParquetFile): Promise<ParquetError> {
  const start = await file.slice(0, 4);
  const isParquet = start.byteLength === 4 && new DataView(start).getUint32(0, true) === MAGIC;
  return isParquet ? damaged('its end is missing') : notParquet();
}

const notParquet = (): ParquetError => new ParquetError('not_parquet', 'The file is not a Parquet file');

function checkFooter(metadata: FileMetaData, file: ParquetFile, limits: ReadLimits): void {
  const { num_rows, row_groups } = metadata;
  if (!parquetSchema(metadata).children.every(it => typeof it.element.name === 'string')) throw impossible();
  let rows = 0;
  for (const group of row_groups) {
    const groupRows = Number(group.num_rows);
    if (!(groupRows >= 0) || !group.columns.every(it => isInside(it.meta_data, it.file_path, file))) throw impossible();
    if (groupRows > limits.parquetReadRowGroupMaxRows)
      throw new ParquetError(
        'too_large',
        `A row group of the file has ${groupRows} rows, more than ${limits.parquetReadRowGroupMaxRows}: write it with smaller ones`,
      );
    rows += groupRows;
  }
  if (rows !== Number(num_rows)) throw impossible();
}

const impossible = (): ParquetError => damaged('its footer says what can not be');

type Column = FileMetaData['row_groups'][number]['columns'][number];

function isInside(meta: Column['meta_data'], path: string | undefined, { byteLength }: ParquetFile): boolean {
  if (meta === undefined || path !== undefined || !meta.path_in_schema.every(it => typeof it === 'string'))
    return false;
  const { start, end } = rangeOf(meta);
  return start >= 4 && end >= start && end <= byteLength - END_BYTES;
}

/** Where the pages of a column chunk are. */
export function rangeOf(meta: NonNullable<Column['meta_data']>): { start: number; end: number } {
  const { dictionary_page_offset: dictionary, data_page_offset: data, total_compressed_size: bytes } = meta;
  // Some writers say 0 where there is no dictionary.
  const start = Number(dictionary !== undefined && dictionary > 0n && dictionary < data ? dictionary : data);
  return { start, end: start + Number(bytes) };
}
