/** What the thread that decodes somebody else's file and the one that wants its rows say to each other. */
import type { Mapping, Role } from './any-columns.ts';
import type { ParquetErrorKind } from './parquet-error.ts';
import type { ReadLimits } from './parquet-file.ts';

/** `fromRow`: the first row that is wanted. */
export type Work = {
  readonly byteLength: number;
  readonly mapping: Mapping;
  readonly limits: ReadLimits;
  readonly fromRow: number;
};

/** Rows by their columns; `firstRow` is the number of the first, and the first of the file has 1. */
export type Batch = {
  readonly firstRow: number;
  readonly rows: number;
  readonly columns: { readonly [role in Role]?: unknown[] };
};

export type ToThread =
  | { readonly kind: 'next' }
  /** Bytes that it wanted; moved, not copied. */
  | { readonly kind: 'bytes'; readonly id: number; readonly bytes: ArrayBuffer };

export type FromThread =
  | { readonly kind: 'wants'; readonly id: number; readonly start: number; readonly end: number }
  | { readonly kind: 'batch'; readonly batch: Batch }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly error: ParquetErrorKind; readonly message: string };
