/** Compressions of Parquet: https://parquet.apache.org/docs/file-format/data-pages/compression/ */
import { brotliDecompressSync, constants, gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type Compressors, snappyUncompress } from 'hyparquet';
import { ParquetError } from './parquet-error.ts';

/** Small and quick, and read by all current tools. */
export const OUR_CODEC = 'ZSTD';

/** With a checksum: a page that was changed does not become other values. */
export const zstdCompress = (bytes: Uint8Array): Uint8Array =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });

/** No page becomes larger than `maxBytes`, whatever it says of itself. */
export function decompressors(maxBytes: number): Compressors {
  const limited =
    (decompress: (bytes: Uint8Array, pageBytes: number) => Uint8Array) =>
    (bytes: Uint8Array, pageBytes: number): Uint8Array => {
      if (pageBytes > maxBytes)
        throw new ParquetError('too_large', `A page of the file has more than ${maxBytes} bytes`);
      return pageBytes === 0 ? new Uint8Array() : alone(decompress(bytes, pageBytes));
    };
  return {
    SNAPPY: limited((bytes, pageBytes) => {
      const page = new Uint8Array(pageBytes);
      snappyUncompress(bytes, page);
      return page;
    }),
    ZSTD: limited((bytes, pageBytes) => zstdDecompressSync(bytes, { maxOutputLength: pageBytes })),
    GZIP: limited((bytes, pageBytes) => gunzipSync(bytes, { maxOutputLength: pageBytes })),
    BROTLI: limited((bytes, pageBytes) => brotliDecompressSync(bytes, { maxOutputLength: pageBytes })),
  };
}

/** The library looks at the buffer behind a page: what else lies in it must not become values. */
const alone = (page: Uint8Array): Uint8Array =>
  page.byteLength === page.buffer.byteLength ? page : new Uint8Array(page);

export const READABLE_CODECS: ReadonlySet<string> = new Set(['UNCOMPRESSED', ...Object.keys(decompressors(0))]);
