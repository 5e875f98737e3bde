/**
 * Out of what S3 answers, the little that is needed: https://docs.aws.amazon.com/AmazonS3/latest/API/. Its XML is flat and has no attributes
 * where we look, and keys that are ours need no escaping.
 */
import { type Blob, BlobError, type BlobErrorKind, isBlobKey } from '../../contracts/blobs.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and what other makers have for a full store. */
const KINDS: Readonly<Record<string, BlobErrorKind>> = {
  NoSuchKey: 'not_found',
  QuotaExceeded: 'full',
  XMinioStorageFull: 'full',
  InternalError: 'unavailable',
  OperationAborted: 'unavailable',
  RequestTimeout: 'unavailable',
  ServiceUnavailable: 'unavailable',
  SlowDown: 'unavailable',
};
const BY_STATUS: Readonly<Record<number, BlobErrorKind>> = {
  401: 'refused',
  403: 'refused',
  429: 'unavailable',
  507: 'full',
};
const SAID: Readonly<Record<BlobErrorKind, string>> = {
  not_found: 'has no such blob',
  full: 'is full',
  unavailable: 'can not answer now',
  refused:
    'does not take our credentials, or they do not allow this: look at SKEIN_BLOBS_ACCESS_KEY_ID and its secret, and at the clock',
  failed: 'did not do what it was asked: look at SKEIN_BLOBS_URL',
};

/** The text of the first element of this name. */
export function elementOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.replace(
    /&(lt|gt|quot|apos|amp|#\d{1,5});/g,
    (_, entity: string) => ENTITIES[entity] ?? characterOf(entity),
  );
}
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
const characterOf = (entity: string): string => String.fromCodePoint(Number(entity.slice(1)));

/** The message names the store, the status and the code, and nothing else of what was sent or answered. */
export function s3Error(host: string, status: number, xml: string): BlobError {
  const code = /^\w{1,64}$/.exec(elementOf(xml, 'Code') ?? '')?.[0];
  const kind = KINDS[code ?? ''] ?? BY_STATUS[status] ?? (status >= 500 ? 'unavailable' : 'failed');
  return new BlobError(
    kind,
    `The blob store at ${host} ${SAID[kind]} (${status}${code === undefined ? '' : ` ${code}`})`,
  );
}

export type Page = { readonly blobs: readonly Blob[]; readonly next: string | undefined };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html. What others have put there is left out. */
export function pageOf(xml: string, prefix: string): Page {
  const blobs: Blob[] = [];
  for (const [, entry] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
    const key = elementOf(entry!, 'Key')?.slice(prefix.length) ?? '';
    if (isBlobKey(key)) blobs.push({ key, bytes: Number(elementOf(entry!, 'Size')) });
  }
  const isTruncated = elementOf(xml, 'IsTruncated') === 'true';
  return { blobs, next: isTruncated ? elementOf(xml, 'NextContinuationToken') : undefined };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export const completionOf = (tags: readonly string[]): string =>
  `<CompleteMultipartUpload>${tags
    .map((tag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${tag.replace(/[<>&]/g, '')}</ETag></Part>`)
    .join('')}</CompleteMultipartUpload>`;
