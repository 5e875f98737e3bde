/** Telemetry into a Parquet file, row group by row group: one of them is in memory, and what is said of the ones before. */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Limits } from '../../contracts/limits.ts';
import { OUR_CODEC, zstdCompress } from './codecs.ts';
import { ParquetError } from './parquet-error.ts';
import { RowGroup } from './row-group.ts';
import { SCHEMA, type TelemetryRow } from './telemetry-rows.ts';

export type WriteLimits = Pick<
  Limits,
  'parquetRowGroupRows' | 'parquetRowGroupTextMaxBytes' | 'parquetFooterMaxBytes' | 'parquetReadRowGroupMaxBytes'
>;

/** What the footer says of a row group of telemetry with the longest names: beyond it the reader would refuse the file. */
const FOOTER_BYTES_OF_GROUP = 2 * 1024;

/**
 * Rows that are ordered by device, measurement and time become the smallest file, and are found again without reading all of it. Throws
 * `bad_row` for a row with something that can't be written, and `too_large` for more rows than a file may have.
 */
export async function* writeTelemetryParquet(
  rows: AsyncIterable<readonly TelemetryRow[]>,
  limits: WriteLimits,
): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: SCHEMA,
    codec: OUR_CODEC,
    compressors: { [OUR_CODEC]: zstdCompress },
    statisticsTruncateLength: Number.POSITIVE_INFINITY,
    createdBy: 'skein',
  });
  let group = new RowGroup();
  for await (const batch of rows)
    for (const row of batch) {
      group.add(row);
      if (group.rows < limits.parquetRowGroupRows && group.textBytes < limits.parquetRowGroupTextMaxBytes) continue;
      yield write(writer, bytes, group, limits);
      group = new RowGroup();
    }
  if (group.rows > 0) yield write(writer, bytes, group, limits);
  writer.finish();
  yield taken(bytes);
}

function write(writer: ParquetWriter, bytes: ByteWriter, group: RowGroup, limits: WriteLimits): Uint8Array {
  if ((writer.row_groups.length + 1) * FOOTER_BYTES_OF_GROUP > limits.parquetFooterMaxBytes)
    throw new ParquetError('too_large', 'One Parquet file can not have so many datapoints: write several');
  writer.write({ columnData: group.columns(), rowGroupSize: group.rows });
  return taken(bytes);
}

/** What was written since it was taken last; positions in the file go on. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice();
  writer.index = 0;
  return bytes;
}
