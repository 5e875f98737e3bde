/**
 * Certificates of provisioning batches: a device shows the one of its batch to be provisioned, and it is good for nothing else. Access looks
 * for the device of a certificate, and these have none.
 */
import { type Issued, issueForBatch, issueForBatchWithKey } from '../../adapters/certificates/issuing.ts';
import type { Transaction } from '../../adapters/database/database.ts';
import { isUuid } from '../../contracts/addresses.ts';
import type { NewCertificate } from '../../contracts/certificates.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import { audited } from '../../mixins/audit.ts';
import { memberOf, nameOf } from '../../mixins/callers.ts';
import { certificateView, insertCertificate } from './certificate-rows.ts';
import type { Calling, NewCertificates, Store } from './new-certificates.ts';

type Querying = Pick<Transaction, 'query'>;
type BatchRow = { readonly batch_id: string; readonly is_closed: boolean; readonly is_over: boolean };

const BATCH = `SELECT batch_id, state <> 'open' AS is_closed, coalesce(expires_at <= now(), false) AS is_over
  FROM provisioning_batch WHERE tenant_id = $1 AND batch_id = $2`;

/** Rejects with `not_found`, for one of another tenant too. */
export async function batchOfTenant(db: Querying, tenantId: number, id: string, lock = ''): Promise<BatchRow> {
  const [batch] = isUuid(id) ? await db.query<BatchRow>(BATCH + lock, [tenantId, id]) : [];
  if (batch === undefined) throw new SkeinError('not_found', `There is no batch "${id.slice(0, 100)}"`);
  return batch;
}

export type WantedForBatch = { readonly id: string; readonly csr?: string; readonly days: number };

/** Once for each Idempotency-Key. */
export function makeForBatch(
  certificates: NewCertificates,
  limits: Limits,
  ctx: Calling,
  said: WantedForBatch,
): Promise<NewCertificate> {
  const caller = memberOf(ctx);
  const { tenant, tenantId } = caller;
  // As the database writes it, and as it is in the certificate.
  const id = said.id.toLowerCase();
  const wanted = { ...said, id, holder: 'batch' } as const;
  const issuedFrom = wanted.csr === undefined ? 'generated' : 'csr';
  const store: Store = async (tx, authority, publicKey) => {
    await lockBatch(tx, tenantId, id, limits);
    const name = { tenant, batch: id };
    const validity = { days: wanted.days, nowMs: Date.now() };
    const issued: Issued & { readonly privateKeyPem?: string } =
      publicKey === undefined
        ? await issueForBatchWithKey(authority, name, validity)
        : await issueForBatch(authority, name, publicKey, validity);
    const { pem, privateKeyPem, ...rest } = issued;
    const holder = { tenantId, deviceUid: null, batchId: id, commonName: id, scopes: null };
    const row = { ...rest, ...holder, authorityId: authority.id, issuedFrom, issuedBy: nameOf(caller) } as const;
    const certificate = certificateView(await insertCertificate(tx, row));
    const { serialNumber, notAfter } = certificate;
    await audited(tx, ctx, 'certificate.issued', `batch ${id}`, { serialNumber, notAfter, issuedFrom });
    return { certificate, pem, ...(privateKeyPem !== undefined && { privateKey: privateKeyPem }) };
  };
  return certificates.making(ctx, wanted, ['certificates.issueForBatch', wanted], store);
}

/** Held until the transaction ends, so that it is not closed meanwhile, and that its certificates can be counted. */
async function lockBatch(
  tx: Transaction,
  tenantId: number,
  id: string,
  { certificatesPerBatch }: Limits,
): Promise<void> {
  const { is_closed, is_over } = await batchOfTenant(tx, tenantId, id, ' FOR UPDATE');
  if (is_closed) throw new SkeinError('provisioning_closed', 'The batch is closed');
  if (is_over) throw new SkeinError('provisioning_closed', 'The time of the batch is over');
  const [{ good } = { good: 0 }] = await tx.query<{ good: number }>(
    'SELECT count(*)::int AS good FROM certificate WHERE batch_id = $1 AND revoked_at IS NULL AND not_after > now()',
    [id],
  );
  if (good >= certificatesPerBatch)
    throw new SkeinError('too_many_credentials', `The batch has ${good} certificates that are good; revoke some`);
}
