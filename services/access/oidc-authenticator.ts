/** Tokens of the configured OpenID Connect issuer: people of somebody else's directory, whose tenant and roles their token says. */
import jwt from 'jsonwebtoken';
import { headerOf, payloadOf } from '../../adapters/access/json-web-tokens.ts';
import { IssuerAway, type IssuerKey, OidcKeys } from '../../adapters/access/oidc-keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import type { OidcConfig } from '../../config.ts';
import type { Grant } from '../../contracts/access.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import { type CustomRole, customRolesOf, grantsOf } from '../../mixins/grants.ts';
import { type Authenticator, ownerOf, type Verified } from './credential.ts';

type Person = {
  readonly subject: string;
  readonly name: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly expiresAtMs: number;
};
type TenantRow = { tenant_id: number; is_operator: boolean; custom_roles: CustomRole[] | null };

const KID_MAX_LENGTH = 256;
/** OpenID Connect Core, section 2. */
const SUBJECT_MAX_LENGTH = 255;
const NAME_MAX_LENGTH = 200;
const ROLES_MAX = 100;
const TEXT_MAX_LENGTH = 100;
/** Access tokens and ID tokens; not, for instance, `logout+jwt`, which is signed with the same keys. RFC 8725, section 3.11. */
const TYPES: readonly unknown[] = [undefined, 'jwt', 'at+jwt'];

const TENANT = `
  SELECT c.tenant_id, c.is_operator, ${customRolesOf('c')} AS custom_roles
  FROM (SELECT tenant_id, is_operator, $2::text[] AS roles FROM tenant WHERE slug = $1 AND state = 'active') AS c`;

export function oidcAuthenticator(oidc: OidcConfig, limits: Limits, database: Database): Authenticator {
  const keys = new OidcKeys(oidc.issuer, limits);
  return {
    recognises: text => payloadOf(text)?.iss === oidc.issuer,
    async check(text) {
      const key = await keyFor(text, keys);
      const person = key && personOf(text, key, oidc, limits);
      if (person === undefined) return undefined;
      const [tenant] = await database.query<TenantRow>(TENANT, [person.tenant, person.roles]);
      return tenant && verified(person, tenant);
    },
  };
}

/** `jwk`, `jku` and `x5u` of the header are not looked at: the issuer's own document says its keys. */
async function keyFor(text: string, keys: OidcKeys): Promise<IssuerKey | undefined> {
  const header = headerOf(text);
  if (header === undefined || 'crit' in header || typeof header.kid !== 'string') return undefined;
  const type = typeof header.typ === 'string' ? header.typ.toLowerCase().replace(/^application\//, '') : header.typ;
  if (header.kid.length > KID_MAX_LENGTH || !TYPES.includes(type)) return undefined;
  try {
    return await keys.find(header.kid);
  } catch (error) {
    if (!(error instanceof IssuerAway)) throw error;
    throw new SkeinError('unavailable', 'The issuer of this token can not be reached');
  }
}

function personOf(
  text: string,
  { key, algorithms }: IssuerKey,
  { issuer, audience, tenantClaim, rolesClaim }: OidcConfig,
  { clockMaxSkewSeconds }: Limits,
): Person | undefined {
  let claims: jwt.JwtPayload;
  try {
    const payload = jwt.verify(text, key, {
      algorithms: [...algorithms],
      issuer,
      audience,
      clockTolerance: clockMaxSkewSeconds,
    });
    if (typeof payload === 'string') return undefined;
    claims = payload;
  } catch {
    return undefined;
  }
  const { sub, exp } = claims;
  const tenant: unknown = claims[tenantClaim];
  const roles: unknown = claims[rolesClaim];
  if (!isText(sub, SUBJECT_MAX_LENGTH) || exp === undefined || !isText(tenant, TEXT_MAX_LENGTH)) return undefined;
  if (!Array.isArray(roles) || roles.length > ROLES_MAX) return undefined;
  const named = [claims.name, claims.preferred_username, claims.email, sub].find(it => isText(it, NAME_MAX_LENGTH));
  return {
    subject: sub,
    name: named ?? sub,
    tenant,
    roles: [...new Set(roles.filter(it => isText(it, TEXT_MAX_LENGTH)))],
    expiresAtMs: exp * 1000,
  };
}

const isText = (value: unknown, max: number): value is string =>
  typeof value === 'string' && value !== '' && value.length <= max && !value.includes('\0') && value.isWellFormed();

/** Nobody without a role that there is. */
function verified({ subject, name, tenant, roles, expiresAtMs }: Person, row: TenantRow): Verified | undefined {
  const grants = grantsOf(roles, row.custom_roles, null).map(withoutClaims);
  if (grants.length === 0) return undefined;
  const id = `oidc:${subject}`;
  return {
    expiresAtMs,
    owners: [
      ownerOf({ kind: 'user', tenant, subject: id }),
      ownerOf({ kind: 'tenant', tenant, subject: tenant }),
      ...roles.map(role => ownerOf({ kind: 'role', tenant, subject: role })),
    ],
    principal: {
      kind: 'user',
      tenant,
      tenantId: row.tenant_id,
      id,
      name,
      grants,
      isOperator: row.is_operator,
      expiresAtMs,
    },
  };
}

/** Only users of ours claim devices, so a role for claimed devices is for none here. */
const withoutClaims = ({ permissions, limit }: Grant): Grant => {
  if (limit === null) return { permissions, limit };
  const { claimed: _, ...rest } = limit;
  return { permissions, limit: rest };
};
