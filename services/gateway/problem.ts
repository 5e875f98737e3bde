/** Errors as problem documents: https://www.rfc-editor.org/rfc/rfc9457. Never a stack, an SQL text or a library's message. */
import type { ServerResponse } from 'node:http';
import { ERRORS, type ErrorType, errorTypeOf, isErrorType } from '../../contracts/errors.ts';
import { type FieldProblem, fieldProblems, parameterProblems } from '../../mixins/field-problems.ts';

export type Problem = {
  readonly type: ErrorType;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly requestId: string;
  /** One for each parameter that is not valid. */
  readonly errors?: readonly FieldProblem[];
};

export const problem = (type: ErrorType, detail: string, requestId: string, errors?: FieldProblem[]): Problem => ({
  type,
  title: ERRORS[type].title,
  status: ERRORS[type].status,
  detail,
  requestId,
  ...(errors && { errors }),
});

/** Errors of Moleculer and its gateway, by their type or name. */
const FOREIGN: Readonly<Record<string, readonly [ErrorType, string]>> = {
  UNABLE_DECODE_PARAM: ['invalid_request', 'The path is not encoded correctly'],
  SERVICE_NOT_FOUND: ['unavailable', 'No node runs this part of the system'],
  SERVICE_NOT_AVAILABLE: ['unavailable', 'No node runs this part of the system'],
  ServiceUnavailableError: ['unavailable', 'No node runs this part of the system'],
  REQUEST_REJECTED: ['unavailable', 'The node that should answer is gone'],
  REQUEST_SKIPPED: ['expired', 'It took too long'],
  REQUEST_TIMEOUT: ['expired', 'It took too long'],
  QUEUE_FULL: ['overloaded', 'Too many requests at once'],
};
/** After these a change may have happened all the same. */
const PERHAPS_DONE = new Set(['REQUEST_TIMEOUT', 'REQUEST_REJECTED']);

/** @param changes whether the request asks for a change: then a lost answer is an unknown outcome */
export function problemOf(error: unknown, requestId: string, changes: boolean): Problem {
  const { type, name, message, data } = error as { type?: string; name?: string; message?: string; data?: unknown };
  if (type === 'VALIDATION_ERROR') {
    const errors = fieldProblems(data);
    return problem('invalid_request', errors.map(it => `${it.field} ${it.detail}`).join('; '), requestId, errors);
  }
  if (changes && PERHAPS_DONE.has(type ?? ''))
    return problem('unknown_outcome', 'The answer did not come in time', requestId);
  const foreign = FOREIGN[type ?? ''] ?? FOREIGN[name ?? ''];
  if (foreign !== undefined) return problem(...foreign, requestId);
  if (!isErrorType(type) || type === 'internal')
    return problem('internal', 'Something went wrong inside; the operator finds it by the requestId', requestId);
  return problem(errorTypeOf(error), message ?? '', requestId, parameterProblems(data));
}

export function sendProblem(
  response: ServerResponse,
  told: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { type, status } = told;
  const retry: Record<string, string> =
    status === 429 || status === 503 || status === 507 ? { 'Retry-After': '1' } : {};
  const scheme: Record<string, string> = type === 'unauthorized' ? { 'WWW-Authenticate': 'Bearer' } : {};
  const body = JSON.stringify(told);
  response.writeHead(status, {
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    ...retry,
    ...scheme,
    ...headers,
  });
  response.end(body);
}
