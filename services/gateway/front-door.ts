/** What every request passes first: its id, the headers of every answer, HEAD and OPTIONS, and the page at `/docs`. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { cors } from './cors.ts';
import { answerDocs, docsMethodsAt } from './docs-page.ts';
import { problem, sendProblem } from './problem.ts';
import { beginHeaders, writeHead } from './security-headers.ts';

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
    beginHeaders(request, response, requestId);
    pages.answer(request, response);
    if (!open) {
      sendProblem(response, problem('unavailable', 'This process is stopping', requestId), { Connection: 'close' });
      return;
    }
    if (request.method === 'OPTIONS') {
      const url = request.url ?? '/';
      const methods = [...methodsOf(url), ...docsMethodsAt(url)];
      pages.preflight(request, response, methods);
      options(response, methods, requestId);
      return;
    }
    // RFC 9110, section 9.3.2: HEAD is GET without the body, which Node leaves out by itself.
    if (request.method === 'HEAD') request.method = 'GET';
    if (!answerDocs(request, response, requestId)) pass(request, response);
  };
  return {
    listener,
    close() {
      open = false;
    },
  };
}

const REQUEST_NAME = Symbol('id of the request');
type Named = IncomingMessage & { [REQUEST_NAME]?: string };
export const requestIdOf = (request: IncomingMessage): string => String((request as Named)[REQUEST_NAME]);

function nameRequest(request: IncomingMessage): string {
  const { headers } = request;
  const given = headers['x-request-id'];
  const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
  (request as Named)[REQUEST_NAME] = id;
  // Else the gateway would set them as headers of the answer once more, without a look at what is in them.
  delete headers['x-request-id'];
  delete headers['x-correlation-id'];
  return id;
}

function options(response: ServerResponse, methods: string[], requestId: string): void {
  if (methods.length === 0) sendProblem(response, problem('not_found', 'There is no such path', requestId));
  else writeHead(response, 204, { Allow: methods.join(', ') }).end();
}
