/** What every request passes first: its id, the headers of every answer, HEAD and OPTIONS, and the page at `/docs`. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { guardAnswer } from './answer-headers.ts';
import { cors } from './cors.ts';
import { answerDocs, docsMethodsAt } from './docs-page.ts';
import { problem, sendProblem } from './problem.ts';
import { securityHeaders } from './security-headers.ts';

export type FrontDoor = { readonly listener: RequestListener; close(): void };

/** What a caller may choose as its request's id; anything else gets one of ours, so that logs can't be forged. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/**
 * @param methodsOf the methods that a path answers; empty for a path that there is not
 * @param corsOrigins of these origins are the web pages that may ask
 */
export function frontDoor(
  pass: (request: IncomingMessage, response: ServerResponse) => void,
  methodsOf: (url: string) => string[],
  corsOrigins: readonly string[],
): FrontDoor {
  let open = true;
  const pages = cors(corsOrigins);
  const listener: RequestListener = (request, response) => {
    const requestId = nameRequest(request);
    guardAnswer(response, ['X-Request-Id', requestId, ...securityHeaders(request), ...pages.answer(request)]);
    if (!open) {
      sendProblem(response, problem('unavailable', 'This process is stopping', requestId), { Connection: 'close' });
      return;
    }
    if (request.method === 'OPTIONS') {
      const url = request.url ?? '/';
      const methods = [...methodsOf(url), ...docsMethodsAt(url)];
      options(response, methods, requestId, pages.preflight(request, methods));
      return;
    }
    // RFC 9110, section 9.3.2: HEAD is GET without the body, which Node leaves out by itself.
    if (request.method === 'HEAD') {
      request.method = 'GET';
      withoutBody.add(request);
    }
    if (!answerDocs(request, response, requestId)) pass(request, response);
  };
  return {
    listener,
    close() {
      open = false;
    },
  };
}

const withoutBody = new WeakSet<IncomingMessage>();
/** Whether it asked by HEAD: then what a stream has in it is not worth reading. */
export const wantsNoBody = (request: IncomingMessage): boolean => withoutBody.has(request);

export const requestIdOf = (request: IncomingMessage): string => String(request.headers['x-request-id']);

function nameRequest(request: IncomingMessage): string {
  const { headers } = request;
  const given = headers['x-request-id'];
  const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
  headers['x-request-id'] = id;
  // The gateway prefers this header when there is one, and does not look at what is in it.
  delete headers['x-correlation-id'];
  return id;
}

function options(
  response: ServerResponse,
  methods: string[],
  requestId: string,
  preflight: Readonly<Record<string, string>>,
): void {
  if (methods.length === 0) sendProblem(response, problem('not_found', 'There is no such path', requestId), preflight);
  else response.writeHead(204, { Allow: methods.join(', '), ...preflight }).end();
}
