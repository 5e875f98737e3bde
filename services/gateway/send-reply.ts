/** Writes an answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import type { Reply } from './endpoint.ts';
import { wantsNoBody } from './front-door.ts';

const NOT_MODIFIED = 304;

/** The body of an answer is a stream, a text or bytes of its content type, or else becomes JSON. */
export function sendReply(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  const { status, headers = {}, body, contentType } = reply;
  if (request.method === 'GET' && isFresh(request.headers['if-none-match'], headers.ETag)) {
    response.writeHead(NOT_MODIFIED, { 'Cache-Control': 'private, no-cache', ...headers }).end();
    return;
  }
  const type = { 'Cache-Control': 'private, no-cache', 'Content-Type': contentType ?? 'application/json' };
  if (body instanceof Readable) {
    response.writeHead(status, { ...type, ...headers });
    if (wantsNoBody(request)) {
      body.destroy();
      response.end();
      return;
    }
    // Whatever ends it early ends the connection as well: a client must not take a part for the whole.
    pipeline(body, response, () => {});
    return;
  }
  const content = contentType === undefined ? JSON.stringify(body) : (body as string | Uint8Array);
  // Encoded once: a text would be measured first, and joined to its headers before it is encoded.
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  response.writeHead(status, { ...type, 'Content-Length': bytes.byteLength, ...headers });
  response.end(bytes);
}

/** RFC 9110, section 13.1.2: a weak comparison. */
function isFresh(ifNoneMatch: string | undefined, etag: string | undefined): boolean {
  if (ifNoneMatch === undefined || etag === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const plain = (tag: string): string => tag.trim().replace(/^W\//, '');
  return ifNoneMatch.split(',').some(tag => plain(tag) === plain(etag));
}
