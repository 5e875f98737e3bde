/** Which web pages of other origins may ask: those of a list. https://fetch.spec.whatwg.org/#http-cors-protocol */
import type { IncomingMessage, ServerResponse } from 'node:http';

const REQUEST_HEADERS = 'authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id';
const EXPOSED_HEADERS = 'etag, location, retry-after, x-request-id';
/** How long a browser may remember what it was allowed. */
const PREFLIGHT_MAX_AGE_SECONDS = '600';

export type Cors = {
  /** The headers of every answer. */
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** Those of an answer to OPTIONS, besides. */
  preflight(request: IncomingMessage, response: ServerResponse, methods: readonly string[]): void;
};

/**
 * Who is calling is said by a header that pages set themselves, never by what browsers add by themselves, so credentials are never allowed.
 * An origin that is not listed gets no header at all, and its browser keeps the answer from the page.
 *
 * @param origins like `https://example.org`; `*` is all
 */
export function cors(origins: readonly string[]): Cors {
  const all = origins.includes('*');
  const listed = new Set(origins);
  const allowed = ({ headers: { origin } }: IncomingMessage): string | undefined => {
    if (origin === undefined) return undefined;
    return all ? '*' : listed.has(origin) ? origin : undefined;
  };
  return {
    answer(request, response) {
      // Caches in between must not give the answer for one origin to another.
      if (origins.length > 0) response.setHeader('Vary', 'Origin');
      const origin = allowed(request);
      if (origin === undefined) return;
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS);
    },
    preflight(request, response, methods) {
      if (allowed(request) === undefined || request.headers['access-control-request-method'] === undefined) return;
      response.setHeader('Access-Control-Allow-Methods', methods.join(', '));
      response.setHeader('Access-Control-Allow-Headers', REQUEST_HEADERS);
      response.setHeader('Access-Control-Max-Age', PREFLIGHT_MAX_AGE_SECONDS);
    },
  };
}
