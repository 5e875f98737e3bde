/** Files of the archive: Parquet in the store of blobs, and what their content is known by. */
import { createHash, type Hash } from 'node:crypto';
import type { BlobStore } from '../../../contracts/blobs.ts';
import type { Limits } from '../../../contracts/limits.ts';
import { readTelemetryParquet, type TelemetryFilter } from '../../parquet/read-telemetry.ts';
import type { TelemetryRow } from '../../parquet/telemetry-rows.ts';
import { writeTelemetryParquet } from '../../parquet/write-telemetry.ts';

export type ArchiveLimits = Pick<
  Limits,
  | 'archiveRowGroupRows'
  | 'parquetRowGroupTextMaxBytes'
  | 'parquetReadRowGroupMaxRows'
  | 'parquetReadRowGroupMaxBytes'
  | 'parquetFooterMaxBytes'
  | 'parquetBatchRows'
  | 'parquetReadAheadBytes'
>;

export class ArchiveFiles {
  readonly blobs: BlobStore;
  readonly #limits: ArchiveLimits;

  constructor(blobs: BlobStore, limits: ArchiveLimits) {
    this.blobs = blobs;
    this.#limits = limits;
  }

  /** Rejects with a BlobError, or with what `rows` rejects with; then there is no such file. */
  write(key: string, rows: AsyncIterable<readonly TelemetryRow[]>): Promise<{ readonly bytes: number }> {
    const limits = { ...this.#limits, parquetRowGroupRows: this.#limits.archiveRowGroupRows };
    return this.blobs.put(key, writeTelemetryParquet(rows, limits));
  }

  /** In the order of the file. Rejects with a BlobError (`not_found`: it was removed meanwhile), or a ParquetError. */
  read(
    { key, bytes }: { readonly key: string; readonly bytes: number },
    filter: TelemetryFilter = {},
  ): AsyncGenerator<TelemetryRow[]> {
    const slice = async (start: number, end: number): Promise<ArrayBuffer> => {
      const read = await this.blobs.read(key, start, end);
      return read.buffer.slice(read.byteOffset, read.byteOffset + read.byteLength) as ArrayBuffer;
    };
    return readTelemetryParquet({ byteLength: bytes, slice }, filter, this.#limits);
  }
}

/** Of rows, in their order: the same for what was written and what is read back. */
export class RowsChecksum {
  readonly #hash: Hash = createHash('sha256');
  rows = 0;

  add(rows: readonly TelemetryRow[]): void {
    this.rows += rows.length;
    for (const it of rows)
      this.#hash.update(
        JSON.stringify([it.device, it.measurement, it.tsUs, numberOf(it.value), it.text, it.quality, it.flags]),
      );
  }

  finish(): Uint8Array {
    return this.#hash.digest();
  }
}

/** JSON says it as 0, or as null. */
const numberOf = (value: number | null): number | string | null =>
  Object.is(value, -0) ? '-0' : value === null || Number.isFinite(value) ? value : String(value);
