/** Files of other tools: whatever their columns are called and typed, and whatever somebody puts into them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, parquetWrite } from 'hyparquet-writer';
import type { Mapping } from '../../../adapters/parquet/any-columns.ts';
import type { ParquetFile } from '../../../adapters/parquet/parquet-file.ts';
import { type AnyRow, readAnyParquet } from '../../../adapters/parquet/read-any.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import { fileOf, kind, row, written } from './files.ts';

const MOMENT_US = 1_780_000_000_123_456;
const MOMENT_MS = 1_780_000_000_123;
type Options = Partial<Parameters<typeof parquetWrite>[0]>;

function parquet(columnData: ColumnSource[], options: Options = {}): Uint8Array {
  const writer = new ByteWriter();
  parquetWrite({ writer, columnData, ...options });
  return new Uint8Array(writer.getBytes());
}

async function rowsOf(
  file: Uint8Array | ParquetFile,
  mapping: Mapping = {},
  limits: Partial<Limits> = {},
): Promise<AnyRow[]> {
  const source = file instanceof Uint8Array ? fileOf(file) : file;
  return (await Array.fromAsync(readAnyParquet(source, mapping, { ...LIMITS, ...limits }))).flat();
}

const time = (name: string): ColumnSource => ({ name, data: [new Date(MOMENT_MS)], type: 'TIMESTAMP' });
const value: ColumnSource = { name: 'value', data: [21.5], type: 'DOUBLE' };

test('columns are found by the names that people give them', async () => {
  for (const [device, measurement, ts, reading] of [
    ['device', 'measurement', 'timestamp', 'value'],
    ['deviceId', 'name', 'ts', 'val'],
    ['Device_ID', 'Sensor Name', 'Event-Time', 'READING'],
    ['asset_id', 'metric', 'date', 'v'],
  ] as const) {
    const file = parquet([
      { name: reading, data: [21.5], type: 'DOUBLE' },
      { name: 'another', data: ['x'], type: 'STRING' },
      { name: device, data: ['press-4'], type: 'STRING' },
      time(ts),
      { name: measurement, data: ['temperature'], type: 'STRING' },
    ]);
    const found = { device: 'press-4', measurement: 'temperature', timestamp: MOMENT_MS * 1_000, value: 21.5 };
    assert.deepEqual(await rowsOf(file), [{ row: 1, ...found, text: null, quality: null }]);
  }
});

test('or as one says; and a device or a measurement may be missing', async () => {
  const file = parquet([
    time('when'),
    { name: 'a', data: [1], type: 'DOUBLE' },
    { name: 'value', data: [2], type: 'DOUBLE' },
  ]);
  const rest = { device: null, measurement: null, text: null, quality: null };
  assert.deepEqual(await rowsOf(file, { timestamp: 'when', value: 'a' }), [
    { row: 1, timestamp: MOMENT_MS * 1_000, value: 1, ...rest },
  ]);
});

test('what is missing is said, with the columns that there are', async () => {
  for (const [columns, mapping, told] of [
    [[value], {}, /no column with the time: it has "value"/],
    [[time('ts')], {}, /no column with the value/],
    [[time('ts'), value], { device: 'machine' }, /no column "machine"/],
    [[{ name: 'ts', data: [true], type: 'BOOLEAN' }, value], {}, /"ts".*no timestamp/],
    [
      [
        time('ts'),
        { name: 'value', data: [new Uint8Array(16)], type: 'UUID' },
        { name: 'quality', data: ['x'], type: 'STRING' },
      ],
      {},
      /"quality"/,
    ],
  ] as [ColumnSource[], Mapping, RegExp][])
    await assert.rejects(rowsOf(parquet(columns), mapping), (error: Error) => {
      assert.match(error.message, told);
      return kind('wrong_columns')(error);
    });
});

test('a moment is a moment, in whatever way it is written', async () => {
  const element = (more: Partial<SchemaElement>): Options => ({
    schema: [
      { name: 'root', num_children: 2 },
      { name: 'ts', ...more },
      { name: 'value', type: 'DOUBLE' },
    ],
  });
  const logical = (unit: 'MILLIS' | 'MICROS' | 'NANOS') =>
    element({ type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit } });
  const number = (data: ColumnSource['data'], type: 'INT64' | 'DOUBLE' | 'INT32' | 'STRING') => ({
    name: 'ts',
    data,
    type,
  });
  for (const [column, options, expected] of [
    [
      { name: 'ts', data: [BigInt(MOMENT_MS)] },
      element({ type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' }),
      MOMENT_MS * 1_000,
    ],
    [
      { name: 'ts', data: [BigInt(MOMENT_US)] },
      element({ type: 'INT64', converted_type: 'TIMESTAMP_MICROS' }),
      MOMENT_US,
    ],
    [{ name: 'ts', data: [BigInt(MOMENT_MS)] }, logical('MILLIS'), MOMENT_MS * 1_000],
    [{ name: 'ts', data: [BigInt(MOMENT_US)] }, logical('MICROS'), MOMENT_US],
    [{ name: 'ts', data: [BigInt(MOMENT_US) * 1_000n + 999n] }, logical('NANOS'), MOMENT_US],
    [{ name: 'ts', data: [20_000] }, element({ type: 'INT32', converted_type: 'DATE' }), 20_000 * 86_400_000_000],
    [number([BigInt(MOMENT_MS)], 'INT64'), {}, MOMENT_MS * 1_000],
    [number([BigInt(MOMENT_US)], 'INT64'), {}, MOMENT_US],
    [number([BigInt(MOMENT_US) * 1_000n], 'INT64'), {}, MOMENT_US],
    [number([1_780_000_000], 'INT32'), {}, 1_780_000_000_000_000],
    [number([1_780_000_000.25], 'DOUBLE'), {}, 1_780_000_000_250_000],
    [number(['2026-05-28T20:26:40.123Z'], 'STRING'), {}, '2026-05-28T20:26:40.123Z'],
    [number([null], 'STRING'), {}, null],
  ] as [ColumnSource, Options, number | string | null][]) {
    const [read] = await rowsOf(parquet([column, { name: 'value', data: [21.5] }], options));
    assert.equal(read!.timestamp, expected, JSON.stringify(options));
  }
});

test('a value is a number, a boolean, a text, or nothing', async () => {
  for (const [data, type, expected] of [
    [[1.5, null, Number.NaN], 'DOUBLE', [1.5, null, Number.NaN]],
    [[0.5, -1, null], 'FLOAT', [0.5, -1, null]],
    [[1, -2, null], 'INT32', [1, -2, null]],
    [[1n, -2n, null], 'INT64', [1, -2, null]],
    [[true, false, null], 'BOOLEAN', [true, false, null]],
    [['on', 'Öl', null], 'STRING', ['on', 'Öl', null]],
    [[{ a: 1 }, [2], null], 'JSON', ['{"a":1}', '[2]', null]],
  ] as [ColumnSource['data'], ColumnSource['type'], unknown[]][]) {
    const file = parquet([
      { name: 'ts', data: [1, 2, 3], type: 'INT32' },
      { name: 'value', data, ...(type && { type }) },
    ]);
    assert.deepEqual(
      (await rowsOf(file)).map(it => it.value),
      expected,
    );
  }
});

test('our own files can be read like those of others', async () => {
  const rows = [row({ quality: 0.5 }), row({ value: null, text: '"on"' })];
  assert.deepEqual(await rowsOf(await written(rows)), [
    {
      row: 1,
      device: 'press-4',
      measurement: 'temperature',
      timestamp: rows[0]!.tsUs,
      value: 21.5,
      text: null,
      quality: 0.5,
    },
    {
      row: 2,
      device: 'press-4',
      measurement: 'temperature',
      timestamp: rows[1]!.tsUs,
      value: null,
      text: '"on"',
      quality: null,
    },
  ]);
});

test('rows are numbered through all row groups and batches', async () => {
  const rows = 1_234;
  const data = Float64Array.from({ length: rows }, (_, n) => n);
  const file = parquet(
    [
      { name: 'ts', data, type: 'DOUBLE' },
      { name: 'value', data, type: 'DOUBLE' },
    ],
    { rowGroupSize: 500 },
  );
  const batches = await Array.fromAsync(readAnyParquet(fileOf(file), {}, { ...LIMITS, parquetBatchRows: 200 }));
  assert.ok(batches.every(it => it.length <= 200));
  assert.deepEqual(
    batches.flat().map(it => [it.row, it.value]),
    Array.from(data, n => [n + 1, n]),
  );
});

test('compressions of other tools are read, and one that is not is said to be so', async () => {
  const columns = [{ name: 'ts', data: [5], type: 'INT32' as const }, value];
  for (const options of [
    { codec: 'UNCOMPRESSED' },
    { codec: 'SNAPPY' },
    { codec: 'GZIP', compressors: { GZIP: (bytes: Uint8Array) => gzipSync(bytes) } },
  ] as Options[])
    assert.equal((await rowsOf(parquet(columns, options)))[0]!.value, 21.5);
  const lz4 = parquet(columns, { codec: 'LZ4_RAW', compressors: { LZ4_RAW: bytes => bytes } });
  await assert.rejects(rowsOf(lz4), (error: Error) => /LZ4_RAW/.test(error.message) && kind('unsupported')(error));
});

test('only the columns that are wanted are read', async () => {
  const noise = Array.from({ length: 50_000 }, (_, n) => Math.sin(n));
  const file = fileOf(
    parquet([
      { name: 'ts', data: noise.map((_, n) => n), type: 'INT32', encoding: 'DELTA_BINARY_PACKED' },
      { name: 'noise', data: noise, type: 'DOUBLE' },
      { name: 'value', data: noise.map((_, n) => n % 10), type: 'DOUBLE' },
    ]),
  );
  assert.equal((await rowsOf(file)).length, 50_000);
  assert.ok(file.bytesRead < file.byteLength / 2, `${file.bytesRead} of ${file.byteLength}`);
});

test('row groups that are too large are refused before they are read', async () => {
  const rows = Array.from({ length: 1_000 }, (_, n) => row({ tsUs: n, value: Math.sin(n) }));
  const file = await written(rows);
  await assert.rejects(rowsOf(file, {}, { parquetReadRowGroupMaxRows: 999 }), kind('too_large'));
  await assert.rejects(rowsOf(file, {}, { parquetReadRowGroupMaxBytes: 5_000 }), kind('too_large'));
  await assert.rejects(rowsOf(file, {}, { parquetFooterMaxBytes: 100 }), kind('too_large'));
  assert.equal((await rowsOf(file)).length, 1_000);
});

test('a page that says more of itself than the footer is refused', async () => {
  const file = Buffer.from(
    parquet(
      [
        { name: 'ts', data: [1, 2], type: 'INT32', encoding: 'PLAIN', nullable: false },
        { ...value, data: [1, 2] },
      ],
      { codec: 'UNCOMPRESSED' },
    ),
  );
  // The number of values of the first page: field 1 of the header of a page of version 2, as a zigzag number.
  const header = file.indexOf(Buffer.from([0x5c, 0x15, 0x04]));
  assert.ok(header > 0);
  file[header + 2] = 0x7e;
  await assert.rejects(rowsOf(file), kind('damaged'));
});

test('a text that repeats itself without end in a small page is not decoded', async () => {
  const texts = Array.from({ length: 1_000 }, (_, n) => 'x'.repeat(n));
  const file = parquet([
    { name: 'ts', data: texts.map((_, n) => n), type: 'INT32' },
    { name: 'value', data: texts, type: 'STRING', encoding: 'DELTA_BYTE_ARRAY' },
  ]);
  await assert.rejects(rowsOf(file), kind('unsupported'));
});

test('what takes all memory of its thread is an error, and the process goes on', async () => {
  const texts = Array.from({ length: 150_000 }, (_, n) => `${n} ${'x'.repeat(40)}`);
  const file = parquet(
    [
      { name: 'ts', data: texts.map((_, n) => n), type: 'INT32' },
      { name: 'value', data: texts, type: 'STRING' },
    ],
    { rowGroupSize: 150_000 },
  );
  await assert.rejects(rowsOf(file, {}, { parquetThreadMaxMebibytes: 16 }), kind('too_large'));
  assert.equal((await rowsOf(file)).length, 150_000);
});

test('what takes too long is ended; the time of the store does not count', async () => {
  const bytes = await written(Array.from({ length: 10 }, (_, n) => row({ tsUs: n })));
  const file = fileOf(bytes);
  const slow: ParquetFile = {
    byteLength: file.byteLength,
    slice: async (start, end) => {
      await new Promise(resolve => setTimeout(resolve, 30));
      return file.slice(start, end);
    },
  };
  assert.equal((await rowsOf(slow, {}, { parquetThreadTimeoutSeconds: 5 })).length, 10);
  await assert.rejects(rowsOf(bytes, {}, { parquetThreadTimeoutSeconds: 0.001 }), kind('too_large'));
});

test('what the store says when it can not be read comes out as it is', async () => {
  const error = new Error('the bucket is away');
  await assert.rejects(rowsOf({ byteLength: 1_000, slice: () => Promise.reject(error) }), it => it === error);
});

test('files that are none, or were cut off, are said to be that', async () => {
  const bytes = await written([row()]);
  await assert.rejects(rowsOf(Buffer.from('ts,value\n1,2\n')), kind('not_parquet'));
  await assert.rejects(rowsOf(bytes.subarray(0, bytes.length - 20)), kind('damaged'));
});

test('who has enough ends the thread', async () => {
  const bytes = await written(Array.from({ length: 5_000 }, (_, n) => row({ tsUs: n })));
  for await (const batch of readAnyParquet(fileOf(bytes), {}, LIMITS)) {
    assert.equal(batch.length, 1_000);
    break;
  }
});
