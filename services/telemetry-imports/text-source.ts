/** A file of lines in the store of blobs, read from any place on. */
import { setImmediate } from 'node:timers/promises';
import type { BlobStore } from '../../contracts/blobs.ts';
import { BEGINNING, type CutterOptions, type CutterPlace, RecordCutter } from '../../mixins/record-cutter.ts';
import { type Content, refusedLine, type Source, type SourceLine, type SourcePiece } from './lines.ts';

/** Of a file that is cut in one go: some milliseconds, in which this process does nothing else. */
const SLICE_BYTES = 64 * 1024;

export type TextOptions = CutterOptions<Content> & {
  readonly key: string;
  readonly bytes: number;
  /** At once, at most. */
  readonly pieceMaxBytes: number;
  /** Its first record is none. */
  readonly hasHeader: boolean;
};

/** A file of lines. A piece has at least one whole line: it is larger than any may be. */
export class TextSource implements Source {
  readonly sizes: Source['sizes'];
  readonly #blobs: BlobStore;
  readonly #options: TextOptions;

  constructor(blobs: BlobStore, options: TextOptions) {
    const least = 2 * options.recordMaxBytes;
    this.sizes = { first: least, least, most: Math.max(least, options.pieceMaxBytes) };
    this.#blobs = blobs;
    this.#options = options;
  }

  async read(place: object, size: number): Promise<SourcePiece<CutterPlace>> {
    const { key, bytes } = this.#options;
    const from = { ...BEGINNING, ...place };
    const chunk = await this.#blobs.read(key, from.offset, from.offset + size);
    const isEnd = from.offset + chunk.length >= bytes || chunk.length === 0;
    const cutter = new RecordCutter(this.#cutting(from), from);
    const lines: SourceLine[] = [];
    const whole = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let at = 0; at < whole.length || (at === 0 && isEnd); at += SLICE_BYTES) {
      const isLast = isEnd && at + SLICE_BYTES >= whole.length;
      for (const { line, record, fault } of cutter.push(whole.subarray(at, at + SLICE_BYTES), isLast))
        lines.push({ line, content: record ?? refusedLine(null, 'invalid_line', fault!) });
      await setImmediate();
    }
    return { lines, place: cutter.place, isEnd };
  }

  async close(): Promise<void> {}

  #cutting(from: CutterPlace): CutterOptions<Content> {
    const { decode, hasHeader } = this.#options;
    let isHeader = hasHeader && from.offset === 0;
    if (!isHeader) return this.#options;
    return {
      ...this.#options,
      decode(text) {
        if (!isHeader) return decode(text);
        isHeader = false;
        return undefined;
      },
    };
  }
}
