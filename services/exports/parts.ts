/** One part of the file of an export: as much as one turn makes. */
import { randomBytes } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { parquetOfBlob } from '../../adapters/parquet/blob-file.ts';
import { footerStart, type JoinedFile, joinedEnd, MAGIC_BYTES } from '../../adapters/parquet/join-files.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import type { SourceParts } from './readings.ts';
import { type Page, pagesFrom } from './rows.ts';
import { parquetOf } from './tables.ts';
import { csvOf, ndjsonOf } from './texts.ts';
import type { TakenExport } from './turns.ts';

export type WritingParts = SourceParts & { readonly blobs: BlobStore };
/** A blob, of which the bytes from `skipBytes` on belong to the file. */
export type NewPart = { readonly key: string; readonly skipBytes: number; readonly bytes: number };
export type Written = {
  readonly part: NewPart | undefined;
  readonly rows: number;
  readonly seriesDone: number;
  readonly seriesShare: number;
  readonly place: TakenExport['place'];
  readonly isAtEnd: boolean;
};

export const folderOf = (exportId: string): string => `exports/${exportId}/`;
/** Each try has its own: what a node that lost the export still writes is nobody's. */
const newKey = (exportId: string, part: number): string =>
  `${folderOf(exportId)}${String(part).padStart(6, '0')}-${randomBytes(6).toString('hex')}`;

/** Reads on from where the export is, until a turn has had enough. The blob is complete when this resolves. */
export async function writePart(parts: WritingParts, job: TakenExport): Promise<Written> {
  const { blobs, limits } = parts;
  const { request, place } = job;
  const range = { fromUs: job.from_at.getTime() * 1000, toUs: job.to_at.getTime() * 1000 };
  const choice = { tenantId: job.tenant_id, request, within: job.within };
  const turn = new Turn(limits, job);
  const pages = turn.pages(pagesFrom(parts, choice, range, place));
  const isFirst = job.parts === 0;
  // A part without rows has nothing in it, but for the first one: its header, or what makes it a Parquet file.
  const beginning = isFirst ? undefined : await firstWithRows(pages);
  if (beginning === null) return turn.written(undefined);
  const whole = beginning === undefined ? pages : joined(beginning, pages);
  const key = newKey(job.export_id, job.parts);
  if (request.format === 'parquet') {
    const { bytes } = await blobs.put(key, parquetOf(whole, request, limits));
    const end = await footerStart(await parquetOfBlob(blobs, key));
    const skipBytes = isFirst ? 0 : MAGIC_BYTES;
    return turn.written({ key, skipBytes, bytes: Math.min(end, bytes) - skipBytes });
  }
  const text = request.format === 'csv' ? csvOf(whole, request, isFirst) : ndjsonOf(whole, request);
  const { bytes } = await blobs.put(key, encoded(turn.counted(text), request.compression));
  return turn.written({ key, skipBytes: 0, bytes });
}

/** The end of a Parquet file, which says where everything is in it: the last part. */
export async function writeEnd(
  { blobs, limits }: WritingParts,
  job: TakenExport,
  parts: readonly StoredPart[],
): Promise<NewPart> {
  async function* files(): AsyncGenerator<JoinedFile> {
    for (const it of parts) yield { file: await parquetOfBlob(blobs, it.key), position: it.start_byte - it.skip_bytes };
  }
  const end = await joinedEnd(files(), limits);
  const key = newKey(job.export_id, job.parts);
  await blobs.put(key, Readable.from([end]));
  return { key, skipBytes: 0, bytes: end.byteLength };
}

export type StoredPart = { readonly key: string; readonly skip_bytes: number; readonly start_byte: number };

/** Counts what a turn does, and ends it when that is enough. */
class Turn {
  readonly #limits: WritingParts['limits'];
  readonly #untilMs: number;
  #place: TakenExport['place'];
  #rows = 0;
  #bytes = 0;
  #seriesDone = 0;
  #seriesShare: number;
  #isAtEnd = true;

  constructor(limits: WritingParts['limits'], { place, series_share }: TakenExport) {
    this.#limits = limits;
    this.#untilMs = performance.now() + limits.exportTurnMs;
    this.#place = place;
    this.#seriesShare = series_share;
  }

  async *pages(pages: AsyncIterable<Page>): AsyncGenerator<Page> {
    for await (const page of pages) {
      yield page;
      this.#place = page.place;
      this.#rows += page.rows.length;
      const isDone = page.place.us === null;
      this.#seriesDone += isDone ? 1 : 0;
      this.#seriesShare = isDone ? 0 : page.share;
      if (this.#isEnough()) {
        this.#isAtEnd = false;
        return;
      }
    }
  }

  async *counted(texts: AsyncIterable<string>): AsyncGenerator<Buffer> {
    for await (const text of texts) {
      const bytes = Buffer.from(text);
      this.#bytes += bytes.byteLength;
      yield bytes;
    }
  }

  written(part: NewPart | undefined): Written {
    const [seriesDone, seriesShare] = [this.#seriesDone, this.#seriesShare];
    return { part, rows: this.#rows, seriesDone, seriesShare, place: this.#place, isAtEnd: this.#isAtEnd };
  }

  #isEnough(): boolean {
    const { exportPartMaxRows, exportPartMaxBytes } = this.#limits;
    return this.#rows >= exportPartMaxRows || this.#bytes >= exportPartMaxBytes || performance.now() >= this.#untilMs;
  }
}

/** Null: none of them has any. */
async function firstWithRows(pages: AsyncGenerator<Page>): Promise<Page | null> {
  for (;;) {
    const { done, value } = await pages.next();
    if (done) return null;
    if (value.rows.length > 0) return value;
  }
}

async function* joined(first: Page, rest: AsyncIterable<Page>): AsyncGenerator<Page> {
  yield first;
  yield* rest;
}

/** Parts that were compressed by themselves are, one behind the other, a file of gzip: RFC 1952, section 2.2. */
function encoded(bytes: AsyncGenerator<Buffer>, compression: 'gzip' | undefined): AsyncIterable<Uint8Array> {
  if (compression === undefined) return bytes;
  // What fails on the way comes out of the last stream.
  return pipeline(Readable.from(bytes, { objectMode: false }), createGzip(), () => {});
}
