/** The formats of history, and how a file of each is read. */
import type { BlobStore } from '../../contracts/blobs.ts';
import { historyFileKey } from '../../contracts/telemetry-imports.contract.ts';
import { csvDecoder } from './csv-lines.ts';
import type { ImportRow } from './import-rows.ts';
import type { Reckoning, Source } from './lines.ts';
import { ndjsonDecoder } from './ndjson-lines.ts';
import { ParquetSource } from './parquet-source.ts';
import { TextSource } from './text-source.ts';

export function sourceOf(
  blobs: BlobStore,
  { import_id, format, form, columns, bytes }: ImportRow,
  reckoning: Reckoning,
): Source {
  const key = historyFileKey(import_id);
  if (format === 'parquet') return new ParquetSource(blobs, key, reckoning);
  const { historyLineMaxBytes: recordMaxBytes, historyPieceMaxBytes: pieceMaxBytes } = reckoning.limits;
  const isQuoted = format === 'csv';
  const decode = isQuoted ? csvDecoder(columns!, form, reckoning) : ndjsonDecoder(reckoning);
  return new TextSource(blobs, { key, bytes, recordMaxBytes, pieceMaxBytes, isQuoted, hasHeader: isQuoted, decode });
}
