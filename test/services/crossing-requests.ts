/** What can be asked with ids of somebody else: made of the OpenAPI document, so that a new path is asked too. */
import { randomUUID } from 'node:crypto';
import type { OpenApi } from '../../services/gateway/openapi/document.ts';
import type { Tenant } from './crossing-world.ts';
import { type AnySchema, type Operation, resolved } from './openapi-checks.ts';

export type Crossing = {
  /** `GET /devices/{id}`, and where the ids of somebody else are. */
  readonly what: string;
  readonly operation: Operation;
  readonly path: string;
  readonly body?: unknown;
  /** Nothing of somebody else is in it. */
  readonly isOwn?: true;
};
type Ids = Tenant['ids'];

/** Parameters of paths and queries, and fields of bodies, that name something, and in which collection that is. */
const REFERENCES: { readonly [name: string]: string } = {
  id: 'devices',
  deviceId: 'devices',
  device_id: 'devices',
  deviceIds: 'devices',
  type: 'device-types',
  deviceType: 'device-types',
  device_type: 'device-types',
  types: 'device-types',
  group: 'groups',
  groups: 'groups',
  jobId: 'jobs',
  scheduleId: 'schedules',
  locationId: 'locations',
  assetId: 'assets',
  slug: 'organizations',
  organization: 'organizations',
  roles: 'roles',
  email: 'emails',
  claimCode: 'claim-codes',
  provisioningKey: 'batches',
};
/** Where a name means something else. */
const ELSEWHERE: { readonly [path: string]: { readonly [name: string]: string } } = {
  '/assets': { id: 'assets', parentId: 'assets' },
  '/locations': { id: 'locations', parentId: 'locations' },
  '/provisioning/batches/{id}/devices/{deviceId}': { deviceId: 'listed' },
};
/** Those that name nothing that belongs to a tenant. A new one is to be listed here or above. */
const NEUTRAL = new Set([
  ...['measurement', 'timezone', 'fill', 'minQuality', 'flagged', 'points', 'stream', 'n', 'order'],
  ...['limit', 'cursor', 'state', 'status', 'kind', 'reason', 'command', 'nodeId', 'tag', 'wait', 'hours', 'at'],
  ...['from', 'to', 'interval', 'aggregate', 'measurements', 'claimed', 'format', 'form', 'authority', 'dryRun'],
  ...[
    'open',
    'expiringBefore',
    'expiringWithinDays',
    'actor',
    'act',
    'target',
    'address',
    'result',
    'after',
    'replayed',
  ],
]);
/** Fields of bodies that end like a reference and are none. */
const NO_REFERENCES = new Set(['messageId', 'sensorId']);

function collectionOf(path: string, name: string): string | undefined {
  const special = Object.entries(ELSEWHERE).find(([start]) => path.startsWith(start))?.[1];
  return special?.[name] ?? REFERENCES[name];
}

/** The collection of each parameter of a path: the segment before it, unless its name says it. `/groups/{name}/devices/{id}`: groups, devices. */
export function collectionsIn(path: string): { name: string; collection: string }[] {
  const segments = path.split('/');
  return segments.flatMap((segment, i) => {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) return [];
    const before = segments[i - 1]!;
    const named = name === 'id' ? undefined : collectionOf(path, name);
    return [{ name, collection: named ?? SAME_AS[`${segments[i - 2]}/${before}`] ?? SAME_AS[before] ?? before }];
  });
}
const SAME_AS: { readonly [collection: string]: string } = {
  device: 'devices',
  'telemetry/imports': 'telemetry-imports',
};

/** What nobody has given a sample of. The test has to be empty of these. */
export function unknownReferences(document: OpenApi, operations: readonly Operation[], ids: Ids): string[] {
  return operations.flatMap(({ method, path, parameters = [], requestBody }) => {
    const inPath = collectionsIn(path).filter(({ collection }) => ids[collection] === undefined);
    const inQuery = parameters.filter(
      it => it.in === 'query' && !NEUTRAL.has(it.name) && collectionOf(path, it.name) === undefined,
    );
    const inBody = fieldsIn(document, bodySchema(requestBody)).filter(
      name => /(Id|Ids|_id)$/.test(name) && collectionOf(path, name) === undefined && !NO_REFERENCES.has(name),
    );
    return [
      ...inPath.map(({ collection }) => `${method} ${path}: a maker for ${collection} (crossing-world.ts)`),
      ...inQuery.map(({ name }) => `${method} ${path}: what ${name} in the query names (crossing-requests.ts)`),
      ...inBody.map(name => `${method} ${path}: what ${name} in the body names (crossing-requests.ts)`),
    ];
  });
}

const bodySchema = (body: Operation['requestBody']): AnySchema => Object.values(body?.content ?? {})[0]?.schema;

/** The names of all fields that a body may have, however deep. */
function fieldsIn(document: OpenApi, schema: AnySchema, seen = new Set<unknown>()): string[] {
  if (typeof schema !== 'object' || schema === null || seen.has(schema)) return [];
  seen.add(schema);
  if (schema.$ref !== undefined) return fieldsIn(document, resolved<AnySchema>(document, schema), seen);
  const own = Object.keys(schema.properties ?? {});
  const inner = [
    ...Object.values(schema.properties ?? {}),
    schema.items,
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
  ];
  return [...new Set([...own, ...inner.flatMap(it => fieldsIn(document, it, seen))])];
}

/**
 * All that one can ask of an operation with the ids of somebody else: in one parameter of the path at a time (the others are one's
 * own), in one of the query, in each field of the body.
 */
export function crossingsOf(document: OpenApi, operation: Operation, own: Ids, others: Ids): Crossing[] {
  const { method, path, parameters = [], requestBody } = operation;
  const line = `${method} ${path}`;
  const ownPath = fill(path, own, own);
  const ownBody = withBody(exampleWith(operation, own, own));
  const inPath = collectionsIn(path).map(({ name }, i) => ({
    what: `${line} (path: ${name})`,
    operation,
    path: fill(path, own, others, i),
    ...ownBody,
  }));
  const queried = parameters.filter(it => it.in === 'query' && collectionOf(path, it.name) !== undefined);
  const inQuery = queried.map(({ name }) => ({
    what: `${line} (query: ${name})`,
    operation,
    path: `${ownPath}?${name}=${encodeURIComponent(others[collectionOf(path, name)!] ?? '')}`,
    ...ownBody,
  }));
  const named = fieldsIn(document, bodySchema(requestBody)).filter(name => collectionOf(path, name) !== undefined);
  const inBody = named.map(name => ({
    what: `${line} (body: ${name})`,
    operation,
    path: ownPath,
    ...withBody(exampleWith(operation, own, others, name)),
  }));
  const plain = { what: line, operation, path: ownPath, ...ownBody, isOwn: true as const };
  const all = [...inPath, ...inQuery, ...inBody];
  // Changes of one's own things would be in the way of the other requests.
  return all.length === 0 || method === 'GET' ? [plain, ...all] : all;
}

const withBody = (body: unknown) => (body === undefined ? {} : { body });

/** @param only the parameter that is filled with the id of somebody else */
const fill = (path: string, own: Ids, others: Ids, only?: number): string =>
  collectionsIn(path).reduce((at, { name, collection }, i) => {
    const id = (i === only ? others : own)[collection] ?? 'nothing';
    return at.replace(`{${name}}`, encodeURIComponent(id));
  }, path);

/** What may be there only once, and so is another one each time: else all that is tested would be that it is there already. */
const FRESH: { readonly [name: string]: () => string } = {
  email: () => `${randomUUID()}@fresh.test`,
  slug: () => randomUUID(),
  '/provisioning/batches name': () => randomUUID(),
  '/storage/policies/{name} deviceType': () => randomUUID(),
  '/exports/schedules name': () => randomUUID(),
};

/** Objects of bodies whose fields name something; what is deeper in others is somebody's own words, like a schema. */
const NAMING = new Set(['target', 'limit', 'location', 'admin']);

/** The example of the document with ids that exist; the field `only` has that of somebody else. */
function exampleWith({ path, requestBody }: Operation, own: Ids, others: Ids, only?: string): unknown {
  const example = Object.values(requestBody?.content ?? {})[0]?.example;
  if (typeof example !== 'object' || example === null) return example;
  let isIn = false;
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    const fields = Object.entries(value).filter(([name]) => name === only || !LEFT_OUT.has(name));
    return Object.fromEntries(fields.map(([name, it]) => [name, referred(name, it)]));
  };
  const referred = (name: string, value: unknown): unknown => {
    if (name === only) isIn = true;
    const fresh = FRESH[`${path} ${name}`] ?? FRESH[name];
    if (name !== only && fresh !== undefined) return fresh();
    const collection = collectionOf(path, name);
    if (collection === undefined) return NAMING.has(name) ? walk(value) : value;
    const id = (name === only ? others : own)[collection];
    return Array.isArray(value) ? [id] : typeof value === 'string' ? id : value;
  };
  const filled = walk(example);
  if (only === undefined || isIn) return filled;
  return addTo(filled, only, others[collectionOf(path, only)!]);
}

/** What the system makes itself, and what would be inside of itself. */
const LEFT_OUT = new Set(['id', 'parentId']);
const LISTS = new Set(['deviceIds', 'groups', 'types', 'roles']);
/** A field that the example does not have. In a target it stands alone, since a target says one thing. */
function addTo(example: unknown, name: string, id: string | undefined): unknown {
  const value = LISTS.has(name) ? [id] : id;
  if (Array.isArray(example)) return example.map(it => addTo(it, name, id));
  const fields = example as Record<string, unknown>;
  return 'target' in fields ? { ...fields, target: { [name]: value } } : { ...fields, [name]: value };
}
