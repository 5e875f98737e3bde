/** What becomes of a request that failed in the gateway. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { SkeinError } from '../../contracts/errors.ts';
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
export type RoutedRequest = IncomingMessage & {
  $alias?: Alias;
  /** The path as it came: the gateway cuts `url` to what is below its prefix. */
  readonly originalUrl?: string;
};

/** Answers with the problem document, and logs what is not the caller's doing: one line, with the id that the caller was told. */
export function fail(
  log: Logger,
  aliases: readonly Alias[],
  request: RoutedRequest,
  response: ServerResponse,
  error: Error,
): void {
  const requestId = requestIdOf(request);
  // To the gateway, a path without this method and a path that is not there look the same.
  if (error.name === 'NotFoundError' && !(error instanceof SkeinError)) {
    const methods = methodsAt(aliases, request.originalUrl ?? request.url ?? '/').join(', ');
    // A part of it is longer than any that is looked for.
    if (methods === '' || methods.split(', ').includes(request.method ?? ''))
      return sendProblem(response, problem('not_found', 'There is no such path', requestId));
    const told = problem('method_not_allowed', `This path answers ${methods}`, requestId);
    return sendProblem(response, told, { Allow: methods });
  }
  const told = problemOf(error, requestId, request.method !== 'GET');
  const { type, status } = told;
  const action = request.$alias?.endpoint.action;
  if (type === 'internal') log.error({ err: error, requestId, status, type, action }, 'A request failed');
  else if (status >= 500) log.warn({ requestId, status, type, action, detail: told.detail }, 'A request failed');
  sendProblem(response, told, retryHeader(error));
}

/** When it is known how long to wait, in whole seconds: RFC 9110, section 10.2.3. */
function retryHeader(error: Error & { data?: { retryAfterMs?: unknown } }): Record<string, string> {
  const waitMs = error.data?.retryAfterMs;
  return typeof waitMs === 'number' ? { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) } : {};
}

/** The methods that a path answers, for `Allow`; empty for a path that there is not. `*` is the server as a whole. */
export function methodsAt(aliases: readonly Alias[], url: string): string[] {
  const path = url.split('?', 1)[0]!.replace(/(.)\/$/, '$1');
  const methods = new Set(aliases.filter(it => path === '*' || it.re.test(path)).map(it => it.method));
  if (methods.has('GET')) methods.add('HEAD');
  if (methods.size > 0) methods.add('OPTIONS');
  return [...methods].sort();
}
