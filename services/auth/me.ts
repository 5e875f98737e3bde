/** Who am I. */
import type { Database } from '../../adapters/database/database.ts';
import type { MemberPrincipal, Principal } from '../../contracts/access.contract.ts';
import type { Me } from '../../contracts/auth.contract.ts';
import type { Permission } from '../../contracts/permissions.ts';
import { isOwnUser } from './own-user.ts';

export async function describe(database: Database, principal: Principal): Promise<Me> {
  const nobody = { email: null, roles: [], permissions: [], limits: [], scopes: null, totp: null };
  if (principal.kind === 'device') {
    const { tenant, device, scopes } = principal;
    return { ...nobody, kind: 'device', organization: tenant, id: device, name: null, scopes: scopes && [...scopes] };
  }
  const { kind, tenant, id, name } = principal;
  return {
    ...nobody,
    kind,
    organization: tenant,
    id,
    name,
    ...(await stored(database, principal)),
    ...rightsOf(principal),
  };
}

type Stored = { name: string | null; email?: string; roles: string[]; totp?: boolean };

/** Of a person from somebody else's directory nothing is stored. */
async function stored(database: Database, principal: MemberPrincipal): Promise<Partial<Me>> {
  const { kind, tenantId, id } = principal;
  if (kind === 'user' && !isOwnUser(principal)) return {};
  const [row] = await database.query<Stored>(
    kind === 'user'
      ? 'SELECT name, email, roles, totp_confirmed AS totp FROM app_user WHERE tenant_id = $1 AND user_id = $2::uuid'
      : 'SELECT name, roles FROM api_key WHERE tenant_id = $1 AND key_id = $2',
    [tenantId, id],
  );
  return row ?? {};
}

function rightsOf({ grants }: MemberPrincipal): Pick<Me, 'permissions' | 'limits'> {
  const everywhere = new Set(grants.filter(it => it.limit === null).flatMap(it => it.permissions));
  const limits = grants.flatMap(({ permissions, limit }) => {
    const only = permissions.filter(it => !everywhere.has(it));
    return limit === null || only.length === 0 ? [] : [{ permissions: only, devices: limit }];
  });
  const all = new Set<Permission>([...everywhere, ...limits.flatMap(it => it.permissions)]);
  return { permissions: [...all].sort(), limits };
}
