/** What becomes of a request that failed in the gateway. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Endpoint } from './endpoint.ts';
import { requestIdOf } from './front-door.ts';
import { problem, problemOf, sendProblem } from './problem.ts';

/** As the gateway's mixin makes it of one line of the table. */
export type Alias = {
  readonly method: string;
  readonly fullPath: string;
  readonly re: RegExp;
  readonly route: unknown;
  readonly endpoint: Endpoint;
};

/** To the table of paths, a path without this method and a path that is not there look the same. */
export function noSuchPath(aliases: readonly Alias[], request: IncomingMessage, response: ServerResponse): void {
  const requestId = requestIdOf(request);
  const methods = methodsAt(aliases, request.url ?? '/');
  // A part of it is longer than any that is looked for.
  if (methods.length === 0 || methods.includes(request.method ?? ''))
    return sendProblem(response, problem('not_found', 'There is no such path', requestId));
  const allowed = methods.join(', ');
  const told = problem('method_not_allowed', `This path answers ${allowed}`, requestId);
  sendProblem(response, told, { Allow: allowed });
}

/**
 * Answers with the problem document, and logs what is not the caller's doing: one line, with the id that the caller was told.
 *
 * @param action undefined: it did not come so far
 */
export function fail(
  log: Logger,
  request: IncomingMessage,
  response: ServerResponse,
  error: Error,
  action: string | undefined,
): void {
  const requestId = requestIdOf(request);
  const told = problemOf(error, requestId, request.method !== 'GET');
  const { type, status } = told;
  if (type === 'internal') log.error({ err: error, requestId, status, type, action }, 'A request failed');
  else if (status >= 500) log.warn({ requestId, status, type, action, detail: told.detail }, 'A request failed');
  sendProblem(response, told, { ...retryHeader(error), ...rangeHeader(error) });
}

/** When it is known how long to wait, in whole seconds: RFC 9110, section 10.2.3. */
function retryHeader(error: Error & { data?: { retryAfterMs?: unknown } }): Record<string, string> {
  const waitMs = error.data?.retryAfterMs;
  return typeof waitMs === 'number' ? { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) } : {};
}

/** How long a file is of which more was asked for than it has: RFC 9110, section 15.5.17. */
function rangeHeader(error: Error & { data?: { contentRange?: unknown } }): Record<string, string> {
  const said = error.data?.contentRange;
  return typeof said === 'string' ? { 'Content-Range': said } : {};
}

/** The methods that a path answers, for `Allow`; empty for a path that there is not. `*` is the server as a whole. */
export function methodsAt(aliases: readonly Alias[], url: string): string[] {
  const path = url.split('?', 1)[0]!.replace(/(.)\/$/, '$1');
  const methods = new Set(aliases.filter(it => path === '*' || it.re.test(path)).map(it => it.method));
  if (methods.has('GET')) methods.add('HEAD');
  if (methods.size > 0) methods.add('OPTIONS');
  return [...methods].sort();
}
