/** API keys of programs. The tenant is the caller's. Nobody makes one that may more than the caller itself. */
import type { ServiceSchema } from 'moleculer';
import { newKey } from '../adapters/access/keys.ts';
import type { Transaction } from '../adapters/database/database.ts';
import type { Revocation } from '../contracts/access.contract.ts';
import { apiKeys } from '../contracts/api-keys.contract.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { audited } from '../mixins/audit.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { memberOf, nameOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { grantsIn, grantsOfNamed, refuseMoreThanOwn, roleNames } from '../mixins/giving.ts';
import { once } from '../mixins/idempotency.ts';
import { permissionsOf } from '../mixins/permission-names.ts';
import { withinQuota } from '../mixins/quotas.ts';
import { announceRevoked, revoke } from '../mixins/revocations.ts';
import {
  type ApiKeyRow,
  apiKeyView,
  endKeyIn,
  insertKey,
  listKeys,
  lockKey,
  type NewKeyRow,
  readKey,
  renameKey,
  revokeKey,
} from './api-keys/api-key-rows.ts';
import { endingOf } from './api-keys/ending.ts';
import type { Node } from './node.ts';

type Called = { readonly meta: Meta };
type OfKey = Called & { readonly params: { readonly id: string } };
/** What a new key is, but for itself and who makes it. */
type Said = Omit<NewKeyRow, 'hash' | 'createdBy'>;

export function apiKeysService({
  config,
  database,
  sealer,
}: Pick<Node, 'config' | 'database' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const kept = { database, sealer, idempotencyKeepHours: limits.idempotencyKeepHours };

  const named = (ctx: OfKey) => {
    const { id } = ctx.params;
    // No key has such an id, and the database would refuse it.
    if (!/^[0-9A-Za-z]{1,32}$/.test(id)) throw unknownKey(id);
    return { tenantId: memberOf(ctx).tenantId, id };
  };
  const make = async (tx: Transaction, ctx: Called, said: Said) => {
    const caller = memberOf(ctx);
    await withinQuota(tx, limits, caller.tenantId, 'apiKeys');
    const { id, hash, text } = newKey('application');
    const row = await insertKey(tx, { tenantId: caller.tenantId, id }, { ...said, hash, createdBy: nameOf(caller) });
    return { apiKey: apiKeyView(row), key: text };
  };

  return implement(
    apiKeys,
    {
      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const list = ['api-keys', tenantId];
        const size = pageSize(ctx.params.limit, limits);
        const [after = ''] = positionOf<[string]>(list, ctx.params.cursor, TEXT_POSITION) ?? [];
        const rows = await listKeys(database, tenantId, after, size + 1);
        return pageOf(list, rows, size, apiKeyView, row => [row.key_id]);
      },

      async create(ctx) {
        const caller = memberOf(ctx);
        const { name, permissions, expiresAt, ttlSeconds } = ctx.params;
        checkText('name', name);
        const roles = roleNames(ctx.params.roles, limits.memberMaxRoles);
        if (roles.length === 0) throw new SkeinError('invalid_request', 'roles must have at least one item');
        const only = permissions == null ? null : permissionsOf(permissions);
        const ending = endingOf({ expiresAt, ttlSeconds }, limits, Date.now()) ?? null;
        return once(kept, ctx, ['api-keys.create', ctx.params], async tx => {
          const grants = await grantsOfNamed(tx, caller.tenantId, roles, only);
          refuseMoreThanOwn(caller, grants, 'The key');
          const idle = only?.find(it => !grants.some(({ permissions: has }) => has.includes(it)));
          if (idle !== undefined) throw new SkeinError('invalid_request', `permissions: the roles do not give ${idle}`);
          const made = await make(tx, ctx, { name, roles, permissions: only, expiresAt: ending });
          await audited(tx, ctx, 'api_key.created', `application ${made.apiKey.id}`, { roles, permissions: only });
          return made;
        });
      },

      async get(ctx) {
        const row = await readKey(database, named(ctx));
        if (row === undefined) throw unknownKey(ctx.params.id);
        return apiKeyView(row);
      },

      async rename(ctx) {
        const name = named(ctx);
        checkText('name', ctx.params.name);
        return database.transaction(async tx => {
          const row = await renameKey(tx, name, ctx.params.name);
          if (row === undefined) throw unknownKey(name.id);
          await audited(tx, ctx, 'api_key.changed', `application ${name.id}`, { changed: ['name'] });
          return apiKeyView(row);
        });
      },

      async revoke(ctx) {
        const name = named(ctx);
        const revoked = ofKey(ctx, name.id);
        const row = await database.transaction(async tx => {
          const ended = await revokeKey(tx, name);
          if (ended === undefined) return readKey(tx, name);
          await revoke(tx, revoked);
          await audited(tx, ctx, 'api_key.revoked', `application ${name.id}`);
          return ended;
        });
        if (row === undefined) throw unknownKey(name.id);
        // Told again each time: telling is at most once, and who asks twice may do so because it did not work.
        announceRevoked(ctx.broker, revoked);
        return apiKeyView(row);
      },

      async rotate(ctx) {
        const name = named(ctx);
        const { graceSeconds = 0, expiresAt, ttlSeconds } = ctx.params;
        const ending = endingOf({ expiresAt, ttlSeconds }, limits, Date.now());
        // What remembers the key, and connections that it opened, know nothing of its new end. Whoever uses it may come back with it until then.
        const revoked = ofKey(ctx, name.id);
        const made = await once(kept, ctx, ['api-keys.rotate', ctx.params], async tx => {
          const before = await rotatable(tx, ctx, name);
          if (graceSeconds === 0) await revokeKey(tx, name);
          else await endKeyIn(tx, name, graceSeconds);
          const { name: called, roles, permissions } = before;
          const it = await make(tx, ctx, { name: called, roles, permissions, expiresAt: ending ?? before.expires_at });
          await revoke(tx, revoked);
          const data = { by: `application ${it.apiKey.id}`, graceSeconds };
          await audited(tx, ctx, 'api_key.rotated', `application ${name.id}`, data);
          return it;
        });
        announceRevoked(ctx.broker, revoked);
        return made;
      },
    },
    databaseErrors,
  );
}

/** Its new secret is the caller's, so it must not have more than the caller. */
async function rotatable(
  tx: Transaction,
  ctx: Called,
  name: { readonly tenantId: number; readonly id: string },
): Promise<ApiKeyRow> {
  const row = await lockKey(tx, name);
  if (row === undefined) throw unknownKey(name.id);
  if (row.is_over) throw new SkeinError('conflict', 'The key has ended: make another one');
  refuseMoreThanOwn(memberOf(ctx), await grantsIn(tx, name.tenantId, row.roles, row.permissions), 'The key');
  return row;
}

const ofKey = (ctx: Called, id: string): Revocation[] => [
  { kind: 'api_key', tenant: memberOf(ctx).tenant, subject: id },
];

const unknownKey = (id: string): SkeinError => new SkeinError('not_found', `There is no API key "${id.slice(0, 100)}"`);
