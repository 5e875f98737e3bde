/** A Parquet file in the store of blobs. It is decoded on and on, as long as the next piece is the next one. */

import { parquetOfBlob } from '../../adapters/parquet/blob-file.ts';
import { type AnyRow, readAnyParquet } from '../../adapters/parquet/read-any.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import type { Limits } from '../../contracts/limits.ts';
import { textValueOf } from './csv-lines.ts';
import { type Content, type Reckoning, refusedLine, type Source, type SourceLine, type SourcePiece } from './lines.ts';
import { contentOf, NO_DEVICE } from './readings.ts';

/** The row with which it begins; the first is 1. */
type Place = { readonly row: number };
const FIRST: Place = { row: 1 };

export class ParquetSource implements Source {
  readonly sizes: Source['sizes'];
  readonly #blobs: BlobStore;
  readonly #key: string;
  readonly #reckoning: Reckoning;
  #open: { readonly rows: AsyncGenerator<AnyRow[]>; next: number } | undefined;

  constructor(blobs: BlobStore, key: string, reckoning: Reckoning) {
    const { parquetBatchRows, historyPieceDatapoints } = reckoning.limits;
    this.sizes = {
      first: parquetBatchRows,
      least: parquetBatchRows,
      most: Math.max(parquetBatchRows, historyPieceDatapoints),
    };
    this.#blobs = blobs;
    this.#key = key;
    this.#reckoning = reckoning;
  }

  /** Rejects with a ParquetError, or a BlobError. */
  async read(place: object, size: number): Promise<SourcePiece<Place>> {
    const from = { ...FIRST, ...place };
    const open = await this.#openAt(from.row, this.#reckoning.limits);
    const lines: SourceLine[] = [];
    let isEnd = false;
    while (lines.length < size && !isEnd) {
      const { done, value } = await open.rows.next();
      isEnd = done === true;
      for (const row of (value as AnyRow[] | undefined) ?? [])
        lines.push({ line: row.row, content: this.#contentOf(row) });
    }
    open.next = from.row + lines.length;
    return { lines, place: { row: open.next }, isEnd };
  }

  async close(): Promise<void> {
    await this.#open?.rows.return(undefined);
    this.#open = undefined;
  }

  async #openAt(row: number, limits: Limits) {
    if (this.#open?.next === row) return this.#open;
    await this.close();
    const file = await parquetOfBlob(this.#blobs, this.#key);
    this.#open = { rows: readAnyParquet(file, {}, limits, row), next: row };
    return this.#open;
  }

  #contentOf({ device, measurement, timestamp, value, text, quality }: AnyRow): Content {
    if (device === null || device === '') return NO_DEVICE;
    if (measurement === null) return refusedLine(device, 'invalid_name', 'It names no measurement');
    // A boolean of our own files has both: 0 or 1, and itself.
    const said = (text === null ? undefined : textValueOf(text)) ?? value;
    if (said === null) return refusedLine(device, 'no_values', 'It has no value');
    const time = typeof timestamp === 'number' ? timestamp / 1_000 : timestamp;
    return contentOf({ device, measurement, time, value: said, quality, unit: undefined }, this.#reckoning);
  }
}
