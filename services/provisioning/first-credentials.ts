/** What a device shows for itself from then on: an API key, or a certificate when it sent a request for one (CSR). */
import { newKey } from '../../adapters/access/keys.ts';
import type { Authorities } from '../../adapters/certificates/authorities.ts';
import type { Authority } from '../../adapters/certificates/authority.ts';
import { issueForDevice } from '../../adapters/certificates/issuing.ts';
import { readRequest } from '../../adapters/certificates/request.ts';
import type { Transaction } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { ProvisionedView } from '../../contracts/provisioning.contract.ts';
import type { Attempt, Batch } from './shown-batches.ts';

/** What can be done before the transaction. */
export type PreparedCredential =
  | { readonly kind: 'key' }
  | {
      readonly kind: 'certificate';
      readonly publicKey: Uint8Array<ArrayBuffer>;
      readonly authority: Authority;
      readonly chain: string;
    };
type Device = {
  readonly batch: Batch;
  readonly deviceId: string;
  readonly deviceUid: number;
  /** How long a certificate is good. */
  readonly days: number;
};
type Stored = {
  readonly credentials: ProvisionedView['credentials'];
  /** For the audit log. */
  readonly told: Readonly<Record<string, unknown>>;
};

/** Rejects with `invalid_request` when the CSR is not good. */
export async function prepareCredential(
  authorities: Authorities,
  { csrMaxBytes }: Limits,
  { csr, deviceId }: Attempt,
): Promise<PreparedCredential> {
  if (csr == null) return { kind: 'key' };
  const read = await readRequest(csr, deviceId, csrMaxBytes);
  if ('refused' in read) throw new SkeinError('invalid_request', read.refused);
  const authority = await authorities.signing();
  const trusted = await authorities.trusted();
  const chain = trusted.toSorted((a, b) => Number(b.id === authority.id) - Number(a.id === authority.id));
  return { kind: 'certificate', publicKey: read.publicKey, authority, chain: chain.map(it => it.pem).join('') };
}

export const storeCredential = (tx: Transaction, prepared: PreparedCredential, device: Device): Promise<Stored> =>
  prepared.kind === 'key' ? storeKey(tx, device) : storeCertificate(tx, prepared, device);

async function storeKey(tx: Transaction, { deviceUid }: Device): Promise<Stored> {
  const { id, hash, text } = newKey('device');
  await tx.query('INSERT INTO device_key (key_id, device_uid, secret_hash) VALUES ($1, $2, $3)', [id, deviceUid, hash]);
  return { credentials: { apiKey: text }, told: { key: id } };
}

async function storeCertificate(
  tx: Transaction,
  { authority, publicKey, chain }: PreparedCredential & { kind: 'certificate' },
  { batch, deviceId, deviceUid, days }: Device,
): Promise<Stored> {
  const name = { tenant: batch.tenant, device: deviceId };
  const issued = await issueForDevice(authority, name, publicKey, { days, nowMs: Date.now() });
  const { serialNumber, fingerprint, notBefore, notAfter } = issued;
  await tx.query(
    `INSERT INTO certificate (serial_number, authority_id, tenant_id, device_uid, common_name, fingerprint, issued_from, issued_by, not_before, not_after)
     VALUES ($1, $2, $3, $4, $5, $6, 'csr', $7, $8, $9)`,
    [
      serialNumber,
      authority.id,
      batch.tenant_id,
      deviceUid,
      deviceId,
      fingerprint,
      `batch ${batch.batch_id}`,
      notBefore,
      notAfter,
    ],
  );
  return {
    credentials: { certificate: issued.pem, chain, notAfter: notAfter.toISOString() },
    told: { serialNumber },
  };
}
