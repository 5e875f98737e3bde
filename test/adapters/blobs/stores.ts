/** The stores that there are, each ready for a test and empty. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalFolder } from '../../../adapters/blobs/local-folder.ts';
import { openBucket } from '../../../adapters/blobs/s3.ts';
import type { BucketAddress } from '../../../contracts/blob-address.ts';
import type { BlobErrorKind, BlobStore } from '../../../contracts/blobs.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { BUCKET, CREDENTIALS, startS3Server } from './s3-server.ts';

export type OpenStore = { readonly store: BlobStore; stop(): Promise<void> };

/** S3's smallest part has 5 MiB; s3rver takes any. */
export const PART_BYTES = 64 * 1024;
export const S3_LIMITS = { blobPartMaxBytes: PART_BYTES, blobTimeoutMs: 5_000, blobAttempts: 4, blobRetryMs: 1 };

export const bucketAt = (port: number, more: Partial<BucketAddress> = {}): BucketAddress => ({
  kind: 'bucket',
  bucket: BUCKET,
  prefix: 'skein/Site-1/',
  endpoint: `http://127.0.0.1:${port}`,
  region: 'eu-central-1',
  pathStyle: true,
  ...more,
});

export const STORES: Readonly<Record<string, () => Promise<OpenStore>>> = {
  async 'a local folder'() {
    const root = await mkdtemp(join(tmpdir(), 'skein-blobs-'));
    const store = await openLocalFolder(root, LIMITS);
    return { store, stop: () => rm(root, { recursive: true, force: true }) };
  },
  async 'a bucket of S3'() {
    const server = await startS3Server();
    return { store: openBucket(bucketAt(server.port), CREDENTIALS, S3_LIMITS), stop: () => server.stop() };
  },
};

export const kind = (wanted: BlobErrorKind) => (error: unknown) =>
  (error as { name?: string; kind?: string }).name === 'BlobError' && (error as { kind: string }).kind === wanted;

/** Bytes that differ everywhere, so that a part in the wrong place is noticed. */
export function someBytes(count: number): Buffer {
  const bytes = Buffer.allocUnsafe(count);
  for (let at = 0; at < count; at++) bytes[at] = (at * 7 + (at >> 8) * 13 + (at >> 16)) & 0xff;
  return bytes;
}

export async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

export const textBody = (text: string): AsyncGenerator<Uint8Array> => inChunks(Buffer.from(text), 5);

export async function wholeOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(body));
}

export const keysOf = async (store: BlobStore, prefix = ''): Promise<string[]> =>
  (await Array.fromAsync(store.list(prefix))).map(it => it.key);
