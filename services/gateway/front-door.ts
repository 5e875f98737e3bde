/** What every request passes first: its id, the headers of every answer, HEAD and OPTIONS. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { problem, sendProblem } from './problem.ts';

export type FrontDoor = { readonly listener: RequestListener; close(): void };

/** What a caller may choose as its request's id; anything else gets one of ours, so that logs can't be forged. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** @param methodsOf the methods that a path answers; empty for a path that there is not */
export function frontDoor(
  pass: (request: IncomingMessage, response: ServerResponse) => void,
  methodsOf: (url: string) => string[],
): FrontDoor {
  let open = true;
  const listener: RequestListener = (request, response) => {
    const requestId = nameRequest(request);
    response.setHeader('X-Request-Id', requestId);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
    response.setHeader('Referrer-Policy', 'no-referrer');
    if (!open) {
      sendProblem(response, problem('unavailable', 'This process is stopping', requestId), { Connection: 'close' });
      return;
    }
    if (request.method === 'OPTIONS') {
      options(response, methodsOf(request.url ?? '/'), requestId);
      return;
    }
    // RFC 9110, section 9.3.2: HEAD is GET without the body, which Node leaves out by itself.
    if (request.method === 'HEAD') request.method = 'GET';
    pass(request, response);
  };
  return {
    listener,
    close() {
      open = false;
    },
  };
}

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

function options(response: ServerResponse, methods: string[], requestId: string): void {
  if (methods.length === 0) sendProblem(response, problem('not_found', 'There is no such path', requestId));
  else response.writeHead(204, { Allow: methods.join(', ') }).end();
}
