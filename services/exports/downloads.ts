/** The file of an export as downloads see it: one, whatever blobs its parts are. */
import type { Database } from '../../adapters/database/database.ts';
import { BlobError, type BlobStore } from '../../contracts/blobs.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ExportFile } from '../../contracts/exports.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { ExportRow } from './export-rows.ts';

type Parts = { readonly database: Database; readonly blobs: BlobStore; readonly limits: Limits };
export type Wanted = {
  readonly range?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly start?: number | undefined;
  readonly end?: number | undefined;
};

const TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
} as const;

/** A file that is complete never changes, so its id says all. */
const etagOf = (row: ExportRow): string => `"${row.export_id}"`;
const nameOf = ({ export_id, from_at, request: { format, compression } }: ExportRow): string =>
  `telemetry-${from_at.toISOString().slice(0, 10)}-${export_id.slice(-12)}.${format}${compression === undefined ? '' : '.gz'}`;

/** The first piece of what is wanted. Rejects with `export_not_ready`, `range_not_satisfiable`, `unavailable`. */
export async function pieceOf(parts: Parts, row: ExportRow, wanted: Wanted): Promise<ExportFile> {
  if (row.state !== 'completed') throw new SkeinError('export_not_ready', `The export is ${row.state}`);
  const { format, compression } = row.request;
  const { start, end, isPart } = spanOf(row, wanted);
  const until = Math.min(end, start + parts.limits.exportChunkBytes);
  const content = await contentOf(parts, row.export_id, start, until);
  const at = start + content.byteLength;
  return {
    name: nameOf(row),
    contentType: compression === undefined ? TYPES[format] : 'application/gzip',
    etag: etagOf(row),
    totalBytes: row.bytes,
    start,
    end,
    isPart,
    content: content.toString('base64'),
    nextStart: at < end ? at : null,
  };
}

type Span = { readonly start: number; readonly end: number; readonly isPart: boolean };

function spanOf(row: ExportRow, { range, ifRange, start, end }: Wanted): Span {
  const whole = { start: 0, end: row.bytes, isPart: false };
  // Positions behind the first piece.
  if (start !== undefined) {
    const until = Math.min(end ?? row.bytes, row.bytes);
    return { start: Math.min(start, until), end: until, isPart: false };
  }
  if (range === undefined || (ifRange !== undefined && ifRange.trim() !== etagOf(row))) return whole;
  const asked = rangeOf(range, row.bytes);
  if (asked === 'other') return whole;
  if (asked === 'beyond')
    throw new SkeinError('range_not_satisfiable', `The file has ${row.bytes} bytes`, {
      contentRange: `bytes */${row.bytes}`,
    });
  return { ...asked, isPart: true };
}

/** RFC 9110, section 14. `other`: several ranges, or none of bytes, which a server may answer with all. */
export function rangeOf(
  text: string,
  bytes: number,
): { readonly start: number; readonly end: number } | 'beyond' | 'other' {
  const [, first, last] = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(text) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'other';
  if (first === '')
    return Number(last) === 0 || bytes === 0 ? 'beyond' : { start: Math.max(0, bytes - Number(last)), end: bytes };
  if (last !== '' && Number(last) < Number(first)) return 'other';
  if (Number(first) >= bytes) return 'beyond';
  return { start: Number(first), end: last === '' ? bytes : Math.min(bytes, Number(last) + 1) };
}

type PartRow = {
  readonly key: string;
  readonly skip_bytes: number;
  readonly bytes: number;
  readonly start_byte: number;
};

/** Bytes of the part that `start` is in: fewer than were asked for when it ends before. */
async function contentOf({ database, blobs }: Parts, id: string, start: number, end: number): Promise<Buffer> {
  if (start >= end) return Buffer.alloc(0);
  const [part] = await database.query<PartRow>(
    `SELECT key, skip_bytes, bytes, start_byte FROM telemetry_export_part
     WHERE export_id = $1 AND start_byte <= $2::int8 AND start_byte + bytes > $2::int8`,
    [id, start],
  );
  if (part === undefined) throw gone();
  const from = part.skip_bytes + start - part.start_byte;
  const until = part.skip_bytes + Math.min(end - part.start_byte, part.bytes);
  try {
    const content = await blobs.read(part.key, from, until);
    if (content.byteLength === 0) throw gone();
    return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    throw error.kind === 'not_found' ? gone() : new SkeinError('unavailable', 'The store of files does not answer');
  }
}

const gone = (): SkeinError =>
  new SkeinError(
    'unavailable',
    'The file is not in the store of this node: all nodes must have the same one (SKEIN_BLOBS_URL)',
  );
