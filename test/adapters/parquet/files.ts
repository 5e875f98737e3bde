/** Parquet files in memory, and telemetry to put into them. */

import type { ParquetErrorKind } from '../../../adapters/parquet/parquet-error.ts';
import type { ParquetFile } from '../../../adapters/parquet/parquet-file.ts';
import { readTelemetryParquet, type TelemetryFilter } from '../../../adapters/parquet/read-telemetry.ts';
import type { TelemetryRow } from '../../../adapters/parquet/telemetry-rows.ts';
import { writeTelemetryParquet } from '../../../adapters/parquet/write-telemetry.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';

export type CountedFile = ParquetFile & { bytesRead: number; requests: number };

export function fileOf(bytes: Uint8Array): CountedFile {
  return {
    byteLength: bytes.byteLength,
    bytesRead: 0,
    requests: 0,
    async slice(start, end) {
      const part = new Uint8Array(bytes.subarray(start, end));
      this.bytesRead += part.byteLength;
      this.requests++;
      return part.buffer;
    },
  };
}

export const row = (more: Partial<TelemetryRow> = {}): TelemetryRow => ({
  device: 'press-4',
  measurement: 'temperature',
  tsUs: 1_780_000_000_000_000,
  value: 21.5,
  text: null,
  quality: null,
  flags: null,
  ...more,
});

export async function* inBatches<T>(rows: readonly T[], size = 100): AsyncGenerator<T[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

export async function written(rows: readonly TelemetryRow[], limits: Partial<Limits> = {}): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(writeTelemetryParquet(inBatches(rows), { ...LIMITS, ...limits })));
}

export async function readBack(
  file: Uint8Array | ParquetFile,
  filter: TelemetryFilter = {},
  limits: Partial<Limits> = {},
): Promise<TelemetryRow[]> {
  const source = file instanceof Uint8Array ? fileOf(file) : file;
  return (await Array.fromAsync(readTelemetryParquet(source, filter, { ...LIMITS, ...limits }))).flat();
}

export const kind = (wanted: ParquetErrorKind) => (error: unknown) =>
  (error as Error).name === 'ParquetError' && (error as { kind?: string }).kind === wanted;
