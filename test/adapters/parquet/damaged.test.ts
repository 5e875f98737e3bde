/** Files that are no longer what they were: a typed error, or the right rows, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { decompressors, zstdCompress } from '../../../adapters/parquet/codecs.ts';
import { fileOf, kind, readBack, row, written } from './files.ts';

const rows = Array.from({ length: 40 }, (_, n) =>
  row({
    device: `press-${n % 3}`,
    tsUs: n * 1_000,
    value: n % 7 === 0 ? null : n / 10,
    text: n % 7 === 0 ? `"text ${n}"` : null,
    quality: n % 2 === 0 ? 0.5 : null,
    flags: n % 5 === 0 ? n : null,
  }),
);
const bytes = await written(rows, { parquetRowGroupRows: 40 });

test('what is not Parquet is said to be that', async () => {
  for (const text of ['', 'x', 'device,ts,value\npress-4,1,2\n', '\0'.repeat(100), 'PAR', 'x'.repeat(100_000)])
    await assert.rejects(readBack(Buffer.from(text)), kind('not_parquet'), JSON.stringify(text.slice(0, 20)));
});

test('a file that was cut off anywhere is damaged', async () => {
  for (let length = 12; length < bytes.length; length += 41)
    await assert.rejects(readBack(bytes.subarray(0, length)), kind('damaged'), `${length} bytes`);
});

test('a file whose store has less than it said is damaged', async () => {
  const file = fileOf(bytes);
  const short = {
    byteLength: file.byteLength,
    slice: async (start: number, end: number) => (await file.slice(start, end)).slice(1),
  };
  await assert.rejects(readBack(short), kind('damaged'));
});

test('what the store says when it can not be read comes out as it is', async () => {
  const error = new Error('the bucket is away');
  let requests = 0;
  const file = fileOf(bytes);
  const failing = {
    byteLength: file.byteLength,
    slice: (start: number, end: number) => (++requests === 2 ? Promise.reject(error) : file.slice(start, end)),
  };
  await assert.rejects(readBack(failing, {}, { parquetReadAheadBytes: 1 }), it => it === error);
});

test('a page of which any bit was changed never becomes other rows', async () => {
  const footer = bytes.readUInt32LE(bytes.length - 8);
  let refused = 0;
  for (let at = 4; at < bytes.length - 8 - footer; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1 << (at % 8);
    try {
      assert.deepEqual(await readBack(changed), rows, `byte ${at}`);
    } catch (error) {
      assert.ok(
        kind('damaged')(error) || kind('too_large')(error) || kind('unsupported')(error),
        `byte ${at}: ${error}`,
      );
      refused++;
    }
  }
  assert.ok(refused > 300, `${refused} of ${bytes.length}`);
});

test('what is decompressed has no memory of others behind it', () => {
  const text = Buffer.from('some text that is not long');
  const { ZSTD, GZIP, BROTLI } = decompressors(1_000);
  for (const page of [
    ZSTD!(new Uint8Array(zstdCompress(text)), text.length),
    GZIP!(new Uint8Array(gzipSync(text)), text.length),
    BROTLI!(new Uint8Array(brotliCompressSync(text)), text.length),
  ]) {
    assert.ok(text.equals(page));
    assert.equal(page.buffer.byteLength, text.length);
  }
});

test('a footer of which any bit was changed is an error of ours, or still leads to rows', async () => {
  const footer = bytes.readUInt32LE(bytes.length - 8);
  for (let at = bytes.length - 8 - footer; at < bytes.length; at += 2) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1 << (at % 8);
    const read = await readBack(changed).catch((error: Error) => error);
    assert.ok(Array.isArray(read) || read.name === 'ParquetError', `byte ${at}: ${read}`);
  }
});

test('a file with other columns is not telemetry of ours', async () => {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const other = parquetWriteBuffer({ columnData: [{ name: 'device', data: ['a'], type: 'STRING' }] });
  await assert.rejects(readBack(new Uint8Array(other)), kind('wrong_columns'));
});
