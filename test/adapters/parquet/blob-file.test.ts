/** An archive from end to end: telemetry into a blob, and out of it what is wanted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parquetOfBlob } from '../../../adapters/parquet/blob-file.ts';
import { readAnyParquet } from '../../../adapters/parquet/read-any.ts';
import { writeTelemetryParquet } from '../../../adapters/parquet/write-telemetry.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { kind, STORES } from '../blobs/stores.ts';
import { inBatches, kind as parquetKind, readBack, row } from './files.ts';

const KEY = 'tenant=1/2026-05.parquet';

for (const [name, open] of Object.entries(STORES))
  test(`telemetry goes into ${name} and comes back from there`, async () => {
    const { store, stop } = await open();
    try {
      const rows = Array.from({ length: 40_000 }, (_, n) =>
        row({ device: `press-${Math.floor(n / 10_000)}`, tsUs: n * 1_000, value: Math.sin(n) }),
      );
      const { bytes } = await store.put(KEY, writeTelemetryParquet(inBatches(rows), LIMITS));
      const file = await parquetOfBlob(store, KEY);
      assert.equal(file.byteLength, bytes);
      assert.deepEqual(await readBack(file, { device: 'press-2' }), rows.slice(20_000, 30_000));
      assert.equal((await Array.fromAsync(readAnyParquet(file, {}, LIMITS))).flat().length, rows.length);
      await assert.rejects(parquetOfBlob(store, 'tenant=1/none'), kind('not_found'));
      const broken = store.put('broken', writeTelemetryParquet(inBatches([row({ value: Number.NaN })]), LIMITS));
      await assert.rejects(broken, parquetKind('bad_row'));
      assert.equal(await store.size('broken'), undefined);
      await store.remove(KEY);
      await assert.rejects(readBack(file, { device: 'press-2' }), kind('not_found'));
    } finally {
      await stop();
    }
  });
