/** Where large things lie that are written once: archives, exports, uploads. The port to a folder, or to a bucket. */

export type Blob = { readonly key: string; readonly bytes: number };
/** Bytes from `start` on, before `end`, as `slice` takes them. What is beyond the end of the blob is left out. */
export type ByteRange = { readonly start: number; readonly end: number };

export interface BlobStore {
  /**
   * Whole or not at all: others see it once it is complete and durable, and until then what was there before. When `body` throws, nothing
   * is stored, and its own error comes out.
   */
  put(key: string, body: AsyncIterable<Uint8Array>): Promise<{ readonly bytes: number }>;
  /** Rejects with `not_found`. Whoever does not want the rest ends the iteration. */
  get(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** Rejects with `not_found`. Fewer bytes when the blob ends before `end`. */
  read(key: string, start: number, end: number): Promise<Uint8Array>;
  /** Undefined: there is none. */
  size(key: string): Promise<number | undefined>;
  /** Also right when there is none. */
  remove(key: string): Promise<void>;
  /** All whose key begins so, in the order of their keys. What comes or goes meanwhile may be missing. */
  list(prefix: string): AsyncIterable<Blob>;
  /** What all blobs take, and how much more there is room for; only where asking costs nothing. */
  usage?(): Promise<{ readonly usedBytes: number; readonly freeBytes: number }>;
  close(): Promise<void>;
}

/**
 * - `not_found`: there is no such blob. - `full`: no room; nothing was stored. - `unavailable`: the same may succeed later.
 * - `refused`: the store does not take our credentials, or they don't allow this. - `failed`: anything else; a person has to look at it.
 */
export type BlobErrorKind = 'not_found' | 'full' | 'unavailable' | 'refused' | 'failed';

export class BlobError extends Error {
  readonly kind: BlobErrorKind;
  constructor(kind: BlobErrorKind, message: string) {
    super(message);
    this.name = 'BlobError';
    this.kind = kind;
  }
}

const KEY = /^[a-z0-9_.=-]{1,128}(?:\/[a-z0-9_.=-]{1,128})*$/;
const KEY_MAX_LENGTH = 512;

/** Names between slashes, of small letters, digits and `_ . = -`. None can lead out of the store, be it a folder or a path of a URL. */
export const isBlobKey = (key: string): boolean =>
  key.length <= KEY_MAX_LENGTH && KEY.test(key) && !key.includes('..') && !/(?:^|\/)\.(?:\/|$)/.test(key);

/** Throws a BlobError unless it is a key. */
export function checkBlobKey(key: string): void {
  if (!isBlobKey(key)) throw new BlobError('failed', 'This is not a key of a blob');
}

/** Of a key, as many characters as one likes. Throws a BlobError when no key can begin so. */
export function checkBlobPrefix(prefix: string): void {
  if (prefix !== '' && !isBlobKey(`${prefix}x`)) throw new BlobError('failed', 'No key of a blob begins like this');
}

/** Throws when these are no positions. */
export function checkByteRange({ start, end }: ByteRange): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start)
    throw new RangeError(`From ${start} to ${end} is no part of a blob`);
}
