/** The error table as components of the OpenAPI document, and which errors a path may answer with. */
import { ERRORS, type ErrorType } from '../../../contracts/errors.ts';
import type { Description, Schema } from '../descriptions/description.ts';
import type { Endpoint } from '../endpoint.ts';
import { changesAVersion } from './parameters.ts';

const REQUEST_ID = 'f4004959-187d-4332-8286-903f6402d1ed';
const TYPES = Object.keys(ERRORS) as ErrorType[];
/** Said before a request is one of any path. */
const BEFORE_ANY_PATH: readonly ErrorType[] = [
  'headers_too_large',
  'method_not_allowed',
  'not_owner',
  'moved',
  'fenced',
];

/** https://www.rfc-editor.org/rfc/rfc9457 */
export const PROBLEM: Schema = {
  type: 'object',
  description: 'A problem document (RFC 9457). Compare `type`: it never changes its meaning.',
  properties: {
    type: { enum: TYPES },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What is wrong here, for people.' },
    requestId: { type: 'string', description: 'Also the header X-Request-Id; the operator finds the request by it.' },
    errors: {
      type: 'array',
      description: 'One for each field that is not valid.',
      items: {
        type: 'object',
        properties: { field: { type: 'string' }, detail: { type: 'string' } },
        required: ['field', 'detail'],
        additionalProperties: false,
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'requestId'],
  additionalProperties: false,
};

export const problemExample = (type: ErrorType) => ({
  type,
  title: ERRORS[type].title,
  status: ERRORS[type].status,
  detail: type === 'invalid_request' ? 'limit must be a number' : ERRORS[type].title,
  requestId: REQUEST_ID,
  ...(type === 'invalid_request' && { errors: [{ field: 'limit', detail: 'must be a number' }] }),
});

const HEADERS: { readonly [status: number]: Record<string, unknown> } = {
  401: { 'WWW-Authenticate': { $ref: '#/components/headers/WWW-Authenticate' } },
  429: { 'Retry-After': { $ref: '#/components/headers/Retry-After' } },
  503: { 'Retry-After': { $ref: '#/components/headers/Retry-After' } },
};

function responseOf(types: readonly ErrorType[]): Record<string, unknown> {
  const { status } = ERRORS[types[0]!];
  return {
    description: types.map(type => `\`${type}\`: ${ERRORS[type].title}. ${ERRORS[type].todo}`).join('\n\n'),
    headers: { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' }, ...HEADERS[status] },
    content: {
      'application/problem+json': {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { type: { enum: [...types] } } }],
        },
        examples: Object.fromEntries(types.map(type => [type, { $ref: `#/components/examples/${type}` }])),
      },
    },
  };
}

export const problemResponses = (): Record<string, unknown> =>
  Object.fromEntries(TYPES.map(type => [type, responseOf([type])]));

export const problemExamples = (): Record<string, unknown> =>
  Object.fromEntries(TYPES.map(type => [type, { summary: ERRORS[type].title, value: problemExample(type) }]));

/** Every error that the path may answer with: its own, and what comes with a key, a body, a version, an Idempotency-Key. */
export function errorsOf(endpoint: Endpoint, { errors = [] }: Description): ErrorType[] {
  const { method, path, isPublic, takesBody, creates, access } = endpoint;
  const found: ErrorType[] = [...errors, 'invalid_request', 'internal', 'unavailable', 'overloaded', 'expired'];
  if (!isPublic) found.push('unauthorized', 'rate_limited');
  if (!isPublic && (access.needs !== 'signed-in' || access.device === undefined)) found.push('forbidden');
  if (path.includes(':')) found.push('not_found');
  if (takesBody !== false) found.push('invalid_json', 'too_large', 'unsupported_media_type');
  if (changesAVersion(endpoint)) found.push('stale_version');
  if (creates) found.push('idempotency_key_reused');
  if (method !== 'GET') found.push('unknown_outcome');
  return TYPES.filter(type => found.includes(type) && !BEFORE_ANY_PATH.includes(type));
}

/** One response for each status: OpenAPI has one only, though several errors may share it. */
export function problemsOf(types: readonly ErrorType[]): Record<string, unknown> {
  const byStatus = Map.groupBy(types, type => ERRORS[type].status);
  return Object.fromEntries(
    [...byStatus].map(([status, its]) => [
      String(status),
      its.length === 1 ? { $ref: `#/components/responses/${its[0]}` } : responseOf(its),
    ]),
  );
}
