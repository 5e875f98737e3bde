/** Two million rows take no more memory than a few. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readTelemetryParquet } from '../../../adapters/parquet/read-telemetry.ts';
import type { TelemetryRow } from '../../../adapters/parquet/telemetry-rows.ts';
import { writeTelemetryParquet } from '../../../adapters/parquet/write-telemetry.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { fileOf, row } from './files.ts';

const ROWS = 2_000_000;
const BATCH = 1_000;
const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** What is in use after everything that can go has gone. */
function usedBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** How much the use grows from the first tenth of the steps to the largest of the rest. */
async function growth(steps: AsyncIterable<number>, total: number): Promise<number> {
  let base = 0;
  let largest = 0;
  let next = total / 10;
  for await (const done of steps) {
    if (done < next) continue;
    next += total / 10;
    if (base === 0) base = usedBytes();
    else largest = Math.max(largest, usedBytes());
  }
  return largest - base;
}

let made = 0;
async function* telemetry(): AsyncGenerator<TelemetryRow[]> {
  for (made = 0; made < ROWS; made += BATCH)
    yield Array.from({ length: BATCH }, (_, n) =>
      row({
        device: `press-${Math.floor(made / 100_000)}`,
        tsUs: (made + n) * 10_000_000,
        value: ((made + n) % 400) / 10,
      }),
    );
}

test('writing and reading two million rows does not take more with each row', async () => {
  const chunks: Uint8Array[] = [];
  async function* writing() {
    for await (const chunk of writeTelemetryParquet(telemetry(), LIMITS)) {
      chunks.push(chunk);
      yield made;
    }
  }
  const whileWriting = await growth(writing(), ROWS);
  const file = Buffer.concat(chunks);
  assert.ok(whileWriting - file.length < 8 * MIB, `${whileWriting} bytes while writing ${file.length}`);
  let read = 0;
  async function* reading() {
    for await (const batch of readTelemetryParquet(fileOf(file), {}, LIMITS)) {
      read += batch.length;
      yield read;
    }
  }
  const whileReading = await growth(reading(), ROWS);
  assert.equal(read, ROWS);
  assert.ok(whileReading < 8 * MIB, `${whileReading} bytes while reading`);
});

test('what keeps all rows is noticed by the same measure', async () => {
  const kept: TelemetryRow[][] = [];
  async function* keeping() {
    for await (const batch of telemetry()) {
      kept.push(batch);
      yield made;
      if (made > ROWS / 5) return;
    }
  }
  assert.ok((await growth(keeping(), ROWS / 5)) > 8 * MIB);
});
