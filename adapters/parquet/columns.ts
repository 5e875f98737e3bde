/** Columns of one row group, which are in memory whole; nothing else of the file is. */
import { type DecodedArray, type FileMetaData, parquetRead, parquetSchema, type SchemaElement } from 'hyparquet';
import { decompressors, READABLE_CODECS } from './codecs.ts';
import { checkPages } from './pages.ts';
import { damaged, decoding, ParquetError } from './parquet-error.ts';
import { PARSERS, type ParquetFile, type ReadLimits, rangeOf } from './parquet-file.ts';

/** Chunks with less than this between them are fetched together. */
const GAP_BYTES = 64 * 1024;

export type Piece = { readonly start: number; readonly bytes: Uint8Array };

/** Those columns that have one value, or none, for each row. */
export function flatColumns(metadata: FileMetaData): Map<string, SchemaElement> {
  const flat = parquetSchema(metadata).children.filter(
    it => it.children.length === 0 && it.element.repetition_type !== 'REPEATED' && it.element.type !== undefined,
  );
  return new Map(flat.map(it => [it.element.name, it.element]));
}

/** The bytes of these columns of a row group. Rejects with what the file says when it can't be read, else with a ParquetError. */
export async function fetchColumns(
  file: ParquetFile,
  metadata: FileMetaData,
  group: number,
  names: readonly string[],
  limits: ReadLimits,
): Promise<Piece[]> {
  const chunks = names.map(name => chunkOf(metadata, group, name));
  for (const { codec } of chunks)
    if (!READABLE_CODECS.has(codec ?? ''))
      throw new ParquetError(
        'unsupported',
        `The file is compressed in a way that is not read here: ${codec ?? 'unknown'}`,
      );
  const bytes = chunks.reduce(
    (sum, it) => sum + Math.max(Number(it.total_compressed_size), Number(it.total_uncompressed_size)),
    0,
  );
  if (bytes > limits.parquetReadRowGroupMaxBytes)
    throw new ParquetError(
      'too_large',
      `A row group of the file has ${bytes} bytes, more than ${limits.parquetReadRowGroupMaxBytes}: write it with smaller ones`,
    );
  const ranges: { start: number; end: number }[] = [];
  for (const range of chunks.map(rangeOf).sort((left, right) => left.start - right.start)) {
    const last = ranges.at(-1);
    if (last !== undefined && range.start <= last.end + GAP_BYTES) last.end = Math.max(last.end, range.end);
    else ranges.push(range);
  }
  return Promise.all(
    ranges.map(async ({ start, end }) => {
      const piece = new Uint8Array(await file.slice(start, end));
      if (piece.byteLength !== end - start) throw damaged('its end is missing');
      return { start, bytes: piece };
    }),
  );
}

/** The values of one of them. Moments are microseconds, JSON is text. Rejects with a ParquetError. */
export async function decodeColumn(
  pieces: readonly Piece[],
  metadata: FileMetaData,
  group: number,
  name: string,
  limits: ReadLimits,
): Promise<DecodedArray> {
  const rowGroup = metadata.row_groups[group]!;
  const rows = Number(rowGroup.num_rows);
  const what = `the column ${JSON.stringify(name)} can not be read`;
  const maxBytes = limits.parquetReadRowGroupMaxBytes;
  const decoded: DecodedArray[] = [];
  await decoding(what, () => {
    const element = flatColumns(metadata).get(name)!;
    const chunk = chunkOf(metadata, group, name);
    const { start, end } = rangeOf(chunk);
    checkPages(new Uint8Array(within(pieces, start, end)), { element, encodings: chunk.encodings }, rows, maxBytes);
    return parquetRead({
      file: { byteLength: Number.MAX_SAFE_INTEGER, slice: (start, end) => within(pieces, start, end!) },
      metadata: { ...metadata, num_rows: rowGroup.num_rows, row_groups: [rowGroup] },
      columns: [name],
      parsers: PARSERS,
      compressors: decompressors(maxBytes),
      onChunk: ({ columnData }) => void decoded.push(columnData as DecodedArray),
    });
  });
  const values = decoded.length === 1 ? decoded[0]! : decoded.flatMap(it => Array.from<unknown>(it));
  // Undefined: not in the dictionary. What is null is null.
  if (values.length !== rows || (Array.isArray(values) && values.includes(undefined))) throw damaged(what);
  return values;
}

function chunkOf(metadata: FileMetaData, group: number, name: string) {
  const chunk = metadata.row_groups[group]!.columns.find(
    it => it.meta_data?.path_in_schema.length === 1 && it.meta_data.path_in_schema[0] === name,
  );
  if (chunk?.meta_data === undefined) throw damaged(`the column ${JSON.stringify(name)} is missing in a row group`);
  return chunk.meta_data;
}

function within(pieces: readonly Piece[], start: number, end: number): ArrayBuffer {
  const piece = pieces.find(it => it.start <= start && end <= it.start + it.bytes.byteLength);
  if (piece === undefined) throw damaged('its parts are not where they should be');
  // A copy: what is decoded may point into it, and would keep all else.
  return piece.bytes.buffer.slice(start - piece.start, end - piece.start) as ArrayBuffer;
}
