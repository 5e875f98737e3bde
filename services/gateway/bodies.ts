/** The body of a request, as its path takes it. */
import type { IncomingMessage } from 'node:http';
import type { BlobStore } from '../../contracts/blobs.ts';
import type { Caller } from '../../contracts/contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Endpoint } from './endpoint.ts';
import { isBodyless, jsonBody } from './json-body.ts';

/** Undefined: there is none, or the path takes none. Rejects with an error of the table. */
export function bodyOf(
  ctx: Caller,
  request: IncomingMessage,
  query: Readonly<Record<string, unknown>>,
  { takesBody, upload, isPublic }: Endpoint,
  limits: Limits,
  blobs: BlobStore,
): Promise<unknown> | undefined {
  if (upload !== undefined) return upload.take({ ctx, request, query, limits, blobs });
  if (takesBody === false || (takesBody === 'optional' && isBodyless(request))) return undefined;
  // Of somebody who is not known yet only a little is read.
  return jsonBody(request, isPublic ? limits.requestPublicMaxBytes : limits.requestMaxBytes);
}
