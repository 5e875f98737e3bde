import { apiKeys, type NewApiKey } from '../../../contracts/api-keys.contract.ts';
import { type OrganizationView, organizations } from '../../../contracts/organizations.contract.ts';
import { type RoleView, roles } from '../../../contracts/roles.contract.ts';
import { type UserView, users } from '../../../contracts/users.contract.ts';
import { plain, tag, versioned, written } from '../answers.ts';
import { type Endpoint, endpoint, type Read, type Reply } from '../endpoint.ts';
import { conditionOf, fieldsOf, listing, nothing, pathId, pathIdAndVersion, versionOf } from '../readings.ts';

const change = { takesBody: true };
const create = { ...change, creates: true };
/** A body that may be left out. */
const rotate = { takesBody: 'optional', creates: true } as const;

const fields: Read = request => fieldsOf(request);
const idFields: Read = request => ({ ...fieldsOf(request, 'id'), id: request.path.id });
const versionedIdFields: Read = request => ({
  ...fieldsOf(request, 'id', 'version'),
  id: request.path.id,
  ...versionOf(request),
});
const optionalIdFields: Read = request => (request.body === undefined ? pathId(request) : idFields(request));

const slug: Read = ({ query, path }) => ({ ...query, slug: path.slug });
const versionedSlugFields: Read = request => ({
  ...fieldsOf(request, 'slug', 'version'),
  slug: request.path.slug,
  ...versionOf(request),
});

const role: Read = ({ query, path }) => ({ ...query, name: path.name });
const roleAndVersion: Read = request => ({ ...role(request), ...versionOf(request) });
const roleFields: Read = request => ({
  ...fieldsOf(request, 'name', 'version', 'exists'),
  name: request.path.name,
  ...conditionOf(request),
});

const madeOrganization = (body: { organization: OrganizationView }): Reply => ({
  status: 201,
  // The body has a key in it.
  headers: {
    ...tag(body.organization),
    Location: `/api/v1/organizations/${body.organization.slug}`,
    'Cache-Control': 'no-store',
  },
  body,
});
const madeUser = (body: UserView): Reply => ({
  status: 201,
  headers: { ...tag(body), Location: `/api/v1/users/${body.id}` },
  body,
});
const writtenRole = ({ role: body, isNew }: { role: RoleView; isNew: boolean }) => written(isNew, 'roles', body);
const madeKey = (body: NewApiKey): Reply => ({
  status: 201,
  headers: { Location: `/api/v1/api-keys/${body.apiKey.id}`, 'Cache-Control': 'no-store' },
  body,
});

export const identityRoutes: readonly Endpoint[] = [
  endpoint('GET', '/organizations', organizations.list, listing, plain),
  endpoint('POST', '/organizations', organizations.create, fields, madeOrganization, create),
  endpoint('GET', '/organizations/:slug', organizations.get, slug, versioned),
  endpoint('PATCH', '/organizations/:slug', organizations.update, versionedSlugFields, versioned, change),
  endpoint('GET', '/organizations/:slug/usage', organizations.usage, slug, plain),

  endpoint('GET', '/users', users.list, listing, plain),
  endpoint('POST', '/users', users.create, fields, madeUser, create),
  endpoint('GET', '/users/:id', users.get, pathId, versioned),
  endpoint('PATCH', '/users/:id', users.update, versionedIdFields, versioned, change),
  endpoint('DELETE', '/users/:id', users.erase, pathIdAndVersion, versioned),
  endpoint('POST', '/users/:id/erase', users.erase, pathIdAndVersion, versioned),

  endpoint('GET', '/roles', roles.list, listing, plain),
  endpoint('GET', '/roles/:name', roles.get, role, versioned),
  endpoint('PUT', '/roles/:name', roles.put, roleFields, writtenRole, change),
  endpoint('DELETE', '/roles/:name', roles.remove, roleAndVersion, plain),
  endpoint('GET', '/permissions', roles.permissions, nothing, plain),

  endpoint('GET', '/api-keys', apiKeys.list, listing, plain),
  endpoint('POST', '/api-keys', apiKeys.create, fields, madeKey, create),
  endpoint('GET', '/api-keys/:id', apiKeys.get, pathId, plain),
  endpoint('PATCH', '/api-keys/:id', apiKeys.rename, idFields, plain, change),
  endpoint('DELETE', '/api-keys/:id', apiKeys.revoke, pathId, plain),
  endpoint('POST', '/api-keys/:id/rotate', apiKeys.rotate, optionalIdFields, madeKey, rotate),
];
