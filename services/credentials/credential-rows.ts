/** Rows of credentials of devices, and how they look outside: without anything that opens a device. */
import type { Transaction } from '../../adapters/database/database.ts';
import type {
  DeviceCertificateView,
  DeviceCredentials,
  DeviceKeyView,
  DeviceTokenView,
} from '../../contracts/credentials.contract.ts';
import type { LifecycleState } from '../../contracts/devices.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { DeviceScope } from '../../contracts/permissions.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';

type Querying = Pick<Transaction, 'query'>;

export type KeyRow = {
  key_id: string;
  name: string | null;
  scopes: DeviceScope[] | null;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
};
export type TokenRow = {
  token_id: string;
  scopes: DeviceScope[] | null;
  created_at: Date;
  expires_at: Date;
  revoked_at: Date | null;
};
type CertificateRow = {
  serial_number: string;
  fingerprint: string;
  common_name: string;
  not_before: Date;
  not_after: Date;
  created_at: Date;
  revoked_at: Date | null;
};

export const KEY_COLUMNS = 'key_id, name, scopes, created_at, expires_at, last_used_at, revoked_at';
export const TOKEN_COLUMNS = 'token_id, scopes, created_at, expires_at, revoked_at';
/** Of a table of credentials: those that work. */
export const LIVE = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())';

const iso = (at: Date | null): string | null => at?.toISOString() ?? null;

export const keyView = (row: KeyRow): DeviceKeyView => ({
  id: row.key_id,
  name: row.name,
  scopes: row.scopes,
  createdAt: row.created_at.toISOString(),
  expiresAt: iso(row.expires_at),
  lastUsedAt: iso(row.last_used_at),
  revokedAt: iso(row.revoked_at),
});

export const tokenView = (row: TokenRow): DeviceTokenView => ({
  id: row.token_id,
  scopes: row.scopes,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
  revokedAt: iso(row.revoked_at),
});

const certificateView = (row: CertificateRow): DeviceCertificateView => ({
  serialNumber: row.serial_number,
  fingerprint: row.fingerprint,
  commonName: row.common_name,
  createdAt: row.created_at.toISOString(),
  notBefore: row.not_before.toISOString(),
  expiresAt: row.not_after.toISOString(),
  revokedAt: iso(row.revoked_at),
});

export type Held = { readonly device_uid: number; readonly state: LifecycleState };

/** A device that no other transaction gives credentials to until this one ends. Rejects with `not_found`, or because it has ended. */
export async function holdDevice(tx: Transaction, tenantId: number, id: string): Promise<Held> {
  const [device] = await tx.query<Held>(
    'SELECT device_uid, state FROM device WHERE tenant_id = $1 AND device_id = $2 FOR NO KEY UPDATE',
    [tenantId, id],
  );
  if (device === undefined) throw unknownDevice(id);
  if (device.state === 'decommissioned')
    throw new SkeinError('lifecycle_conflict', 'A decommissioned device gets no credentials');
  return device;
}

/** Undefined: there is no such device. */
export async function readCredentials(
  db: Querying,
  tenantId: number,
  id: string,
  limit: number,
): Promise<DeviceCredentials | undefined> {
  const [device] = await db.query<{ device_uid: number }>(
    'SELECT device_uid FROM device WHERE tenant_id = $1 AND device_id = $2',
    [tenantId, id],
  );
  if (device === undefined) return undefined;
  const page = [device.device_uid, limit];
  const newest = (live: string) => `ORDER BY (${live}) DESC, created_at DESC LIMIT $2`;
  const keys = await db.query<KeyRow>(
    `SELECT ${KEY_COLUMNS} FROM device_key WHERE device_uid = $1 ${newest(LIVE)}`,
    page,
  );
  const tokens = await db.query<TokenRow>(
    `SELECT ${TOKEN_COLUMNS} FROM device_token WHERE device_uid = $1 ${newest(LIVE)}`,
    page,
  );
  const certificates = await db.query<CertificateRow>(
    `SELECT serial_number, fingerprint, common_name, not_before, not_after, created_at, revoked_at
     FROM certificate WHERE device_uid = $1 ${newest('revoked_at IS NULL AND not_after > now()')}`,
    page,
  );
  return {
    keys: keys.map(keyView),
    tokens: tokens.map(tokenView),
    certificates: certificates.map(certificateView),
  };
}
