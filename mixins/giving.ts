/** Nobody gives more than it has: whoever gives roles to users or API keys, or says what a role gives, must have all of that itself. */
import type { Transaction } from '../adapters/database/database.ts';
import type { DeviceLimit, Grant, MemberPrincipal } from '../contracts/access.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { isBuiltInRole, type Permission } from '../contracts/permissions.ts';
import { checkText } from './bounded-json.ts';
import { type CustomRole, grantsOf } from './grants.ts';

type Querying = Pick<Transaction, 'query'>;

/** Distinct. Rejects with `invalid_request` when there are too many, or a name that no role can have. */
export function roleNames(names: readonly string[], memberMaxRoles: number): string[] {
  const distinct = [...new Set(names)];
  if (distinct.length > memberMaxRoles)
    throw new SkeinError('invalid_request', `roles must have at most ${memberMaxRoles} items`);
  for (const name of distinct) checkText('roles', name);
  return distinct;
}

/** What these roles give. A custom one among them is neither changed nor removed until the transaction ends. */
export async function grantsIn(
  tx: Querying,
  tenantId: number,
  names: readonly string[],
  only: readonly Permission[] | null = null,
): Promise<Grant[]> {
  return grantsOf(names, await customRoles(tx, tenantId, names), only);
}

/** As `grantsIn`, for roles that are being given. Rejects with `invalid_request` when one of them is none. */
export async function grantsOfNamed(
  tx: Querying,
  tenantId: number,
  names: readonly string[],
  only: readonly Permission[] | null = null,
): Promise<Grant[]> {
  const custom = await customRoles(tx, tenantId, names);
  const unknown = names.find(name => !isBuiltInRole(name) && !custom.some(it => it.name === name));
  if (unknown !== undefined)
    throw new SkeinError('invalid_request', `roles: there is no role "${unknown.slice(0, 100)}"`);
  return grantsOf(names, custom, only);
}

async function customRoles(tx: Querying, tenantId: number, names: readonly string[]): Promise<CustomRole[]> {
  const custom = names.filter(name => !isBuiltInRole(name));
  if (custom.length === 0) return [];
  return tx.query<CustomRole>(
    `SELECT name, permissions, device_limit AS "limit" FROM role
     WHERE tenant_id = $1 AND name = ANY ($2) ORDER BY name FOR SHARE`,
    [tenantId, custom],
  );
}

/** Rejects with `forbidden` when the grants are more than the giver has. `what`: `The role`. */
export function refuseMoreThanOwn(giver: MemberPrincipal, grants: readonly Grant[], what: string): void {
  const beyond = grants.flatMap(({ permissions, limit }) => permissions.filter(it => !has(giver, it, limit)));
  if (beyond.length === 0) return;
  const permissions = [...new Set(beyond)];
  const named = permissions.slice(0, 5).join(', ') + (permissions.length > 5 ? ' and more' : '');
  throw new SkeinError('forbidden', `${what} has more than you have yourself: ${named}`, { permissions });
}

/**
 * Rejects with `forbidden` when the roles of the caller itself are for the devices with one of these marks, and give more than it has for all
 * devices: who puts a mark on a device must not get more by that than it had. `marks`: those that come to a device.
 */
export function refuseMarksOfOwnRoles(
  { grants }: MemberPrincipal,
  marks: Pick<DeviceLimit, 'groups' | 'types' | 'tags'>,
): void {
  const everywhere = new Set(grants.filter(it => it.limit === null).flatMap(it => it.permissions));
  const isMeant = (limit: DeviceLimit | null): boolean =>
    (['groups', 'types', 'tags'] as const).some(kind => limit?.[kind]?.some(name => marks[kind]?.includes(name)));
  const gained = grants.filter(it => isMeant(it.limit)).flatMap(it => it.permissions);
  const beyond = [...new Set(gained)].filter(it => !everywhere.has(it));
  if (beyond.length > 0)
    throw new SkeinError(
      'forbidden',
      `A role of your own is limited to these devices, so somebody else must add to them: ${beyond.slice(0, 5).join(', ')}`,
      { permissions: beyond },
    );
}

/** Whether the giver has the permission, at least for the devices of the limit. */
function has(giver: MemberPrincipal, permission: Permission, limit: DeviceLimit | null): boolean {
  const own = giver.grants.filter(({ permissions }) => permissions.includes(permission)).map(it => it.limit);
  if (own.some(it => it === null)) return true;
  if (limit === null || own.length === 0) return false;
  // What somebody else has claimed is not what the giver has claimed.
  if (limit.claimed) return false;
  return (['groups', 'types', 'tags'] as const).every(kind =>
    (limit[kind] ?? []).every(name => own.some(it => it?.[kind]?.includes(name))),
  );
}
