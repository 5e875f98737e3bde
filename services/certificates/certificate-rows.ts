/** Rows of certificates, and how they look outside. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { CertificateState, CertificateView } from '../../contracts/certificates.contract.ts';
import type { DeviceScope } from '../../contracts/permissions.ts';

type Querying = Pick<Transaction, 'query'>;

const STATE = `CASE WHEN c.revoked_at IS NOT NULL THEN 'revoked' WHEN c.not_after <= now() THEN 'expired'
  WHEN c.replaced_from <= now() THEN 'replaced' ELSE 'good' END`;
const COLUMNS = `c.serial_number, c.batch_id, c.common_name, c.fingerprint, c.scopes, c.issued_from, c.issued_by, c.not_before, c.not_after, c.replaced_from,
  c.created_at, c.revoked_at, c.revoked_for, ${STATE} AS state,
  (SELECT device_id FROM device WHERE device_uid = c.device_uid) AS device_id`;
/** `$n`: a limit, as `device_fits` takes it. */
const fits = (n: number) => `($${n}::text IS NULL OR EXISTS (
  SELECT FROM device d WHERE d.device_uid = c.device_uid AND device_fits(d, $${n}::text::jsonb)))`;

export type CertificateRow = {
  serial_number: string;
  batch_id: string | null;
  common_name: string;
  fingerprint: string;
  scopes: DeviceScope[] | null;
  issued_from: CertificateView['issuedFrom'];
  issued_by: string;
  not_before: Date;
  not_after: Date;
  replaced_from: Date | null;
  created_at: Date;
  revoked_at: Date | null;
  revoked_for: string | null;
  state: CertificateState;
  device_id: string | null;
};

export const certificateView = (row: CertificateRow): CertificateView => ({
  serialNumber: row.serial_number,
  deviceId: row.device_id,
  batchId: row.batch_id,
  commonName: row.common_name,
  state: row.state,
  fingerprint: row.fingerprint,
  scopes: row.scopes,
  issuedFrom: row.issued_from,
  issuedBy: row.issued_by,
  notBefore: row.not_before.toISOString(),
  notAfter: row.not_after.toISOString(),
  replacedFrom: row.replaced_from?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
  revokedAt: row.revoked_at?.toISOString() ?? null,
  revokedFor: row.revoked_for,
});

export type NewRow = {
  readonly authorityId: number;
  readonly tenantId: number;
  /** One of both is null: it is of a device, or of a provisioning batch. */
  readonly deviceUid: number | null;
  readonly batchId: string | null;
  readonly commonName: string;
  readonly serialNumber: string;
  readonly fingerprint: string;
  readonly scopes: readonly DeviceScope[] | null;
  readonly issuedFrom: CertificateView['issuedFrom'];
  readonly issuedBy: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
};

export async function insertCertificate(tx: Querying, row: NewRow): Promise<CertificateRow> {
  const [stored] = await tx.query<CertificateRow>(
    `INSERT INTO certificate AS c (serial_number, authority_id, tenant_id, device_uid, common_name, fingerprint, issued_from, issued_by,
       not_before, not_after, scopes, batch_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text[], $12) RETURNING ${COLUMNS}`,
    [
      row.serialNumber,
      row.authorityId,
      row.tenantId,
      row.deviceUid,
      row.commonName,
      row.fingerprint,
      row.issuedFrom,
      row.issuedBy,
      row.notBefore,
      row.notAfter,
      row.scopes,
      row.batchId,
    ],
  );
  return stored!;
}

export type CertificateFilter = {
  readonly tenantId: number;
  readonly state?: CertificateState | undefined;
  readonly deviceId?: string | undefined;
  readonly batchId?: string | undefined;
  /** Good ones that end before that, and that were not renewed. */
  readonly endingBefore?: Date | undefined;
  /** Which devices the caller may see; null: all. */
  readonly limit: string | null;
};
/** When it ends, in milliseconds since 1970, and its serial number. */
export type CertificatePosition = readonly [number, string];

export const listCertificates = (
  db: Querying,
  { tenantId, state, deviceId, batchId, endingBefore, limit }: CertificateFilter,
  after: CertificatePosition | undefined,
  count: number,
): Promise<CertificateRow[]> =>
  db.query<CertificateRow>(
    `SELECT ${COLUMNS} FROM certificate c
     WHERE c.tenant_id = $1 AND ($2::timestamptz IS NULL OR (c.not_after, c.serial_number) > ($2, $3::text))
       AND ($4::text IS NULL OR ${STATE} = $4)
       AND ($5::text IS NULL OR c.device_uid = (SELECT device_uid FROM device WHERE tenant_id = $1 AND device_id = $5))
       AND ($6::timestamptz IS NULL OR (c.not_after < $6 AND c.not_after > now() AND c.revoked_at IS NULL AND c.replaced_from IS NULL))
       AND ${fits(7)} AND ($9::uuid IS NULL OR c.batch_id = $9)
     ORDER BY c.not_after, c.serial_number LIMIT $8`,
    [
      tenantId,
      after === undefined ? null : new Date(after[0]),
      after?.[1] ?? null,
      state ?? null,
      deviceId ?? null,
      endingBefore ?? null,
      limit,
      count,
      batchId ?? null,
    ],
  );

type Named = { readonly tenantId: number; readonly serialNumber: string; readonly limit: string | null };

export async function readCertificate(
  db: Querying,
  { tenantId, serialNumber, limit }: Named,
): Promise<CertificateRow | undefined> {
  const [row] = await db.query<CertificateRow>(
    `SELECT ${COLUMNS} FROM certificate c WHERE c.tenant_id = $1 AND c.serial_number = $2 AND ${fits(3)}`,
    [tenantId, serialNumber, limit],
  );
  return row;
}

/** Undefined: there is none, or it was revoked before. */
export async function revokeCertificate(
  tx: Querying,
  { tenantId, serialNumber, limit }: Named,
  reason: string,
): Promise<CertificateRow | undefined> {
  const [row] = await tx.query<CertificateRow>(
    `UPDATE certificate c SET revoked_at = now(), revoked_for = $4
     WHERE c.tenant_id = $1 AND c.serial_number = $2 AND ${fits(3)} AND c.revoked_at IS NULL RETURNING ${COLUMNS}`,
    [tenantId, serialNumber, limit, reason],
  );
  return row;
}

/** Of all tenants: good ones that end within so many days, and that their devices did not renew. */
export async function countEnding(db: Querying, days: number): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM certificate
     WHERE not_after > now() AND not_after < now() + make_interval(days => $1) AND revoked_at IS NULL AND replaced_from IS NULL`,
    [days],
  );
  return row!.count;
}
