/**
 * An S3 server for tests: s3rver, which does not look at signatures of version 4 and has no way to abort an upload, behind a front that does
 * both, and that fails as it is told.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pageOfAll } from './list-pages.ts';
import { isSigned } from './signature.ts';

type Rver = { run(): Promise<AddressInfo>; close(): Promise<void>; httpServer: { closeAllConnections(): void } };
const S3rver = createRequire(import.meta.url)('s3rver') as new (options: object) => Rver;

export const BUCKET = 'archive';
export const CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'only+for/tests' };

/** What becomes of a request: a status with nothing done, its answer cut after the first bytes or withheld, or undefined: as it should be. */
export type Fault = number | 'cut' | 'lost' | 'silent' | undefined;
export type Seen = {
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly range: string | undefined;
  readonly bytes: number;
};

export type S3Server = {
  readonly port: number;
  readonly seen: Seen[];
  fault: (request: Seen) => Fault;
  /** Keys of a page of a list, instead of the 1,000 that it is asked for. */
  pageKeys: number;
  /** Uploads that were begun and neither completed nor aborted. */
  openUploads(): Promise<string[]>;
  stop(): Promise<void>;
};

export async function startS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'skein-s3-'));
  const rver = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    serviceEndpoint: 'localhost',
    configureBuckets: [{ name: BUCKET }],
  });
  const { port: target } = await rver.run();
  const uploads = join(directory, BUCKET, '._S3rver_uploads');
  const server: S3Server = {
    port: 0,
    seen: [],
    fault: () => undefined,
    pageKeys: 1_000,
    openUploads: () => readdir(uploads).catch(() => []),
    async stop() {
      front.close();
      front.closeAllConnections();
      rver.httpServer.closeAllConnections();
      await rver.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  const front = createServer(async (incoming, answer) => {
    const body = Buffer.concat(await incoming.toArray());
    const { method = '', url = '', headers } = incoming;
    if (!isSigned({ method, url, headers, body }, CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey))
      return void answer.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
    const seen = { method, url, host: headers.host ?? '', range: headers.range, bytes: body.length };
    server.seen.push(seen);
    const fault = server.fault(seen);
    if (fault === 'silent') return;
    if (typeof fault === 'number') return void answer.writeHead(fault).end('<Error><Code>Told</Code></Error>');
    const { pathname, searchParams } = new URL(url, 'http://host');
    const uploadId = searchParams.get('uploadId');
    if (uploadId !== null && method === 'DELETE') {
      await rm(join(uploads, uploadId), { recursive: true, force: true });
      return void answer.writeHead(204).end();
    }
    if (uploadId !== null && !(await server.openUploads()).includes(uploadId))
      return void answer.writeHead(404).end('<Error><Code>NoSuchUpload</Code></Error>');
    const back = await forward(incoming, url.replace(/&continuation-token=[^&]*/, ''), body, target);
    const isList = searchParams.has('list-type') && back.status === 200;
    const token = searchParams.get('continuation-token');
    const content = isList ? Buffer.from(pageOfAll(back.content.toString(), token, server.pageKeys)) : back.content;
    if (isList) assert.match(pathname, /^\/(archive\/)?$/);
    if (fault === 'lost') return void answer.destroy();
    answer.writeHead(back.status, { ...back.headers, ...(method !== 'HEAD' && { 'content-length': content.length }) });
    if (fault !== 'cut') return void answer.end(content);
    answer.write(content.subarray(0, Math.ceil(content.length / 2)), () => setImmediate(() => answer.destroy()));
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  return Object.assign(server, { port: (front.address() as AddressInfo).port });
}

type Back = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly content: Buffer };

async function forward({ method, headers }: IncomingMessage, path: string, body: Buffer, port: number): Promise<Back> {
  // s3rver takes an end of 0 for none.
  const isFirstByte = headers.range === 'bytes=0-0';
  const onward = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: isFirstByte ? { ...headers, range: 'bytes=0-1' } : headers,
  });
  onward.end(body);
  const [back] = (await once(onward, 'response')) as [IncomingMessage];
  const content = Buffer.concat(await back.toArray());
  return {
    status: back.statusCode ?? 500,
    headers: back.headers,
    content: isFirstByte ? content.subarray(0, 1) : content,
  };
}
