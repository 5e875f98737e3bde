/** Telemetry into a Parquet file and out of it: nothing is lost, what is not wanted is not read, and only a row group is in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { decompressors } from '../../../adapters/parquet/codecs.ts';
import type { TelemetryRow } from '../../../adapters/parquet/telemetry-rows.ts';
import { fileOf, kind, readBack, row, written } from './files.ts';

const HOUR_US = 3_600_000_000;
const LAST_US = Number.MAX_SAFE_INTEGER;

test('every kind of value comes back as it was', async () => {
  const rows = [
    row(),
    row({ value: 0 }),
    row({ value: -0.1 }),
    row({ value: Number.MAX_VALUE }),
    row({ value: Number.MIN_VALUE }),
    row({ value: Number.MAX_SAFE_INTEGER }),
    row({ value: 1, text: 'true', quality: 1 }),
    row({ value: 0, text: 'false', quality: 0 }),
    row({ value: null, text: '"Ölstand – 你好 🚀"', quality: 0.1234, flags: 7 }),
    row({ value: null, text: '{"a":[1,null,{"b":""}]}', flags: 2 ** 31 - 1 }),
    row({ value: null, text: '""' }),
    row({ value: null, text: JSON.stringify('x'.repeat(32 * 1024)), flags: -1 }),
    row({ value: null, text: null }),
    row({ device: 'd', measurement: 'ﬁ-温度-🌡', flags: 0 }),
  ];
  assert.deepEqual(await readBack(await written(rows)), rows);
});

test('moments from the first to the last that a number holds come back exactly', async () => {
  const moments = [-LAST_US, -1, 0, 1, 1_780_000_000_123_456, 4_102_444_800_000_000, LAST_US];
  const rows = [...moments, ...moments.toReversed()].map(tsUs => row({ tsUs }));
  assert.deepEqual(await readBack(await written(rows)), rows);
});

test('whatever the rows are, they come back, in row groups of any size', async () => {
  const rowOfAny = fc.record<TelemetryRow>(
    {
      device: fc.stringMatching(/^[\w.-]{1,64}$/),
      measurement: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      tsUs: fc.maxSafeInteger(),
      value: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map(it => (it === 0 ? 0 : it))),
      text: fc.option(fc.json()),
      quality: fc.option(fc.double({ min: 0, max: 1, noNaN: true }).map(it => (it === 0 ? 0 : it))),
      flags: fc.option(fc.integer({ min: 0, max: 32_767 })),
    },
    { noNullPrototype: true },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(rowOfAny, { maxLength: 60 }),
      fc.integer({ min: 1, max: 70 }),
      async (rows, groupRows) => {
        assert.deepEqual(await readBack(await written(rows, { parquetRowGroupRows: groupRows })), rows);
      },
    ),
    { numRuns: 100 },
  );
});

test('what would come back as something else is refused', async () => {
  for (const wrong of [
    { value: Number.NaN },
    { value: Number.POSITIVE_INFINITY },
    { quality: Number.NaN },
    { tsUs: 0.5 },
    { tsUs: LAST_US + 1 },
    { flags: 0.5 },
    { flags: 2 ** 31 },
  ])
    await assert.rejects(written([row(), row(wrong)]), kind('bad_row'), JSON.stringify(wrong));
});

test('a file without rows is one', async () => {
  assert.deepEqual(await readBack(await written([])), []);
});

test('other tools find columns with their types: moments of UTC, texts, numbers', async () => {
  const bytes = await written([row({ tsUs: 1_780_000_000_123_456, text: '{"a":1}', quality: 0.5, flags: 3 })]);
  const { schema } = parquetMetadata(new Uint8Array(bytes));
  assert.deepEqual(
    schema.slice(1).map(it => [it.name, it.type, it.converted_type, it.logical_type?.type, it.repetition_type]),
    [
      ['device', 'BYTE_ARRAY', 'UTF8', 'STRING', 'REQUIRED'],
      ['measurement', 'BYTE_ARRAY', 'UTF8', 'STRING', 'REQUIRED'],
      ['timestamp', 'INT64', 'TIMESTAMP_MICROS', 'TIMESTAMP', 'REQUIRED'],
      ['value', 'DOUBLE', undefined, undefined, 'OPTIONAL'],
      ['text', 'BYTE_ARRAY', 'UTF8', 'STRING', 'OPTIONAL'],
      ['quality', 'DOUBLE', undefined, undefined, 'OPTIONAL'],
      ['flags', 'INT32', undefined, undefined, 'OPTIONAL'],
    ],
  );
  const [read] = await parquetReadObjects({ file: fileOf(bytes), compressors: decompressors(1e9) });
  assert.deepEqual(read, {
    ...{ device: 'press-4', measurement: 'temperature', timestamp: new Date('2026-05-28T20:26:40.123Z') },
    ...{ value: 21.5, text: '{"a":1}', quality: 0.5, flags: 3 },
  });
});

/** 20 devices with 3 measurements of 500 datapoints, in the order of an archive. */
const fleet: TelemetryRow[] = Array.from({ length: 20 * 3 * 500 }, (_, n) => {
  const [device, measurement, at] = [Math.floor(n / 1_500), Math.floor(n / 500) % 3, n % 500];
  return row({
    device: `press-${String(device).padStart(2, '0')}`,
    measurement: ['humidity', 'pressure', 'temperature'][measurement]!,
    tsUs: 1_780_000_000_000_000 + at * HOUR_US,
    value: Math.sin(n) * 1e6,
  });
});
const small = { parquetRowGroupRows: 500, parquetReadAheadBytes: 1, parquetBatchRows: 300 };

test('a filter lets through what fits, and nothing else', async () => {
  const bytes = await written(fleet, { parquetRowGroupRows: 700 });
  const fromUs = fleet[100]!.tsUs;
  const toUs = fleet[200]!.tsUs;
  const devices = new Set(['press-03', 'press-17', 'nobody']);
  const measurements = new Set(['pressure']);
  for (const [filter, fits] of [
    [{}, () => true],
    [{ device: 'press-05' }, it => it.device === 'press-05'],
    [{ devices }, it => devices.has(it.device)],
    [{ measurements }, it => it.measurement === 'pressure'],
    [{ fromUs }, it => it.tsUs >= fromUs],
    [{ toUs }, it => it.tsUs < toUs],
    [
      { devices, measurements, fromUs, toUs },
      it => devices.has(it.device) && it.measurement === 'pressure' && it.tsUs >= fromUs && it.tsUs < toUs,
    ],
    [{ device: 'press-03', devices }, it => it.device === 'press-03'],
    [{ devices: new Set() }, () => false],
    [{ fromUs: toUs, toUs: fromUs }, () => false],
  ] as [Parameters<typeof readBack>[1], (it: TelemetryRow) => boolean][])
    assert.deepEqual(await readBack(bytes, filter), fleet.filter(fits), JSON.stringify(filter));
});

test('row groups of which nothing fits are not read, as the requests and the bytes that are read show', async () => {
  const file = fileOf(await written(fleet, small));
  const costOf = async (filter: Parameters<typeof readBack>[1]) => {
    Object.assign(file, { bytesRead: 0, requests: 0 });
    await readBack(file, filter, small);
    return { bytes: file.bytesRead, requests: file.requests };
  };
  const nothing = await costOf({ device: 'zzz' });
  const all = await costOf({});
  assert.ok(nothing.requests === 1 && nothing.bytes <= 64 * 1024, 'only the footer');
  assert.ok(all.requests === 1 + 2 * 60 && all.bytes > file.byteLength * 0.9);
  for (const [filter, groups] of [
    [{ device: 'press-07' }, 3],
    [{ devices: new Set(['press-01', 'press-19']) }, 6],
    [{ device: 'press-07', measurements: new Set(['pressure']) }, 1],
    [{ measurements: new Set(['pressure']) }, 20],
    [{ fromUs: fleet.at(-1)!.tsUs + 1 }, 0],
    [{ toUs: fleet[0]!.tsUs }, 0],
  ] as const) {
    const { bytes, requests } = await costOf(filter);
    assert.equal(requests, nothing.requests + 2 * groups, JSON.stringify(filter));
    const share = (all.bytes - nothing.bytes) * (groups / 60);
    assert.ok(Math.abs(bytes - nothing.bytes - share) <= share / 5, `${JSON.stringify(filter)}: ${bytes}`);
  }
});

test('of a row group whose statistics fit but whose rows do not, the values are not read', async () => {
  const rows = ['a', 'c'].flatMap(device =>
    Array.from({ length: 30_000 }, (_, n) => row({ device, tsUs: n, value: Math.sin(n) })),
  );
  const file = fileOf(await written(rows, { parquetRowGroupRows: 60_000 }));
  const limits = { parquetReadAheadBytes: 1 };
  assert.deepEqual(await readBack(file, { device: 'b' }, limits), []);
  const without = file.bytesRead;
  assert.equal((await readBack(file, { device: 'a' }, limits)).length, 30_000);
  assert.ok(file.bytesRead - without > 2 * without, `${without} and ${file.bytesRead}`);
});

test('names are compared as the file orders them, also where JavaScript has another order', async () => {
  // U+FB01 comes before U+1F321 in UTF-8, and after it in UTF-16.
  const names = ['\u{fb01}', '\u{1f321}'];
  const bytes = await written(names.map(measurement => row({ measurement })));
  for (const name of names) assert.equal((await readBack(bytes, { measurements: new Set([name]) })).length, 1);
});

test('small row groups are fetched together', async () => {
  const file = fileOf(await written(fleet, small));
  await readBack(file, {}, { ...small, parquetReadAheadBytes: 256 * 1024 });
  assert.ok(file.requests <= 2 + Math.ceil(file.byteLength / (256 * 1024)), `${file.requests} requests`);
});

test('row groups end early where values are documents', async () => {
  const text = JSON.stringify('x'.repeat(30_000));
  const rows = Array.from({ length: 100 }, (_, n) => row({ tsUs: n, value: null, text }));
  const bytes = await written(rows, { parquetRowGroupTextMaxBytes: 300_000 });
  const { row_groups } = parquetMetadata(new Uint8Array(bytes));
  assert.deepEqual(new Set(row_groups.map(it => Number(it.num_rows))), new Set([10]));
  assert.deepEqual(await readBack(bytes), rows);
});

test('more row groups than the reader would take are refused while they are written', async () => {
  const rows = Array.from({ length: 100 }, (_, n) => row({ tsUs: n }));
  const limits = { parquetRowGroupRows: 1, parquetFooterMaxBytes: 50 * 2_048 };
  await assert.rejects(written(rows, limits), kind('too_large'));
  assert.equal((await readBack(await written(rows.slice(0, 50), limits), {}, limits)).length, 50);
});

test('the longest names of a row group still fit into the footer that the writer counts with', async () => {
  const names = ['\u{1f321}'.repeat(64), '温'.repeat(128)];
  const rows = names.flatMap(measurement => [
    row({ device: 'd'.repeat(64), measurement }),
    row({ device: 'e'.repeat(64) }),
  ]);
  const bytes = await written(rows);
  assert.ok(bytes.readUInt32LE(bytes.length - 8) < 2_048 + 1_024, 'footer of the schema and one row group');
});
