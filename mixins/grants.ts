/** What the roles of somebody give. */
import type { DeviceLimit, Grant } from '../contracts/access.contract.ts';
import { BUILT_IN_ROLES, isBuiltInRole, type Permission } from '../contracts/permissions.ts';

/** A role that the tenant made itself, as `customRolesOf` reads it. */
export type CustomRole = {
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly limit: DeviceLimit | null;
};

/** The roles of this table's row that the tenant made itself; the row has `tenant_id` and `roles`. Null: none. */
export const customRolesOf = (alias: string): string => `(
  SELECT jsonb_agg(jsonb_build_object('name', r.name, 'permissions', r.permissions, 'limit', r.device_limit))
  FROM role r WHERE r.tenant_id = ${alias}.tenant_id AND r.name = ANY (${alias}.roles))`;

/**
 * One grant for each role that there is. A name that is no role gives nothing: the role was removed.
 *
 * @param only what a key is limited to, of all that its roles give; null: it is not
 */
export function grantsOf(
  roles: readonly string[],
  custom: readonly CustomRole[] | null,
  only: readonly Permission[] | null,
): Grant[] {
  return roles.flatMap((name): Grant[] => {
    const own = custom?.find(it => it.name === name);
    const role = isBuiltInRole(name) ? { permissions: BUILT_IN_ROLES[name].permissions, limit: null } : own;
    if (role === undefined) return [];
    const permissions = only === null ? role.permissions : role.permissions.filter(it => only.includes(it));
    return [{ permissions, limit: role.limit }];
  });
}
