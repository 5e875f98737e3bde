/** A Parquet file that is a blob. */
import { BlobError, type BlobStore } from '../../contracts/blobs.ts';
import type { ParquetFile } from './parquet-file.ts';

/** Rejects with `not_found`. */
export async function parquetOfBlob(store: BlobStore, key: string): Promise<ParquetFile> {
  const byteLength = await store.size(key);
  if (byteLength === undefined) throw new BlobError('not_found', 'There is no such blob');
  return {
    byteLength,
    async slice(start, end) {
      const bytes = await store.read(key, start, end);
      // What the store gives may be a part of a larger buffer.
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
}
