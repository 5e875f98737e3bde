/** Making certificates, of devices; those of batches are stored by batch-certificates.ts. */
import type { Authorities } from '../../adapters/certificates/authorities.ts';
import type { Authority } from '../../adapters/certificates/authority.ts';
import { type Issued, issueForDevice, issueWithKey } from '../../adapters/certificates/issuing.ts';
import { readRequest } from '../../adapters/certificates/request.ts';
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { CertificateView, NewCertificate } from '../../contracts/certificates.contract.ts';
import type { Meta } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { DeviceScope } from '../../contracts/permissions.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import { audited } from '../../mixins/audit.ts';
import { callerOf, nameOf } from '../../mixins/callers.ts';
import { holdCredential } from '../../mixins/held-credential.ts';
import { once } from '../../mixins/idempotency.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';
import { certificateView, insertCertificate } from './certificate-rows.ts';

export type Wanted = {
  readonly id: string;
  readonly csr?: string;
  readonly days: number;
  /** Null: all. */
  readonly scopes: readonly DeviceScope[] | null;
  readonly issuedFrom: CertificateView['issuedFrom'];
};
/** For whom, and how long; what is common to all certificates. */
export type WantedKey = Pick<Wanted, 'id' | 'csr' | 'days'> & { readonly holder?: 'device' | 'batch' };
export type Calling = { readonly meta: Meta };
export type PublicKey = Uint8Array<ArrayBuffer>;
/** `publicKey` is undefined when the key is to be made here. */
export type Store = (
  tx: Transaction,
  authority: Authority,
  publicKey: PublicKey | undefined,
) => Promise<Omit<NewCertificate, 'chain'>>;

export class NewCertificates {
  readonly #database: Database;
  readonly #sealer: Sealer;
  readonly #authorities: Authorities;
  readonly #limits: Limits;
  #underWay = 0;

  constructor(database: Database, sealer: Sealer, authorities: Authorities, limits: Limits) {
    this.#database = database;
    this.#sealer = sealer;
    this.#authorities = authorities;
    this.#limits = limits;
  }

  /** Once for each Idempotency-Key. The device must be one that the caller may see. */
  make(ctx: Calling, wanted: Wanted): Promise<NewCertificate> {
    return this.making(ctx, wanted, ['certificates.make', wanted], (tx, authority, publicKey) =>
      this.#store(tx, ctx, wanted, authority, publicKey),
    );
  }

  /** @param store makes the certificate and stores it, in a transaction, once for each `request` with an Idempotency-Key */
  async making(ctx: Calling, wanted: WantedKey, request: unknown, store: Store): Promise<NewCertificate> {
    const { certificatesUnderWay, deviceCertificateMaxDays, idempotencyKeepHours } = this.#limits;
    if (wanted.days > deviceCertificateMaxDays)
      throw new SkeinError('invalid_request', `days must be between 1 and ${deviceCertificateMaxDays}`);
    if (this.#underWay >= certificatesUnderWay)
      throw new SkeinError('overloaded', 'Too many certificates are being made at once');
    this.#underWay++;
    try {
      const publicKey = await this.#keyOf(wanted);
      const [authority, trusted] = [await this.#authorities.signing(), await this.#authorities.trusted()];
      const chain = trusted.toSorted((a, b) => Number(b.id === authority.id) - Number(a.id === authority.id));
      const kept = { database: this.#database, sealer: this.#sealer, idempotencyKeepHours };
      const made = await once(kept, ctx, request, tx => store(tx, authority, publicKey));
      return { ...made, chain: chain.map(it => it.pem).join('') };
    } finally {
      this.#underWay--;
    }
  }

  /** Undefined: it is to be made here. */
  async #keyOf({ id, csr, holder }: WantedKey): Promise<PublicKey | undefined> {
    if (csr === undefined) return undefined;
    const read = await readRequest(csr, id, this.#limits.csrMaxBytes, holder);
    if ('refused' in read) throw new SkeinError('invalid_request', read.refused);
    return read.publicKey;
  }

  async #store(
    tx: Transaction,
    ctx: Calling,
    { id, days, scopes, issuedFrom }: Wanted,
    authority: Authority,
    publicKey: PublicKey | undefined,
  ): Promise<Omit<NewCertificate, 'chain'>> {
    const caller = callerOf(ctx);
    const { tenant, tenantId } = caller;
    const deviceUid = await this.#lockDevice(tx, tenantId, id);
    await holdCredential(tx, caller);
    if (issuedFrom === 'renewal') await this.#replaceOthers(tx, deviceUid, scopes);
    const name = { tenant, device: id };
    const validity = { days, nowMs: Date.now() };
    const issued: Issued & { readonly privateKeyPem?: string } =
      publicKey === undefined
        ? await issueWithKey(authority, name, validity)
        : await issueForDevice(authority, name, publicKey, validity);
    const { pem, privateKeyPem, ...said } = issued;
    const row = await insertCertificate(tx, {
      ...said,
      authorityId: authority.id,
      tenantId,
      deviceUid,
      batchId: null,
      commonName: id,
      scopes,
      issuedFrom,
      issuedBy: nameOf(caller),
    });
    const certificate = certificateView(row);
    const act = issuedFrom === 'renewal' ? 'certificate.renewed' : 'certificate.issued';
    const { serialNumber, notAfter } = certificate;
    await audited(tx, ctx, act, `device ${id}`, { serialNumber, notAfter, issuedFrom });
    return { certificate, pem, ...(privateKeyPem !== undefined && { privateKey: privateKeyPem }) };
  }

  /** Held until the transaction ends, so that it is not decommissioned meanwhile, and that its certificates can be counted. */
  async #lockDevice(tx: Transaction, tenantId: number, id: string): Promise<number> {
    const [device] = await tx.query<{ device_uid: number; state: string }>(
      'SELECT device_uid, state FROM device WHERE tenant_id = $1 AND device_id = $2 FOR NO KEY UPDATE',
      [tenantId, id],
    );
    if (device === undefined) throw unknownDevice(id);
    if (device.state === 'decommissioned')
      throw new SkeinError('lifecycle_conflict', 'A decommissioned device gets no certificate');
    const [{ good } = { good: 0 }] = await tx.query<{ good: number }>(
      `SELECT count(*)::int AS good FROM certificate
       WHERE device_uid = $1 AND revoked_at IS NULL AND not_after > now() AND (replaced_from IS NULL OR replaced_from > now())`,
      [device.device_uid],
    );
    const { certificatesPerDevice } = this.#limits;
    if (good >= certificatesPerDevice)
      throw new SkeinError('too_many_credentials', `The device has ${good} certificates that are good; revoke some`);
    return device.device_uid;
  }

  /** Those that may do no more than the new one: a credential that may do little must not end one that may do everything. */
  async #replaceOthers(tx: Transaction, deviceUid: number, scopes: readonly DeviceScope[] | null): Promise<void> {
    await tx.query(
      `UPDATE certificate SET replaced_from = now() + make_interval(hours => $2)
       WHERE device_uid = $1 AND revoked_at IS NULL AND not_after > now() AND replaced_from IS NULL
         AND ($3::text[] IS NULL OR scopes <@ $3::text[])`,
      [deviceUid, this.#limits.certificateOverlapHours, scopes],
    );
  }
}
