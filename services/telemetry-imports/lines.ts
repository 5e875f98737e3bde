/** What a file of history says, line by line. */
import type { Reading } from '../../actors/device/readings.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { LineReason } from '../../contracts/telemetry-imports.contract.ts';

/** What the limits and the clock have to do with reading a line. */
export type Reckoning = { readonly limits: Limits; readonly nowMs: number };

export type LineRefusal = { readonly reason: LineReason; readonly detail: string };
/** What one line says, or why it says nothing that can be taken. */
export type Content =
  | { readonly device: string; readonly readings: readonly Reading[] }
  | { readonly device: string | null; readonly refusal: LineRefusal };
/** `line`: where it begins, from 1; of Parquet the row. */
export type SourceLine = { readonly line: number; readonly content: Content };

export const refusedLine = (device: string | null, reason: LineReason, detail: string): Content => ({
  device,
  refusal: { reason, detail },
});

/** Lines from one place of the file on, and where the next ones begin. */
export type SourcePiece<P> = { readonly lines: readonly SourceLine[]; readonly place: P; readonly isEnd: boolean };
export interface Source {
  /** @param size about how many bytes (of Parquet: rows) are to be read */
  read(place: object, size: number): Promise<SourcePiece<object>>;
  /** How many of these to begin with, and at most. */
  readonly sizes: { readonly first: number; readonly least: number; readonly most: number };
  close(): Promise<void>;
}

/** It fails as a whole. The message is for whoever has sent it. */
export class FileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FileError';
  }
}
