import { ORGANIZATION_STATES } from '../../../../contracts/organizations.contract.ts';
import { PERMISSIONS } from '../../../../contracts/permissions.ts';
import { COUNTED_QUOTAS, RATE_QUOTAS } from '../../../../contracts/quotas.ts';
import { USER_STATES } from '../../../../contracts/users.contract.ts';
import type { Schema } from '../description.ts';
import {
  count,
  described,
  listOf,
  object,
  oneOf,
  ref,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
  yesOrNo,
} from './shapes.ts';

const version = described({ type: 'integer', minimum: 1 }, 'Grows with every change; the ETag is `"<version>"`.');
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
const QUOTAS = Object.entries({ ...COUNTED_QUOTAS, ...RATE_QUOTAS });

export const identitySchemas = {
  Quotas: object(Object.fromEntries(QUOTAS.map(([name, meaning]) => [name, described(count, meaning)]))),
  QuotaUsage: object({
    ...Object.fromEntries(Object.keys(COUNTED_QUOTAS).map(name => [name, object({ size: count, used: count })])),
    ...Object.fromEntries(Object.keys(RATE_QUOTAS).map(name => [name, object({ size: count })])),
  }),
  Organization: object({
    slug: text,
    name: textOrNull,
    state: oneOf(ORGANIZATION_STATES),
    isOperator: described(yesOrNo, 'The one that runs the system.'),
    quotas: ref('Quotas'),
    version,
    createdAt: time,
    updatedAt: time,
  }),
  User: object({
    id: uuid,
    email: described(textOrNull, 'In lower case. Null: erased.'),
    name: textOrNull,
    roles: listOf(text),
    state: oneOf([...USER_STATES, 'erased']),
    hasPassword: yesOrNo,
    lastLoginAt: timeOrNull,
    version,
    createdAt: time,
    updatedAt: time,
  }),
  Permission: oneOf(Object.keys(PERMISSIONS)),
  DeviceLimit: described(
    object({ groups: listOf(text), types: listOf(text), tags: listOf(text), claimed: oneOf([true]) }, [
      'groups',
      'types',
      'tags',
      'claimed',
    ]),
    'A device has to fit one of these. `claimed`: the user has claimed it.',
  ),
  Role: object({
    name: text,
    description: textOrNull,
    builtIn: yesOrNo,
    permissions: listOf(ref('Permission')),
    limit: described(orNull(ref('DeviceLimit')), 'Null: all devices.'),
    version: described({ type: ['integer', 'null'], minimum: 1 }, 'Null: built-in.'),
    createdAt: timeOrNull,
    updatedAt: timeOrNull,
  }),
  ApiKey: object({
    id: text,
    name: text,
    roles: listOf(text),
    permissions: described(orNull(listOf(ref('Permission'))), 'Of all that the roles give, only these. Null: all.'),
    createdBy: described(textOrNull, '`user <id>` or `application <key id>`. Null: Skein made it.'),
    createdAt: time,
    expiresAt: timeOrNull,
    lastUsedAt: described(timeOrNull, 'Some seconds late, and to the minute.'),
    revokedAt: timeOrNull,
  }),
} as const;
