/** What a token of ours is about, by the database: a login of a user, or a token of a device. */
import type { Database } from '../../adapters/database/database.ts';
import type { DeviceScope } from '../../contracts/permissions.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';
import { type CustomRole, customRolesOf, grantsOf } from '../../mixins/grants.ts';
import { ownerOf, type Verified } from './credential.ts';

/** `subject`: the id of the user or the device. It and the tenant must be those that the token says. */
export type TokenRow = Omit<Verified, 'expiresAtMs'> & { readonly subject: string };
export type TokenName = { readonly kind: 'login' | 'device_token'; readonly id: string };

const LOGINS = `
  SELECT l.login_id AS id, u.user_id, u.email, u.name, u.roles, t.slug, t.tenant_id, t.is_operator, ${customRolesOf('u')} AS custom_roles
  FROM login l JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
  WHERE l.login_id = ANY ($1::uuid[]) AND l.revoked_at IS NULL AND l.expires_at > now() AND u.state = 'active' AND t.state = 'active'`;
const DEVICE_TOKENS = `
  SELECT k.token_id AS id, k.scopes, d.device_id, d.device_uid, t.slug, t.tenant_id
  FROM device_token k JOIN device d USING (device_uid) JOIN tenant t USING (tenant_id)
  WHERE k.token_id = ANY ($1::uuid[]) AND k.revoked_at IS NULL AND k.expires_at > now()
    AND t.state = 'active' AND d.state NOT IN ('suspended', 'decommissioned')`;

type Columns = { id: string; slug: string; tenant_id: number };
type LoginColumns = Columns & {
  user_id: string;
  email: string;
  name: string | null;
  roles: string[];
  is_operator: boolean;
  custom_roles: CustomRole[] | null;
};
type DeviceColumns = Columns & { device_id: string; device_uid: number; scopes: DeviceScope[] | null };

export function tokenRows(database: Database): BatchReader<TokenName, TokenRow> {
  return new BatchReader({
    nameOf: ({ kind, id }) => `${kind}/${id}`,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 2,
    read: async names => {
      const idsOf = (kind: TokenName['kind']) => names.filter(it => it.kind === kind).map(it => it.id);
      const [logins, deviceTokens] = await Promise.all([
        rows<LoginColumns>(database, LOGINS, idsOf('login')),
        rows<DeviceColumns>(database, DEVICE_TOKENS, idsOf('device_token')),
      ]);
      return new Map<string, TokenRow>([
        ...logins.map(it => [`login/${it.id}`, ofLogin(it)] as const),
        ...deviceTokens.map(it => [`device_token/${it.id}`, ofDeviceToken(it)] as const),
      ]);
    },
  });
}

const rows = async <R extends Columns>(database: Database, sql: string, ids: string[]): Promise<R[]> =>
  ids.length === 0 ? [] : database.query<R>(sql, [ids]);

const ofLogin = (row: LoginColumns): TokenRow => ({
  subject: row.user_id,
  owners: [
    ownerOf({ kind: 'login', tenant: row.slug, subject: row.id }),
    ownerOf({ kind: 'user', tenant: row.slug, subject: row.user_id }),
    ownerOf({ kind: 'tenant', tenant: row.slug, subject: row.slug }),
    ...row.roles.map(role => ownerOf({ kind: 'role', tenant: row.slug, subject: role })),
  ],
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

const ofDeviceToken = (row: DeviceColumns): TokenRow => ({
  subject: row.device_id,
  owners: [
    ownerOf({ kind: 'device_token', tenant: row.slug, subject: row.id }),
    ownerOf({ kind: 'device', tenant: row.slug, subject: row.device_id }),
    ownerOf({ kind: 'tenant', tenant: row.slug, subject: row.slug }),
  ],
  principal: {
    kind: 'device',
    tenant: row.slug,
    tenantId: row.tenant_id,
    device: row.device_id,
    deviceUid: row.device_uid,
    scopes: row.scopes,
    credential: { kind: 'device_token', subject: row.id },
  },
});
