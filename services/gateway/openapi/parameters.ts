/** What a request says outside of its body. */
import type { Description, Schema } from '../descriptions/description.ts';
import type { Endpoint } from '../endpoint.ts';
import { isOptional, schemaOfRule } from './schema-of-rule.ts';

type Parameter = Record<string, unknown>;

/** `/devices/:id` -> `/devices/{id}`. */
export const openApiPath = (path: string): string => path.replace(/:(\w+)/g, '{$1}');
export const namesInPath = (path: string): string[] => [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);

/** Said by If-Match and If-None-Match. */
const BY_HEADER = ['version', 'exists'];

/** The rules of the action that neither the path nor a header supplies. */
export function rulesLeft({ path, rules }: Endpoint, { omits = [] }: Description): Endpoint['rules'] {
  const elsewhere = new Set([...namesInPath(path), ...BY_HEADER, ...omits]);
  return Object.fromEntries(Object.entries(rules).filter(([name]) => !elsewhere.has(name) && !name.startsWith('$$')));
}

export const changesAVersion = ({ method, rules }: Endpoint): boolean => method !== 'GET' && 'version' in rules;

export function parametersOf(endpoint: Endpoint, description: Description): Parameter[] {
  return [
    ...namesInPath(endpoint.path).map(name => inPath(name, endpoint)),
    ...inQuery(endpoint, description),
    ...(endpoint.creates ? [headerRef('IdempotencyKey')] : []),
    ...(changesAVersion(endpoint) ? [headerRef('IfMatch')] : []),
    ...('exists' in endpoint.rules && endpoint.method !== 'GET' ? [headerRef('IfNoneMatchAny')] : []),
  ];
}

const headerRef = (name: string): Parameter => ({ $ref: `#/components/parameters/${name}` });

const inPath = (name: string, { rules }: Endpoint): Parameter => ({
  name,
  in: 'path',
  required: true,
  schema: rules[name] === undefined ? { type: 'string' } : { ...schemaOfRule(rules[name]) },
});

/** Paging is the same everywhere, unless the path says otherwise. */
const SHARED: Readonly<Record<string, string>> = { limit: 'Limit', cursor: 'Cursor' };

function inQuery(endpoint: Endpoint, description: Description): Parameter[] {
  const { query = {} } = description;
  const { method, takesBody } = endpoint;
  const isInQuery = method === 'GET' || (method === 'DELETE' && takesBody === false);
  const left = isInQuery ? rulesLeft(endpoint, description) : {};
  const names = new Set([...Object.keys(left), ...Object.keys(query)]);
  return [...names].map(name => {
    const own = query[name];
    if (own === undefined && SHARED[name] !== undefined) return headerRef(SHARED[name]);
    const rule = left[name];
    const required = rule !== undefined && !isOptional(rule);
    return queryParameter(name, own ?? schemaOfRule(rule!), required);
  });
}

/** Lists are said as `a,b`. */
function queryParameter(name: string, { description, ...schema }: Schema, required: boolean): Parameter {
  const isList = schema.type === 'array';
  return {
    name,
    in: 'query',
    ...(required && { required }),
    ...(description !== undefined && { description }),
    ...(isList && { style: 'form', explode: false }),
    schema,
  };
}

/** For the document's components. */
export const sharedParameters = (listDefaultItems: number, listMaxItems: number): Record<string, Parameter> => ({
  Limit: {
    name: 'limit',
    in: 'query',
    description: 'How many items a page has at most. It may have fewer, or none, and not be the last one.',
    schema: { type: 'integer', minimum: 1, maximum: listMaxItems, default: listDefaultItems },
  },
  Cursor: {
    name: 'cursor',
    in: 'query',
    description: 'The `nextCursor` of the page before, with the same filters.',
    schema: { type: 'string' },
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'The same key with the same request again gives the same answer and does nothing twice. With another request: `idempotency_key_reused`.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,200}$' },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'The ETag of what is to be changed: refused with `stale_version` when it has another version by now. `*`: whatever it is.',
    schema: { type: 'string', examples: ['"3"'] },
  },
  IfNoneMatchAny: {
    name: 'If-None-Match',
    in: 'header',
    description: 'Make it only when there is none.',
    schema: { const: '*' },
  },
});
