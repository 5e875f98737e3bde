/** Headers of every answer that tell browsers what not to do with it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  // An answer is data: if a browser shows it as a page, that page may do nothing, and be in no frame.
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/** A year. Subdomains may belong to somebody else. */
const HSTS = 'max-age=31536000';

/** Names and values by turns, as Node takes headers with the least work. */
const OVER_HTTP: readonly string[] = Object.entries(SECURITY_HEADERS).flat();
/** RFC 6797, section 7.2: Strict-Transport-Security is said over HTTPS only. */
const OVER_HTTPS: readonly string[] = [...OVER_HTTP, 'Strict-Transport-Security', HSTS];

const FIRST = Symbol('headers of every answer');
type Begun = ServerResponse & { [FIRST]?: readonly string[] };

/** What every answer of this response begins with. */
export function beginHeaders({ socket }: IncomingMessage, response: ServerResponse, requestId: string): void {
  const usual = (socket as TLSSocket).encrypted === true ? OVER_HTTPS : OVER_HTTP;
  (response as Begun)[FIRST] = ['X-Request-Id', requestId, ...usual];
}

/** In the place of the response's own: with the headers of every answer, where none of the same name is given. */
export function writeHead(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | number>>,
): ServerResponse {
  const all: string[] = [];
  const first = (response as Begun)[FIRST] ?? [];
  for (let i = 0; i < first.length; i += 2) if (!(first[i]! in headers)) all.push(first[i]!, first[i + 1]!);
  for (const name in headers) all.push(name, String(headers[name]));
  return response.writeHead(status, all);
}
