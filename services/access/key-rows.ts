/** The rows of keys, with what a principal needs to know of their owners. */
import type { Key } from '../../adapters/access/keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import type { DeviceScope, Permission } from '../../contracts/permissions.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';
import { type CustomRole, customRolesOf, grantsOf } from '../../mixins/grants.ts';
import { ownerOf, type Verified } from './credential.ts';

export type KeyRow = Verified & { readonly hash: Uint8Array };
type KeyName = Pick<Key, 'kind' | 'id'>;

/** Only keys that work: not revoked nor over, of an active tenant, and the device neither suspended nor decommissioned. */
const DEVICE_KEYS = `
  SELECT k.key_id, k.secret_hash, k.scopes, k.expires_at, t.slug, t.tenant_id, d.device_id, d.device_uid
  FROM device_key k JOIN device d USING (device_uid) JOIN tenant t USING (tenant_id)
  WHERE k.key_id = ANY($1) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    AND t.state = 'active' AND d.state NOT IN ('suspended', 'decommissioned')`;
const API_KEYS = `
  SELECT k.key_id, k.secret_hash, k.name, k.roles, k.permissions, k.expires_at, t.slug, t.tenant_id, t.is_operator,
    ${customRolesOf('k')} AS custom_roles
  FROM api_key k JOIN tenant t USING (tenant_id)
  WHERE k.key_id = ANY($1) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    AND t.state = 'active'`;

type Columns = {
  key_id: string;
  secret_hash: Uint8Array;
  expires_at: Date | null;
  slug: string;
  tenant_id: number;
};
type DeviceColumns = Columns & { device_id: string; device_uid: number; scopes: DeviceScope[] | null };
type ApiKeyColumns = Columns & {
  name: string;
  roles: string[];
  permissions: Permission[] | null;
  custom_roles: CustomRole[] | null;
  is_operator: boolean;
};

export function keyRows(database: Database): BatchReader<KeyName, KeyRow> {
  return new BatchReader({
    nameOf: ({ kind, id }) => `${kind}/${id}`,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 2,
    read: async names => {
      const idsOf = (kind: Key['kind']) => names.filter(it => it.kind === kind).map(it => it.id);
      const [devices, applications] = await Promise.all([
        rows<DeviceColumns>(database, DEVICE_KEYS, idsOf('device')),
        rows<ApiKeyColumns>(database, API_KEYS, idsOf('application')),
      ]);
      return new Map<string, KeyRow>([
        ...devices.map(it => [`device/${it.key_id}`, deviceKey(it)] as const),
        ...applications.map(it => [`application/${it.key_id}`, apiKey(it)] as const),
      ]);
    },
  });
}

const rows = async <R extends Columns>(database: Database, sql: string, ids: string[]): Promise<R[]> =>
  ids.length === 0 ? [] : database.query<R>(sql, [ids]);

const deviceKey = (row: DeviceColumns): KeyRow => ({
  hash: row.secret_hash,
  expiresAtMs: row.expires_at?.getTime(),
  owners: [
    ownerOf({ kind: 'device_key', tenant: row.slug, subject: row.key_id }),
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
    expiresAtMs: row.expires_at?.getTime(),
    credential: { kind: 'device_key', subject: row.key_id },
  },
});

const apiKey = (row: ApiKeyColumns): KeyRow => ({
  hash: row.secret_hash,
  expiresAtMs: row.expires_at?.getTime(),
  owners: [
    ownerOf({ kind: 'api_key', tenant: row.slug, subject: row.key_id }),
    ownerOf({ kind: 'tenant', tenant: row.slug, subject: row.slug }),
    ...row.roles.map(role => ownerOf({ kind: 'role', tenant: row.slug, subject: role })),
  ],
  principal: {
    kind: 'application',
    tenant: row.slug,
    tenantId: row.tenant_id,
    id: row.key_id,
    name: row.name,
    grants: grantsOf(row.roles, row.custom_roles, row.permissions),
    isOperator: row.is_operator,
    expiresAtMs: row.expires_at?.getTime(),
  },
});
