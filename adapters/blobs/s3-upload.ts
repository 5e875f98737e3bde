/** A blob on its way into a bucket, in parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
import { BlobError } from '../../contracts/blobs.ts';
import { completionOf, elementOf } from './s3-answers.ts';
import type { S3Requests } from './s3-requests.ts';

const PARTS_MAX = 10_000;

/** Whole or not at all: parts are not seen until the last request says that they are one. */
export async function upload(
  requests: S3Requests,
  key: string,
  body: AsyncIterable<Uint8Array>,
): Promise<{ bytes: number }> {
  let bytes = 0;
  let uploadId: string | undefined;
  const tags: string[] = [];
  try {
    for await (const { content, isLast } of partsOf(body, requests.limits.blobPartMaxBytes)) {
      bytes += content.byteLength;
      if (isLast && tags.length === 0) {
        await requests.text({ method: 'PUT', key, body: content }, 200);
        return { bytes };
      }
      if (tags.length === PARTS_MAX) throw tooLarge(bytes);
      uploadId ??= await begin(requests, key);
      tags.push(await sendPart(requests, key, uploadId, tags.length + 1, content));
    }
    await complete(requests, key, uploadId!, tags, bytes);
    return { bytes };
  } catch (error) {
    // Parts cost as much as blobs. What can't be removed now is removed by a rule of the bucket.
    if (uploadId !== undefined) await abort(requests, key, uploadId).catch(() => {});
    throw error;
  }
}

type Part = { readonly content: Uint8Array; readonly isLast: boolean };

/** All parts but the last have exactly `partBytes`; there is always one, perhaps an empty one. */
export async function* partsOf(body: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Part> {
  let chunks: Uint8Array[] = [];
  let gathered = 0;
  for await (const chunk of body)
    for (let at = 0; at < chunk.byteLength; ) {
      if (gathered === partBytes) {
        const content = Buffer.concat(chunks);
        [chunks, gathered] = [[], 0];
        yield { content, isLast: false };
      }
      const piece = chunk.subarray(at, at + partBytes - gathered);
      chunks.push(piece);
      gathered += piece.byteLength;
      at += piece.byteLength;
    }
  yield { content: Buffer.concat(chunks), isLast: true };
}

async function begin(requests: S3Requests, key: string): Promise<string> {
  const xml = await requests.text({ method: 'POST', key, query: { uploads: '' } }, 200);
  const uploadId = elementOf(xml, 'UploadId');
  if (uploadId === undefined || uploadId === '') throw notUnderstood();
  return uploadId;
}

async function sendPart(
  requests: S3Requests,
  key: string,
  uploadId: string,
  number: number,
  body: Uint8Array,
): Promise<string> {
  const answer = await requests.send({ method: 'PUT', key, query: { partNumber: `${number}`, uploadId }, body }, 200);
  const tag = answer.header('etag');
  answer.leave();
  if (tag === undefined) throw notUnderstood();
  return tag;
}

/** An answer of 200 may still say that it failed: then the same request may succeed later. */
async function complete(
  requests: S3Requests,
  key: string,
  uploadId: string,
  tags: readonly string[],
  bytes: number,
): Promise<void> {
  const body = Buffer.from(completionOf(tags));
  for (let attempt = 1; ; attempt++) {
    const answer = await requests.send({ method: 'POST', key, query: { uploadId }, body }, 200, 404);
    const xml = await answer.text();
    if (answer.status === 200 && xml.includes('<CompleteMultipartUploadResult')) return;
    // An earlier attempt, whose answer was lost, may have made it one: then there is no such upload any more.
    if (answer.status === 404 && (await sizeOf(requests, key)) === bytes) return;
    if (answer.status === 404 || attempt >= requests.limits.blobAttempts)
      throw new BlobError('unavailable', 'The blob store could not put the parts of a blob together');
    await requests.backOff(attempt);
  }
}

async function abort(requests: S3Requests, key: string, uploadId: string): Promise<void> {
  await requests.text({ method: 'DELETE', key, query: { uploadId } }, 200, 204, 404);
}

/** Undefined: there is none. */
export async function sizeOf(requests: S3Requests, key: string): Promise<number | undefined> {
  const answer = await requests.send({ method: 'HEAD', key }, 200, 404);
  const bytes = Number(answer.header('content-length') ?? Number.NaN);
  answer.leave();
  if (answer.status === 404) return undefined;
  if (!Number.isSafeInteger(bytes)) throw notUnderstood();
  return bytes;
}

const notUnderstood = (): BlobError =>
  new BlobError('failed', 'The blob store answers as S3 does not: look at SKEIN_BLOBS_URL');
const tooLarge = (bytes: number): BlobError =>
  new BlobError('failed', `A blob of more than ${bytes} bytes needs larger parts: see SKEIN_LIMIT_BLOB_PART_MAX_BYTES`);
