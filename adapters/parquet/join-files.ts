/**
 * Parquet files with the same columns become one without being read: the row groups of all of them, one behind the other, and a footer that says
 * where each is now.
 */
import { type FileMetaData, parquetMetadata, type RowGroup } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import type { Limits } from '../../contracts/limits.ts';
import { ParquetError } from './parquet-error.ts';
import type { ParquetFile } from './parquet-file.ts';

/** How a file begins. */
export const MAGIC_BYTES = 4;
/** The length of the footer, and the magic number behind it. */
const END_BYTES = 8;
const MAGIC = 0x31524150;

/** Where the footer of a file begins: what is before it are its row groups. */
export async function footerStart(file: ParquetFile): Promise<number> {
  const end = new DataView(await file.slice(file.byteLength - END_BYTES, file.byteLength));
  return file.byteLength - END_BYTES - end.getUint32(0, true);
}

/** A file, and where its first byte would be in the joined one: its row groups are as much behind that as behind its own beginning. */
export type JoinedFile = { readonly file: ParquetFile; readonly position: number };

/** The end of the joined file: its footer and what comes behind. Throws `too_large` when it would say more than a reader takes. */
export async function joinedEnd(
  files: AsyncIterable<JoinedFile>,
  { parquetFooterMaxBytes }: Pick<Limits, 'parquetFooterMaxBytes'>,
): Promise<Uint8Array> {
  let first: FileMetaData | undefined;
  const rowGroups: RowGroup[] = [];
  let footerBytes = 0;
  for await (const { file, position } of files) {
    const start = await footerStart(file);
    footerBytes += file.byteLength - start;
    if (footerBytes > parquetFooterMaxBytes)
      throw new ParquetError('too_large', 'One Parquet file can not have so many datapoints: write several');
    const metadata = parquetMetadata(await file.slice(start, file.byteLength), {
      parsers: { timestampFromMicroseconds: (micros: bigint) => micros },
      geoparquet: false,
    });
    first ??= metadata;
    rowGroups.push(...metadata.row_groups.map(it => moved(it, BigInt(position))));
  }
  if (first === undefined) throw new ParquetError('not_parquet', 'There is no file to join');
  const writer = new ByteWriter();
  const num_rows = rowGroups.reduce((sum, it) => sum + it.num_rows, 0n);
  const { version, created_by, schema } = first;
  writeMetadata(
    writer,
    { version, created_by, schema, num_rows, row_groups: rowGroups } as FileMetaData,
    Number.POSITIVE_INFINITY,
  );
  writer.appendUint32(MAGIC);
  return writer.getBytes().slice();
}

function moved(group: RowGroup, by: bigint): RowGroup {
  const columns = group.columns.map(column => ({
    ...column,
    file_offset: column.file_offset + by,
    meta_data: column.meta_data && {
      ...column.meta_data,
      data_page_offset: column.meta_data.data_page_offset + by,
      ...(column.meta_data.dictionary_page_offset !== undefined && {
        dictionary_page_offset: column.meta_data.dictionary_page_offset + by,
      }),
    },
  }));
  return { ...group, columns, ...(group.file_offset !== undefined && { file_offset: group.file_offset + by }) };
}
