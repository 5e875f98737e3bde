/** The bytes of a request that is a file, as they come, within their bounds. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { SkeinError } from '../../../contracts/errors.ts';

/** Read together: many small pieces cost more than they are worth. */
const PIECE_BYTES = 64 * 1024;
/** A small file may be compressed as well as it can be. */
const FREE_BYTES = 1024 * 1024;

/** Rejects with `too_large`, or with `invalid_request` when it ends early. */
export async function* arriving(request: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  let bytes = 0;
  let gathered: Buffer[] = [];
  let gatheredBytes = 0;
  try {
    // A request that was destroyed could not be answered.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      gathered.push(chunk);
      gatheredBytes += chunk.length;
      if (gatheredBytes < PIECE_BYTES) continue;
      yield Buffer.concat(gathered);
      gathered = [];
      gatheredBytes = 0;
    }
  } catch (error) {
    if (error instanceof SkeinError) throw error;
    throw new SkeinError('invalid_request', 'The body ended early');
  }
  if (gatheredBytes > 0) yield Buffer.concat(gathered);
}

/** Decompresses gzip. `maxTimes`: as large as what has come may become. */
export async function* expanded(
  compressed: AsyncIterable<Buffer>,
  maxBytes: number,
  maxTimes: number,
): AsyncGenerator<Buffer> {
  let arrived = 0;
  const counted = async function* () {
    for await (const bytes of compressed) {
      arrived += bytes.length;
      yield bytes;
    }
  };
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  const feeding = pipeline(Readable.from(counted(), { objectMode: false, highWaterMark: PIECE_BYTES }), gunzip);
  // What it fails with ends the loop as well.
  feeding.catch(() => {});
  let bytes = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      if (bytes > Math.max(FREE_BYTES, arrived * maxTimes))
        throw new SkeinError('too_large', `A compressed file may become at most ${maxTimes} times as large`);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof SkeinError) throw error;
    if (/^Z_/.test((error as NodeJS.ErrnoException).code ?? ''))
      throw new SkeinError('invalid_request', 'The body is no gzip, or it ended early');
    throw error;
  }
}

const tooLarge = (maxBytes: number): SkeinError => new SkeinError('too_large', `A file has at most ${maxBytes} bytes`);
