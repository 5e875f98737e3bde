import type { Descriptions } from './description.ts';
import { described, listOf, object, pageOf, ref, text } from './schemas/shapes.ts';

const TIMES = { createdAt: '2026-03-01T06:15:00.000Z', updatedAt: '2026-03-02T08:00:00.000Z' };
const QUOTAS = { devices: 50000, users: 200, apiKeys: 100, messagesPerSecond: 5000, requestsPerSecond: 500 };
const ORGANIZATION = {
  slug: 'acme',
  name: 'Acme Presses',
  state: 'active',
  isOperator: false,
  quotas: QUOTAS,
  version: 2,
  ...TIMES,
};
const USER = {
  id: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
  email: 'ann@acme.example',
  name: 'Ann',
  roles: ['operator'],
  state: 'active',
  hasPassword: true,
  lastLoginAt: '2026-03-02T07:58:00.000Z',
  version: 3,
  ...TIMES,
};
const ROLE = {
  name: 'hall-3',
  description: 'Runs the presses of hall 3',
  builtIn: false,
  permissions: ['devices:read', 'telemetry:read', 'commands:send'],
  limit: { groups: ['hall-3'] },
  version: 1,
  ...TIMES,
};
const API_KEY = {
  id: '02fXeZdzvP0hGyYy8',
  name: 'ERP',
  roles: ['integrator'],
  permissions: ['devices:read', 'telemetry:read'],
  createdBy: 'user 0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
  createdAt: '2026-03-01T06:15:00.000Z',
  expiresAt: '2027-03-01T06:15:00.000Z',
  lastUsedAt: '2026-03-02T08:00:00.000Z',
  revokedAt: null,
};
const KEY = 'ska_02fXeZdzvP0hGyYy8_0000000000000000000000000000000000000000000';

const page = (name: string, item: unknown) => ({
  200: { schema: pageOf(ref(name)), example: { items: [item], nextCursor: null } },
});
const one = (name: string, example: unknown) => ({ 200: { schema: ref(name), example, headers: ['ETag'] as const } });
const plainOne = (name: string, example: unknown) => ({ 200: { schema: ref(name), example } });
const newKey = {
  201: {
    schema: object({ apiKey: ref('ApiKey'), key: described(text, 'Shown this once.') }),
    example: { apiKey: { ...API_KEY, lastUsedAt: null }, key: KEY },
    headers: ['Location'] as const,
  },
};
const erased = {
  tag: 'Users',
  description:
    'Email, name, password, second factor and logins are removed for ever, and the user can do nothing any more. The id stays: the audit log names it. Again: the same answer.',
  answers: one('User', {
    ...USER,
    email: null,
    name: null,
    roles: [],
    state: 'erased',
    hasPassword: false,
    lastLoginAt: null,
  }),
  errors: ['conflict'] as const,
};

export const identityDescriptions: Descriptions = {
  'GET /organizations': {
    tag: 'Organizations',
    summary: 'List organizations',
    description: 'The own one; all of them for the organization that runs the system.',
    answers: page('Organization', ORGANIZATION),
  },
  'POST /organizations': {
    tag: 'Organizations',
    summary: 'Make an organization, with the key of its first administrator',
    description: 'Only for the organization that runs the system. With `admin` it gets a user as well.',
    bodyExample: {
      slug: 'acme',
      name: 'Acme Presses',
      quotas: { devices: 50000 },
      admin: { email: 'ann@acme.example', name: 'Ann' },
    },
    answers: {
      201: {
        schema: object(
          { organization: ref('Organization'), credentials: object({ apiKey: text }), user: ref('User') },
          ['user'],
        ),
        example: {
          organization: { ...ORGANIZATION, version: 1 },
          credentials: { apiKey: KEY },
          user: { ...USER, roles: ['admin'], hasPassword: false, lastLoginAt: null, version: 1 },
        },
        headers: ['ETag', 'Location'],
      },
    },
    errors: ['conflict', 'quota_exceeded'],
  },
  'GET /organizations/:slug': {
    tag: 'Organizations',
    summary: 'Read an organization',
    answers: one('Organization', ORGANIZATION),
  },
  'PATCH /organizations/:slug': {
    tag: 'Organizations',
    summary: 'Change an organization',
    description:
      'Its name; quotas and state only by the organization that runs the system. A quota of null is as usual again. One that is suspended has no credentials that work.',
    bodyExample: { quotas: { devices: 100000, users: null } },
    answers: one('Organization', ORGANIZATION),
    errors: ['conflict'],
  },
  'GET /organizations/:slug/usage': {
    tag: 'Organizations',
    summary: 'Read the quotas of an organization, and how much of them is used',
    answers: {
      200: {
        schema: object({ slug: text, quotas: ref('QuotaUsage') }),
        example: {
          slug: 'acme',
          quotas: {
            devices: { size: 50000, used: 12480 },
            users: { size: 200, used: 17 },
            apiKeys: { size: 100, used: 4 },
            messagesPerSecond: { size: 5000 },
            requestsPerSecond: { size: 500 },
          },
        },
      },
    },
  },

  'GET /users': { tag: 'Users', summary: 'List users', answers: page('User', USER) },
  'POST /users': {
    tag: 'Users',
    summary: 'Make a user',
    description: 'Without a password there is no login with one. Nobody gives roles that have more than itself.',
    bodyExample: { email: 'ann@acme.example', name: 'Ann', roles: ['operator'] },
    answers: {
      201: {
        schema: ref('User'),
        example: { ...USER, hasPassword: false, lastLoginAt: null, version: 1 },
        headers: ['ETag', 'Location'],
      },
    },
    errors: ['conflict', 'quota_exceeded'],
  },
  'GET /users/:id': { tag: 'Users', summary: 'Read a user', answers: one('User', USER) },
  'PATCH /users/:id': {
    tag: 'Users',
    summary: 'Change a user',
    description:
      'A new password, and being disabled, end all logins. Nobody changes a user that has more than itself, and the last active administrator stays one.',
    bodyExample: { roles: ['viewer'], state: 'active' },
    answers: one('User', USER),
    errors: ['conflict'],
  },
  'DELETE /users/:id': { ...erased, summary: 'Erase a user' },
  'POST /users/:id/erase': { ...erased, summary: 'Erase a user' },

  'GET /roles': {
    tag: 'Roles',
    summary: 'List roles',
    description: 'The built-in ones first, then those of the organization by name.',
    answers: page('Role', ROLE),
  },
  'GET /roles/:name': { tag: 'Roles', summary: 'Read a role', answers: one('Role', ROLE) },
  'PUT /roles/:name': {
    tag: 'Roles',
    summary: 'Make a role, or replace what it says',
    description: 'Counts at once for everybody who has it. Nobody says more of a role than it has itself.',
    bodyExample: { description: ROLE.description, permissions: ROLE.permissions, limit: ROLE.limit },
    answers: {
      200: { schema: ref('Role'), example: { ...ROLE, version: 2 }, headers: ['ETag'] },
      201: { schema: ref('Role'), example: ROLE, headers: ['ETag', 'Location'] },
    },
    errors: ['conflict'],
  },
  'DELETE /roles/:name': {
    tag: 'Roles',
    summary: 'Remove a role that nobody has',
    answers: plainOne('Role', ROLE),
    errors: ['conflict'],
  },
  'GET /permissions': {
    tag: 'Roles',
    summary: 'List all permissions that roles can give',
    answers: {
      200: {
        schema: object({ items: listOf(object({ name: ref('Permission'), description: text })) }),
        example: { items: [{ name: 'devices:write', description: 'Register and change devices' }] },
      },
    },
  },

  'GET /api-keys': {
    tag: 'API keys',
    summary: 'List API keys',
    description: 'Also those that were revoked not long ago. Secrets are never shown again.',
    answers: page('ApiKey', API_KEY),
  },
  'POST /api-keys': {
    tag: 'API keys',
    summary: 'Make an API key',
    description: 'With `expiresAt` or `ttlSeconds` it ends by itself. Nobody makes one that may more than itself.',
    bodyExample: { name: 'ERP', roles: ['integrator'], permissions: API_KEY.permissions, ttlSeconds: 31536000 },
    answers: newKey,
    errors: ['quota_exceeded'],
  },
  'GET /api-keys/:id': { tag: 'API keys', summary: 'Read an API key', answers: plainOne('ApiKey', API_KEY) },
  'PATCH /api-keys/:id': {
    tag: 'API keys',
    summary: 'Rename an API key',
    bodyExample: { name: 'ERP of plant 2' },
    answers: plainOne('ApiKey', API_KEY),
  },
  'DELETE /api-keys/:id': {
    tag: 'API keys',
    summary: 'Revoke an API key',
    description: 'It no longer works, at once and for ever. Again: the same answer.',
    answers: plainOne('ApiKey', { ...API_KEY, revokedAt: '2026-03-02T08:00:00.000Z' }),
  },
  'POST /api-keys/:id/rotate': {
    tag: 'API keys',
    summary: 'Replace an API key by another one that may do the same',
    description:
      'The old one works for another `graceSeconds` (0). The new one ends when the old one would have, unless `expiresAt` or `ttlSeconds` says otherwise.',
    bodyExample: { graceSeconds: 3600 },
    answers: newKey,
    errors: ['conflict', 'quota_exceeded'],
  },
};
