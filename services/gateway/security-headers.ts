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

/** RFC 6797, section 7.2: Strict-Transport-Security is said over HTTPS only. */
export function setSecurityHeaders({ socket }: IncomingMessage, response: ServerResponse): void {
  for (const name in SECURITY_HEADERS) response.setHeader(name, SECURITY_HEADERS[name]!);
  if ((socket as TLSSocket).encrypted === true) response.setHeader('Strict-Transport-Security', HSTS);
}
