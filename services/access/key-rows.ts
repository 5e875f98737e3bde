/** The rows of keys, with what a principal needs to know of their owners. */
import type { Key } from '../../adapters/access/keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import type { Permission } from '../../contracts/permissions.ts';
import { type CustomRole, customRolesOf, grantsOf } from '../../mixins/grants.ts';
import type { Verified } from './credential.ts';
import { credentialReader, type DeviceColumns, ofDevice, ownersOfMember } from './credential-rows.ts';

export type KeyRow = Verified & { readonly hash: Uint8Array };

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

type DeviceKeyColumns = DeviceColumns & { key_id: string; secret_hash: Uint8Array; expires_at: Date | null };
type ApiKeyColumns = {
  key_id: string;
  secret_hash: Uint8Array;
  expires_at: Date | null;
  slug: string;
  tenant_id: number;
  name: string;
  roles: string[];
  permissions: Permission[] | null;
  custom_roles: CustomRole[] | null;
  is_operator: boolean;
};

export const keyRows = (database: Database) =>
  credentialReader<Key['kind'], KeyRow>({
    device: async ids => {
      const rows = await database.query<DeviceKeyColumns>(DEVICE_KEYS, [ids]);
      return rows.map(it => [it.key_id, deviceKey(it)]);
    },
    application: async ids => {
      const rows = await database.query<ApiKeyColumns>(API_KEYS, [ids]);
      return rows.map(it => [it.key_id, apiKey(it)]);
    },
  });

function deviceKey(row: DeviceKeyColumns): KeyRow {
  const expiresAtMs = row.expires_at?.getTime();
  const { owners, principal } = ofDevice(row, { kind: 'device_key', subject: row.key_id });
  return { hash: row.secret_hash, expiresAtMs, owners, principal: { ...principal, expiresAtMs } };
}

function apiKey(row: ApiKeyColumns): KeyRow {
  const expiresAtMs = row.expires_at?.getTime();
  return {
    hash: row.secret_hash,
    expiresAtMs,
    owners: ownersOfMember(row, [{ kind: 'api_key', subject: row.key_id }]),
    principal: {
      kind: 'application',
      tenant: row.slug,
      tenantId: row.tenant_id,
      id: row.key_id,
      name: row.name,
      grants: grantsOf(row.roles, row.custom_roles, row.permissions),
      isOperator: row.is_operator,
      expiresAtMs,
    },
  };
}
