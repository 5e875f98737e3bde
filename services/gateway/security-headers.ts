/** Headers of every answer that tell browsers what not to do with it. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { HeaderList } from './answer-headers.ts';

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

const OVER_HTTP: HeaderList = Object.entries(SECURITY_HEADERS).flat();
const OVER_HTTPS: HeaderList = [...OVER_HTTP, 'Strict-Transport-Security', HSTS];

/** RFC 6797, section 7.2: Strict-Transport-Security is said over HTTPS only. */
export const securityHeaders = ({ socket }: IncomingMessage): HeaderList =>
  (socket as TLSSocket).encrypted === true ? OVER_HTTPS : OVER_HTTP;
