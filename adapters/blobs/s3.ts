/** Blobs in a bucket of S3, or of what speaks like it: MinIO, Ceph and others. */
import type { BucketAddress } from '../../contracts/blob-address.ts';
import {
  type Blob,
  BlobError,
  type BlobStore,
  type ByteRange,
  checkBlobKey,
  checkBlobPrefix,
  checkByteRange,
} from '../../contracts/blobs.ts';
import { gather } from './gather.ts';
import type { S3Answer } from './s3-answer.ts';
import { pageOf } from './s3-answers.ts';
import { type S3Credentials, type S3Limits, S3Requests } from './s3-requests.ts';
import { sizeOf, upload } from './s3-upload.ts';

const [OK, PARTIAL, CHANGED, BEYOND_END] = [200, 206, 412, 416];
const PAGE_BLOBS = '1000';

export const openBucket = (address: BucketAddress, credentials: S3Credentials, limits: S3Limits): BlobStore =>
  new Bucket(new S3Requests(address, credentials, limits));

class Bucket implements BlobStore {
  readonly #requests: S3Requests;

  constructor(requests: S3Requests) {
    this.#requests = requests;
  }

  async put(key: string, body: AsyncIterable<Uint8Array>): Promise<{ bytes: number }> {
    checkBlobKey(key);
    return upload(this.#requests, key, body);
  }

  async get(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    checkBlobKey(key);
    if (range !== undefined) checkByteRange(range);
    const { start, end } = range ?? { start: 0, end: Number.POSITIVE_INFINITY };
    if (start === end) {
      if ((await sizeOf(this.#requests, key)) === undefined) throw notFound();
      return nothing();
    }
    const answer = await this.#open(key, start, end);
    return answer.status === BEYOND_END ? nothing() : this.#bytes(key, answer, start, end);
  }

  async read(key: string, start: number, end: number): Promise<Uint8Array> {
    return gather(await this.get(key, { start, end }));
  }

  async size(key: string): Promise<number | undefined> {
    checkBlobKey(key);
    return sizeOf(this.#requests, key);
  }

  async remove(key: string): Promise<void> {
    checkBlobKey(key);
    await this.#requests.text({ method: 'DELETE', key }, OK, 204, 404);
  }

  async *list(prefix: string): AsyncGenerator<Blob> {
    checkBlobPrefix(prefix);
    const before = this.#requests.prefix;
    let next: string | undefined;
    do {
      const query = {
        'list-type': '2',
        'max-keys': PAGE_BLOBS,
        ...(before + prefix === '' ? {} : { prefix: before + prefix }),
        ...(next === undefined ? {} : { 'continuation-token': next }),
      };
      const page = pageOf(await this.#requests.text({ method: 'GET', query }, OK), before);
      yield* page.blobs;
      next = page.next;
    } while (next !== undefined);
  }

  async close(): Promise<void> {
    this.#requests.close();
  }

  /** With a tag: only while it is still the same blob. */
  #open(key: string, start: number, end: number, tag?: string): Promise<S3Answer> {
    const isWhole = start === 0 && end === Number.POSITIVE_INFINITY;
    const last = end === Number.POSITIVE_INFINITY ? '' : end - 1;
    const headers = {
      ...(isWhole ? {} : { range: `bytes=${start}-${last}` }),
      ...(tag === undefined ? {} : { 'if-match': tag }),
    };
    const wanted = isWhole ? [OK] : [PARTIAL, BEYOND_END];
    return this.#requests.send({ method: 'GET', key, headers }, ...wanted, ...(tag === undefined ? [] : [CHANGED]));
  }

  /** A connection that breaks, perhaps because the consumer took its time, is made again from where it broke. */
  async *#bytes(key: string, first: S3Answer, start: number, end: number): AsyncGenerator<Uint8Array> {
    const tag = first.header('etag');
    let answer = first;
    let at = start;
    for (let attempt = 1; ; ) {
      try {
        for await (const chunk of answer.bytes()) {
          at += chunk.byteLength;
          attempt = 1;
          yield chunk;
        }
        return;
      } catch (error) {
        if (!(error instanceof BlobError) || attempt >= this.#requests.limits.blobAttempts || tag === undefined)
          throw error;
      }
      await this.#requests.backOff(attempt++);
      if (at >= end) return;
      answer = await this.#open(key, at, end, tag);
      if (answer.status === BEYOND_END) return answer.leave();
      if (answer.status === CHANGED) throw changed(answer);
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

const notFound = (): BlobError => new BlobError('not_found', 'There is no such blob');

function changed(answer: S3Answer): BlobError {
  answer.leave();
  return new BlobError('unavailable', 'The blob was replaced while it was read: read it again');
}
