/**
 * Cuts a file that comes in pieces into records, each with the number of the line on which it begins. Of a record that is broken only its first
 * line is lost: what comes behind it is looked at again. That is why parsing a whole file as one stream would not do: after a quote too many, a
 * parser of CSV takes everything up to the next quote, or to the end, for one cell.
 */
import { isUtf8 } from 'node:buffer';

/** What a record says, or why it can't be read; undefined: nothing. */
export type Decoded<T> = { readonly record: T } | { readonly fault: string } | undefined;
/** One of both is there. */
export type CutRecord<T> = { readonly line: number; readonly record?: T; readonly fault?: string };
export type CutterOptions<T> = {
  /** Line ends between quotes belong to the record: RFC 4180, section 2.6. */
  readonly isQuoted: boolean;
  readonly recordMaxBytes: number;
  readonly decode: (text: string) => Decoded<T>;
};
/** Where the next record begins: in bytes of the file, and its line. `isSkipping`: in the middle of a line that is too long. */
export type CutterPlace = { readonly offset: number; readonly line: number; readonly isSkipping: boolean };
export const BEGINNING: CutterPlace = { offset: 0, line: 1, isSkipping: false };

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NOTHING: Buffer = Buffer.alloc(0);
const UNCLOSED = 'A quote is not closed';

export class RecordCutter<T> {
  readonly #options: CutterOptions<T>;
  #rest: Buffer | undefined;
  #line: number;
  /** In a line that is too long already. */
  #isSkipping: boolean;
  /** Of the file, up to the end of what was pushed. */
  #taken: number;

  /** @param from where the first bytes that are pushed come from */
  constructor(options: CutterOptions<T>, from: CutterPlace = BEGINNING) {
    this.#options = options;
    this.#taken = from.offset;
    this.#line = from.line;
    this.#isSkipping = from.isSkipping;
    if (from.offset > 0) this.#rest = NOTHING;
  }

  /** Behind the last record that `push` has answered. */
  get place(): CutterPlace {
    return { offset: this.#taken - (this.#rest?.length ?? 0), line: this.#line, isSkipping: this.#isSkipping };
  }

  /** @param isLast nothing comes behind these bytes */
  push(bytes: Buffer, isLast = false): CutRecord<T>[] {
    this.#taken += bytes.length;
    const isFirst = this.#rest === undefined;
    const whole = isFirst ? withoutMark(bytes) : Buffer.concat([this.#rest!, bytes]);
    const found: CutRecord<T>[] = [];
    let from = 0;
    while (from < whole.length) {
      const to = this.#next(whole, from, isLast, found);
      if (to === undefined) break;
      from = to;
    }
    this.#rest = isLast ? NOTHING : Buffer.from(whole.subarray(from));
    return found;
  }

  /** Where the next record begins; undefined: the end of this one is not there yet. */
  #next(whole: Buffer, from: number, isLast: boolean, found: CutRecord<T>[]): number | undefined {
    const { recordMaxBytes } = this.#options;
    const newline = whole.indexOf(NEWLINE, from);
    const lineEnd = newline < 0 ? whole.length : newline;
    if (this.#isSkipping) {
      this.#isSkipping = newline < 0;
      if (newline >= 0) this.#line++;
      return lineEnd + 1;
    }
    if (lineEnd - from > recordMaxBytes) {
      found.push({ line: this.#line, fault: `The line has more than ${recordMaxBytes} bytes` });
      this.#isSkipping = newline < 0;
      if (newline >= 0) this.#line++;
      return lineEnd + 1;
    }
    const end = this.#endOf(whole, from, isLast);
    const isTooLong = (end ?? whole.length) - from > recordMaxBytes;
    if (end === undefined && !isLast && !isTooLong) return undefined;
    // A quote that is not closed up to there: the lines behind it are records of their own, as far as anybody knows.
    if (end === undefined || isTooLong) return this.#lost(lineEnd, UNCLOSED, found);
    return this.#take(whole.subarray(from, end), lineEnd - from, from, found);
  }

  /** @param firstLine how many bytes its first line has */
  #take(bytes: Buffer, firstLine: number, from: number, found: CutRecord<T>[]): number {
    const text = isUtf8(bytes) ? bytes.toString().replace(/\r$/, '') : undefined;
    const decoded: Decoded<T> = text === undefined ? { fault: 'It is not UTF-8' } : this.#decoded(text);
    const isManyLines = firstLine < bytes.length;
    if (decoded !== undefined && 'fault' in decoded && isManyLines)
      return this.#lost(from + firstLine, decoded.fault, found);
    if (decoded !== undefined) found.push({ line: this.#line, ...decoded });
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) this.#line++;
    this.#line++;
    return from + bytes.length + 1;
  }

  #decoded = (text: string): Decoded<T> => (text.trim() === '' ? undefined : this.#options.decode(text));

  #lost(lineEnd: number, fault: string, found: CutRecord<T>[]): number {
    found.push({ line: this.#line, fault });
    this.#line++;
    return lineEnd + 1;
  }

  /** Of the record that begins there: where its line end is, or the end of the file. Undefined: not in these bytes. */
  #endOf(whole: Buffer, from: number, isLast: boolean): number | undefined {
    let isOpen = false;
    for (let at = from; at < whole.length; at++) {
      if (whole[at] === QUOTE && this.#options.isQuoted) isOpen = !isOpen;
      else if (whole[at] === NEWLINE && !isOpen) return at;
      if (at - from > this.#options.recordMaxBytes) return undefined;
    }
    return isLast && !isOpen ? whole.length : undefined;
  }
}

const withoutMark = (bytes: Buffer): Buffer =>
  bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
