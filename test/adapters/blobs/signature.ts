/** Whether a request is signed as S3 wants it: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export type SignedRequest = {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
};

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})$/;

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, it => `%${it.charCodeAt(0).toString(16).toUpperCase()}`);

export function isSigned(request: SignedRequest, accessKeyId: string, secretAccessKey: string): boolean {
  const [, id, day, region, names, signature] = AUTHORIZATION.exec(request.headers.authorization ?? '') ?? [];
  const hash = request.headers['x-amz-content-sha256'];
  if (id !== accessKeyId || names === undefined || hash !== sha256(request.body)) return false;
  const needed = ['host', 'x-amz-content-sha256', 'x-amz-date'];
  if (!needed.every(it => names.split(';').includes(it))) return false;
  const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day!), region!), 's3'), 'aws4_request');
  const stringToSign = [
    'AWS4-HMAC-SHA256',
    request.headers['x-amz-date'],
    `${day}/${region}/s3/aws4_request`,
    sha256(canonical(request, names.split(';'), hash)),
  ].join('\n');
  return hmac(key, stringToSign).toString('hex') === signature;
}

function canonical({ method, url, headers }: SignedRequest, names: readonly string[], hash: string): string {
  const { pathname, searchParams } = new URL(url, 'http://host');
  const path = decodeURIComponent(pathname).split('/').map(encoded).join('/');
  const query = [...searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).sort();
  return [
    method,
    path,
    query.join('&'),
    ...names.map(name => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    hash,
  ].join('\n');
}
