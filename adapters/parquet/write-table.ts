/** Rows of any columns into a Parquet file, row group by row group: one of them is in memory, and what is said of the ones before. */
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { OUR_CODEC, zstdCompress } from './codecs.ts';
import type { WriteLimits } from './write-telemetry.ts';

/** `name`: a text that repeats. `moment`: microseconds since 1970 (UTC). All but these two, and texts that are said to be, may be null. */
export type TableColumn = { readonly name: string; readonly kind: 'name' | 'moment' | 'text' | 'number' | 'integer' };
/** In the order of the columns. */
export type TableRow = readonly (string | number | null)[];

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;
const TYPES = {
  name: { ...TEXT, repetition_type: 'OPTIONAL' },
  text: { ...TEXT, repetition_type: 'OPTIONAL' },
  moment: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
    repetition_type: 'REQUIRED',
  },
  number: { type: 'DOUBLE', repetition_type: 'OPTIONAL' },
  integer: { type: 'INT32', repetition_type: 'OPTIONAL' },
} as const satisfies Record<TableColumn['kind'], Omit<SchemaElement, 'name'>>;

export const schemaOf = (columns: readonly TableColumn[]): SchemaElement[] => [
  { name: 'telemetry', num_children: columns.length },
  ...columns.map(({ name, kind }): SchemaElement => ({ name, ...TYPES[kind] })),
];

export async function* writeTable(
  columns: readonly TableColumn[],
  rows: AsyncIterable<readonly TableRow[]>,
  limits: Pick<WriteLimits, 'parquetRowGroupRows' | 'parquetRowGroupTextMaxBytes'>,
): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(columns),
    codec: OUR_CODEC,
    compressors: { [OUR_CODEC]: zstdCompress },
    statisticsTruncateLength: Number.POSITIVE_INFINITY,
    createdBy: 'skein',
  });
  const texts = columns.flatMap(({ kind }, at) => (kind === 'text' ? [at] : []));
  let group: TableRow[] = [];
  let textBytes = 0;
  for await (const batch of rows)
    for (const row of batch) {
      group.push(row);
      for (const at of texts) textBytes += (row[at] as string | null)?.length ?? 0;
      if (group.length < limits.parquetRowGroupRows && textBytes < limits.parquetRowGroupTextMaxBytes) continue;
      yield write(writer, bytes, columns, group);
      group = [];
      textBytes = 0;
    }
  if (group.length > 0) yield write(writer, bytes, columns, group);
  writer.finish();
  yield taken(bytes);
}

function write(
  writer: ParquetWriter,
  bytes: ByteWriter,
  columns: readonly TableColumn[],
  group: readonly TableRow[],
): Uint8Array {
  const columnData = columns.map(({ name, kind }, at): ColumnSource => {
    const data = group.map(row => (kind === 'moment' ? BigInt(row[at] as number) : row[at]!));
    return { name, data, ...HOW[kind], offsetIndex: false };
  });
  writer.write({ columnData, rowGroupSize: group.length });
  return taken(bytes);
}

const HOW: Readonly<Record<TableColumn['kind'], Pick<ColumnSource, 'encoding' | 'statistics'>>> = {
  name: { encoding: 'RLE_DICTIONARY' },
  moment: { encoding: 'DELTA_BINARY_PACKED' },
  text: { statistics: false },
  number: {},
  integer: { statistics: false },
};

/** What was written since it was taken last; positions in the file go on. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice();
  writer.index = 0;
  return bytes;
}
