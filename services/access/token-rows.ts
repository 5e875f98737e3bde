/** What a token of ours is about, by the database: a login of a user, or a token of a device. */
import type { Database } from '../../adapters/database/database.ts';
import { type CustomRole, customRolesOf, grantsOf } from '../../mixins/grants.ts';
import type { Verified } from './credential.ts';
import {
  type CredentialName,
  credentialReader,
  type DeviceColumns,
  ofDevice,
  ownersOfMember,
} from './credential-rows.ts';

/** `subject`: the id of the user or the device. It and the tenant must be those that the token says. */
export type TokenRow = Omit<Verified, 'expiresAtMs'> & { readonly subject: string };
type TokenKind = 'login' | 'device_token';
export type TokenName = CredentialName<TokenKind>;

const LOGINS = `
  SELECT l.login_id AS id, u.user_id, u.email, u.name, u.roles, t.slug, t.tenant_id, t.is_operator, ${customRolesOf('u')} AS custom_roles
  FROM login l JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
  WHERE l.login_id = ANY ($1::uuid[]) AND l.revoked_at IS NULL AND l.expires_at > now() AND u.state = 'active' AND t.state = 'active'`;
const DEVICE_TOKENS = `
  SELECT k.token_id AS id, k.scopes, d.device_id, d.device_uid, t.slug, t.tenant_id
  FROM device_token k JOIN device d USING (device_uid) JOIN tenant t USING (tenant_id)
  WHERE k.token_id = ANY ($1::uuid[]) AND k.revoked_at IS NULL AND k.expires_at > now()
    AND t.state = 'active' AND d.state NOT IN ('suspended', 'decommissioned')`;

type LoginColumns = {
  id: string;
  slug: string;
  tenant_id: number;
  user_id: string;
  email: string;
  name: string | null;
  roles: string[];
  is_operator: boolean;
  custom_roles: CustomRole[] | null;
};

export const tokenRows = (database: Database) =>
  credentialReader<TokenKind, TokenRow>({
    login: async ids => {
      const rows = await database.query<LoginColumns>(LOGINS, [ids]);
      return rows.map(it => [it.id, ofLogin(it)]);
    },
    device_token: async ids => {
      const rows = await database.query<DeviceColumns & { id: string }>(DEVICE_TOKENS, [ids]);
      return rows.map(it => [
        it.id,
        { subject: it.device_id, ...ofDevice(it, { kind: 'device_token', subject: it.id }) },
      ]);
    },
  });

const ofLogin = (row: LoginColumns): TokenRow => ({
  subject: row.user_id,
  owners: ownersOfMember(row, [
    { kind: 'login', subject: row.id },
    { kind: 'user', subject: row.user_id },
  ]),
  principal: {
    kind: 'user',
    tenant: row.slug,
    tenantId: row.tenant_id,
    id: row.user_id,
    name: row.name ?? row.email,
    grants: grantsOf(row.roles, row.custom_roles, null),
    isOperator: row.is_operator,
    login: row.id,
  },
});
