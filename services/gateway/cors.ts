/** Which web pages of other origins may ask: those of a list. https://fetch.spec.whatwg.org/#http-cors-protocol */
import type { IncomingMessage } from 'node:http';
import type { HeaderList } from './answer-headers.ts';

const REQUEST_HEADERS =
  'authorization, content-type, idempotency-key, if-match, if-none-match, if-range, range, x-request-id';
const EXPOSED_HEADERS = 'accept-ranges, content-disposition, content-range, etag, location, retry-after, x-request-id';
/** How long a browser may remember what it was allowed. */
const PREFLIGHT_MAX_AGE_SECONDS = '600';

const NONE: Readonly<Record<string, string>> = {};

export type Cors = {
  /** The headers of every answer. */
  answer(request: IncomingMessage): HeaderList;
  /** Those of an answer to OPTIONS, besides. */
  preflight(request: IncomingMessage, methods: readonly string[]): Readonly<Record<string, string>>;
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
  // Caches in between must not give the answer for one origin to another.
  const vary: HeaderList = origins.length > 0 ? ['Vary', 'Origin'] : [];
  const allowed = ({ headers: { origin } }: IncomingMessage): string | undefined => {
    if (origin === undefined) return undefined;
    return all ? '*' : listed.has(origin) ? origin : undefined;
  };
  return {
    answer(request) {
      const origin = allowed(request);
      if (origin === undefined) return vary;
      return [...vary, 'Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', EXPOSED_HEADERS];
    },
    preflight(request, methods) {
      if (allowed(request) === undefined || request.headers['access-control-request-method'] === undefined) return NONE;
      return {
        'Access-Control-Allow-Methods': methods.join(', '),
        'Access-Control-Allow-Headers': REQUEST_HEADERS,
        'Access-Control-Max-Age': PREFLIGHT_MAX_AGE_SECONDS,
      };
    },
  };
}
