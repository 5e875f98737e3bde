/** Requests that are broken before they are requests: Node's parser gives an error and a socket. */
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { ErrorType } from '../../contracts/errors.ts';
import { problem } from './problem.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

const LINGER_MS = 1_000;

const MEANING: Readonly<Record<string, readonly [ErrorType, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'The request line and the headers are too long'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['too_large', 'The chunk extensions are too long'],
  ERR_HTTP_REQUEST_TIMEOUT: ['invalid_request', 'The request did not arrive in time'],
};
const BROKEN = ['invalid_request', 'This is not an HTTP request'] as const;

export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const told = problem(...(MEANING[error.code ?? ''] ?? BROKEN), randomUUID());
  const body = JSON.stringify(told);
  // A socket that is closed at once, with bytes unread, would reset the connection before the answer was seen.
  const linger = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(linger));
  socket.on('error', () => {});
  socket.end(
    [
      `HTTP/1.1 ${told.status} ${told.title}`,
      'Connection: close',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      `X-Request-Id: ${told.requestId}`,
      ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
      '',
      body,
    ].join('\r\n'),
  );
}
