/** Roles. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import type { Transaction } from '../adapters/database/database.ts';
import type { Revocation } from '../contracts/access.contract.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import {
  BUILT_IN_ROLES,
  type BuiltInRole,
  isBuiltInRole,
  PERMISSIONS,
  type Permission,
} from '../contracts/permissions.ts';
import { type RoleView, roles } from '../contracts/roles.contract.ts';
import { audited } from '../mixins/audit.ts';
import { memberOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { refuseMoreThanOwn } from '../mixins/giving.ts';
import { announceRevoked, revoke } from '../mixins/revocations.ts';
import type { Node } from './node.ts';
import { roleFields } from './roles/role-fields.ts';
import {
  builtInView,
  countHolders,
  countRoles,
  deleteRole,
  insertRole,
  listRoles,
  lockRole,
  type RoleFields,
  type RoleRow,
  readRole,
  roleView,
  updateRole,
} from './roles/role-rows.ts';

type Called = { readonly meta: Meta };
type Condition = { readonly version?: number | undefined; readonly exists?: boolean | undefined };
const BUILT_IN = Object.keys(BUILT_IN_ROLES) as BuiltInRole[];

export function rolesService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  const { limits } = config;
  const isName = (name: string) => isDeviceId(name, limits.deviceIdMaxLength);

  const write = async (tx: Transaction, ctx: Called, name: string, fields: RoleFields, condition: Condition) => {
    const { tenantId } = memberOf(ctx);
    const before = await lockRole(tx, { tenantId, name });
    checkCondition(before, condition, name);
    refuseLarger(ctx, before);
    if (before === undefined && (await countRoles(tx, tenantId)) >= limits.tenantRoles)
      throw new SkeinError('conflict', `An organization has at most ${limits.tenantRoles} roles of its own`);
    const row = await (before === undefined ? insertRole : updateRole)(tx, { tenantId, name }, fields);
    if (row === undefined) throw new SkeinError('conflict', 'Somebody else has just made the role');
    const revoked = before === undefined ? [] : ofRole(ctx, name);
    await revoke(tx, revoked);
    const { permissions, limit } = fields;
    await audited(tx, ctx, 'role.changed', `role ${name}`, { isNew: before === undefined, permissions, limit });
    return { row, revoked, isNew: before === undefined };
  };

  return implement(
    roles,
    {
      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const list = ['roles', tenantId];
        const size = pageSize(ctx.params.limit, limits);
        const after = positionOf<[rank: number, name: string]>(list, ctx.params.cursor, isRolePosition) ?? [-1, ''];
        const [rank, name] = after;
        const custom = await listRoles(database, tenantId, rank < BUILT_IN.length ? '' : name, size + 1);
        const all = [...BUILT_IN.slice(rank + 1).map(builtInView), ...custom.map(roleView)];
        return pageOf<RoleView, RoleView>(
          list,
          all,
          size,
          it => it,
          it => [rankOf(it), it.name],
        );
      },

      async get(ctx) {
        const { name } = ctx.params;
        if (isBuiltInRole(name)) return builtInView(name);
        const row = isName(name) ? await readRole(database, { tenantId: memberOf(ctx).tenantId, name }) : undefined;
        if (row === undefined) throw unknownRole(name);
        return roleView(row);
      },

      async put(ctx) {
        const caller = memberOf(ctx);
        const { name, version, exists, ...said } = ctx.params;
        refuseBuiltIn(name);
        if (!isName(name))
          throw new SkeinError('invalid_request', 'The name of a role has the form of the id of a device');
        const fields = roleFields(said, limits);
        // Who says what a role gives, gives it to all that have it.
        refuseMoreThanOwn(caller, [fields], 'The role');
        const { row, revoked, isNew } = await database.transaction(tx =>
          write(tx, ctx, name, fields, { version, exists }),
        );
        announceRevoked(ctx.broker, revoked);
        return { role: roleView(row), isNew };
      },

      async remove(ctx) {
        const { tenantId } = memberOf(ctx);
        const { name, version } = ctx.params;
        refuseBuiltIn(name);
        const revoked = ofRole(ctx, name);
        const row = await database.transaction(async tx => {
          const before = isName(name) ? await lockRole(tx, { tenantId, name }) : undefined;
          if (before === undefined) throw unknownRole(name);
          checkCondition(before, { version }, name);
          refuseLarger(ctx, before);
          const { users, api_keys } = await countHolders(tx, { tenantId, name });
          if (users + api_keys > 0)
            throw new SkeinError(
              'conflict',
              `${users} users and ${api_keys} API keys have the role: take it from them first`,
            );
          await deleteRole(tx, { tenantId, name });
          await revoke(tx, revoked);
          await audited(tx, ctx, 'role.removed', `role ${name}`);
          return before;
        });
        announceRevoked(ctx.broker, revoked);
        return roleView(row);
      },

      permissions: () => ({
        items: Object.entries(PERMISSIONS).map(([name, description]) => ({ name: name as Permission, description })),
      }),
    },
    databaseErrors,
  );
}

/** Built-in ones have their places, all others come after them. */
const rankOf = ({ name }: { readonly name: string }): number =>
  isBuiltInRole(name) ? BUILT_IN.indexOf(name) : BUILT_IN.length;
const isRolePosition = ([rank, name, ...rest]: readonly unknown[]): boolean =>
  rest.length === 0 && typeof name === 'string' && isDeviceId(name, 1_000) && rank === rankOf({ name });

function checkCondition(row: RoleRow | undefined, { version, exists }: Condition, name: string): void {
  if (row === undefined && version !== undefined) throw unknownRole(name);
  if (row === undefined && exists === true) throw new SkeinError('stale_version', 'There is no such role');
  if (row !== undefined && (exists === false || (version ?? row.version) !== row.version))
    throw new SkeinError('stale_version', `The role has version ${row.version}`, { version: row.version });
}

function refuseBuiltIn(name: string): void {
  if (isBuiltInRole(name)) throw new SkeinError('conflict', `"${name}" is a built-in role, which nobody changes`);
}

/** Who has less must not take from those who have more. */
function refuseLarger(ctx: Called, row: RoleRow | undefined): void {
  if (row === undefined) return;
  refuseMoreThanOwn(memberOf(ctx), [{ permissions: row.permissions, limit: row.device_limit }], 'The role');
}

const ofRole = (ctx: Called, name: string): Revocation[] => [
  { kind: 'role', tenant: memberOf(ctx).tenant, subject: name },
];

const unknownRole = (name: string): SkeinError =>
  new SkeinError('not_found', `There is no role "${name.slice(0, 100)}"`);
