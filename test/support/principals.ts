/** Callers, as the access service would have found them. */
import type { DevicePrincipal, Grant, MemberPrincipal } from '../../contracts/access.contract.ts';
import { BUILT_IN_ROLES } from '../../contracts/permissions.ts';

export const ADMIN: Grant = { permissions: BUILT_IN_ROLES.admin.permissions, limit: null };

export const program = (tenantId: number, tenant = 'default', grants: readonly Grant[] = [ADMIN]): MemberPrincipal => ({
  kind: 'application',
  tenant,
  tenantId,
  id: 'k',
  name: 'a program',
  grants,
  isOperator: false,
});

export const ownDevice = (tenantId: number, tenant: string, device: string): DevicePrincipal => ({
  kind: 'device',
  tenant,
  tenantId,
  device,
  deviceUid: 1,
  scopes: null,
});
