/** Which batch a device is of: it shows key and secret of that, or the batch's certificate in its TLS handshake. */
import { secretMatches } from '../../adapters/access/keys.ts';
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { ClientCertificate } from '../../contracts/access.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { keyIdOf } from './batch-rows.ts';

export type Attempt = {
  readonly provisioningKey?: string | undefined;
  readonly provisioningSecret?: string | undefined;
  /** One that our authority signed, of whatever. */
  readonly certificate?: ClientCertificate | undefined;
  readonly deviceId: string;
  readonly csr?: string | undefined;
  readonly address: string | null;
};
/** The batch whose secret or certificate it is. */
export type Batch = {
  readonly batch_id: string;
  readonly tenant_id: number;
  readonly tenant: string;
  readonly proof:
    | { readonly kind: 'secret'; readonly hash: Uint8Array }
    | { readonly kind: 'certificate'; readonly serialNumber: string };
};
/** `batch` is undefined for a key, or a certificate, of none. */
export type Shown = { readonly batch: Batch | undefined; readonly isGood: boolean };
type BatchRow = { batch_id: string; tenant_id: number; tenant: string; is_active: boolean };

/** Key and secret count, when there is one of them; the certificate only without both. */
export async function shownBatch(database: Database, attempt: Attempt): Promise<Shown> {
  const { provisioningKey: key, provisioningSecret: secret, certificate } = attempt;
  if (key != null || secret != null) return batchOfSecret(database, key ?? '', secret ?? '');
  if (certificate !== undefined) return batchOfCertificate(database, certificate);
  throw new SkeinError(
    'unauthorized',
    'Send provisioningKey and provisioningSecret, or show the certificate of the batch in the TLS handshake',
  );
}

/** The work is the same whatever is wrong. */
async function batchOfSecret(database: Database, key: string, secret: string): Promise<Shown> {
  const [row] = await database.query<BatchRow & { secret_hash: Uint8Array }>(
    `SELECT batch_id, tenant_id, slug AS tenant, tenant.state = 'active' AS is_active, secret_hash
     FROM provisioning_batch JOIN tenant USING (tenant_id) WHERE key_id = $1`,
    [keyIdOf(key) ?? ''],
  );
  const matches = secretMatches(secret, row?.secret_hash);
  const batch = row && { ...batchOf(row), proof: { kind: 'secret', hash: row.secret_hash } as const };
  return { batch, isGood: matches && row?.is_active === true };
}

/** The handshake has found who signed it and that it is in its time, by the clock of that node; this is the clock of all. */
const IS_GOOD = 'c.revoked_at IS NULL AND c.not_before <= now() AND c.not_after > now()';

/** One of a device has no batch. */
async function batchOfCertificate(
  database: Database,
  { fingerprint, serialNumber, commonName }: ClientCertificate,
): Promise<Shown> {
  const [row] = await database.query<BatchRow & { is_good: boolean }>(
    `SELECT b.batch_id, b.tenant_id, t.slug AS tenant, t.state = 'active' AS is_active, ${IS_GOOD} AS is_good
     FROM certificate c JOIN provisioning_batch b ON b.batch_id = c.batch_id AND b.tenant_id = c.tenant_id
       JOIN tenant t ON t.tenant_id = b.tenant_id
     WHERE c.fingerprint = $1 AND c.serial_number = $2 AND c.common_name = $3 AND c.device_uid IS NULL`,
    [fingerprint, serialNumber, commonName],
  );
  const batch = row && { ...batchOf(row), proof: { kind: 'certificate', serialNumber } as const };
  return { batch, isGood: row?.is_good === true && row.is_active };
}

const batchOf = ({ batch_id, tenant_id, tenant }: BatchRow) => ({ batch_id, tenant_id, tenant });

/** Once more in the transaction, after the batch was locked: it may have been replaced or revoked while others had their turn. */
export async function isStillGood(tx: Transaction, { batch_id, proof }: Batch): Promise<boolean> {
  const found =
    proof.kind === 'secret'
      ? await tx.query('SELECT FROM provisioning_batch WHERE batch_id = $1 AND secret_hash = $2', [
          batch_id,
          proof.hash,
        ])
      : await tx.query(`SELECT FROM certificate c WHERE c.batch_id = $1 AND c.serial_number = $2 AND ${IS_GOOD}`, [
          batch_id,
          proof.serialNumber,
        ]);
  return found.length > 0;
}

/** What is said of everything that is not good, whatever is wrong with it. */
export const notGood = ({ provisioningKey, provisioningSecret, certificate }: Attempt): SkeinError =>
  new SkeinError(
    'unauthorized',
    certificate === undefined || provisioningKey != null || provisioningSecret != null
      ? 'The provisioning key or its secret is not valid'
      : 'The certificate is not valid for provisioning',
  );
