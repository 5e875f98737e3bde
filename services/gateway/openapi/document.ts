/** The OpenAPI document: made of the table of paths, the rules of their actions, the error table and the descriptions. */
import { readFileSync } from 'node:fs';
import type { Limits } from '../../../contracts/limits.ts';
import { PERMISSIONS } from '../../../contracts/permissions.ts';
import type { Description } from '../descriptions/description.ts';
import { DESCRIPTIONS, TAGS } from '../descriptions/index.ts';
import { SCHEMAS } from '../descriptions/schemas/index.ts';
import type { Endpoint } from '../endpoint.ts';
import { operationOf } from './operation.ts';
import { openApiPath, sharedParameters } from './parameters.ts';
import { PROBLEM, problemExamples, problemResponses } from './problems.ts';

export type OpenApi = {
  readonly openapi: string;
  readonly paths: { readonly [path: string]: { readonly [method: string]: Record<string, unknown> } };
  readonly components: { readonly [kind: string]: Record<string, unknown> };
  readonly [field: string]: unknown;
};

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export const lineOf = ({ method, path }: Pick<Endpoint, 'method' | 'path'>): string => `${method} ${path}`;

/** Paths that nobody has described. */
export const undescribed = (endpoints: readonly Endpoint[]): string[] =>
  endpoints.map(lineOf).filter(line => DESCRIPTIONS[line as keyof typeof DESCRIPTIONS] === undefined);

/** @param endpoints all of them; whoever makes them knows the document as one of them, so it can't ask for them itself */
export function openApiDocument(endpoints: readonly Endpoint[], limits: Limits): OpenApi {
  const described = endpoints.map(endpoint => ({
    endpoint,
    description: DESCRIPTIONS[lineOf(endpoint) as keyof typeof DESCRIPTIONS] ?? nothingSaid(endpoint),
  }));
  const byPath = Map.groupBy(described, it => openApiPath(it.endpoint.path));
  const paths = [...byPath].map(([path, its]) => [
    path,
    Object.fromEntries(
      its.map(({ endpoint, description }) => [endpoint.method.toLowerCase(), operationOf(endpoint, description)]),
    ),
  ]);
  const used = new Set(described.map(it => it.description.tag));
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Skein',
      version,
      summary: 'An IoT backend in which every device is a small actor',
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/api/v1', description: 'This system. The same is below /api.' }],
    security: [{ apiKey: [] }, { accessToken: [] }, { mutualTls: [] }],
    tags: [...TAGS.filter(({ name }) => used.delete(name)), ...[...used].sort().map(name => ({ name }))],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: SECURITY_SCHEMES,
      headers: HEADERS,
      parameters: sharedParameters(limits.listDefaultItems, limits.listMaxItems),
      responses: problemResponses(),
      examples: problemExamples(),
      schemas: { Problem: PROBLEM, ...SCHEMAS },
    },
  };
}

/** A path is in the document whether or not somebody has described it: whoever reads it to find what can be asked must not miss one. */
const nothingSaid = (endpoint: Endpoint): Description => ({ tag: 'Other', summary: lineOf(endpoint), answers: {} });

const INTRODUCTION = `Parameters and fields that a path does not know are refused. Lists are read page by page: \`nextCursor\` is null at the end.
What can be changed has an \`ETag\`; \`If-Match\` guards a change. Each failure is a problem document (RFC 9457).

Permissions of roles:

${Object.entries(PERMISSIONS)
  .map(([name, what]) => `- \`${name}\`: ${what}`)
  .join('\n')}`;

const SECURITY_SCHEMES = {
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    description: '`Authorization: Bearer ska_...` (a program) or `skd_...` (a device).',
  },
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'The access token of a login, the token of a device, or a token of the configured OpenID Connect issuer.',
  },
  mutualTls: { type: 'mutualTLS', description: 'The certificate of a device, over HTTPS.' },
};

const HEADERS = {
  'X-Request-Id': { description: 'Names the request, in the logs too.', schema: { type: 'string' } },
  ETag: { description: 'The version, for If-Match and If-None-Match.', schema: { type: 'string' } },
  Location: { description: 'Where it is from now on.', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 0 } },
  'WWW-Authenticate': { description: 'How to say who you are.', schema: { type: 'string' } },
};
