/** Certificates of devices and of provisioning batches: the authority, issuing, renewing, revoking. Who shows one over TLS is found by the service `access`. */
import type { ServiceSchema } from 'moleculer';
import { Authorities } from '../adapters/certificates/authorities.ts';
import { pemOf } from '../adapters/certificates/key-pairs.ts';
import { isSerialNumber } from '../adapters/certificates/serial-numbers.ts';
import { access } from '../contracts/access.contract.ts';
import { certificates } from '../contracts/certificates.contract.ts';
import { implement, on } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { audited } from '../mixins/audit.ts';
import { callerOf, limitOf, memberOf } from '../mixins/callers.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { announceRevoked, revoke } from '../mixins/revocations.ts';
import { batchOfTenant, makeForBatch } from './certificates/batch-certificates.ts';
import { certificatePage, endingBefore } from './certificates/certificate-lists.ts';
import { certificateView, readCertificate, revokeCertificate } from './certificates/certificate-rows.ts';
import { EndingSoon } from './certificates/ending-soon.ts';
import { NewCertificates } from './certificates/new-certificates.ts';
import { RevocationLists } from './certificates/revocation-lists.ts';
import type { Node } from './node.ts';

/** Their ends are ends of certificates. */
const ENDS_CERTIFICATES = new Set(['certificate', 'device', 'tenant']);

export function certificatesService({
  config,
  database,
  sealer,
}: Pick<Node, 'config' | 'database' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const authorities = new Authorities({ database, sealer, longestDays: limits.deviceCertificateMaxDays });
  const newCertificates = new NewCertificates(database, sealer, authorities, limits);
  const lists = new RevocationLists(database, authorities, limits);
  const endingSoon = new EndingSoon(database);

  return implement(
    certificates,
    {
      issue(ctx) {
        const { id, csr, days = limits.deviceCertificateDays, scopes = null } = ctx.params;
        return newCertificates.make(ctx, {
          id,
          ...(csr !== undefined && { csr }),
          days,
          scopes,
          issuedFrom: csr === undefined ? 'generated' : 'csr',
        });
      },

      renew(ctx) {
        const { id, csr } = ctx.params;
        const caller = callerOf(ctx);
        return newCertificates.make(ctx, {
          id,
          csr,
          days: limits.deviceCertificateDays,
          scopes: caller.kind === 'device' ? caller.scopes : null,
          issuedFrom: 'renewal',
        });
      },

      async issueForBatch(ctx) {
        const { id, csr, days = limits.deviceCertificateDays } = ctx.params;
        return makeForBatch(newCertificates, limits, ctx, { id, ...(csr != null && { csr }), days });
      },

      async ofBatch(ctx) {
        const { id, ...page } = ctx.params;
        const { tenantId } = memberOf(ctx);
        const { batch_id: batchId } = await batchOfTenant(database, tenantId, id);
        return certificatePage(database, limits, { tenantId, batchId, limit: null }, page);
      },

      ofDevice(ctx) {
        const { id, ...page } = ctx.params;
        const { tenantId } = callerOf(ctx);
        return certificatePage(database, limits, { tenantId, deviceId: id, limit: null }, page);
      },

      list(ctx) {
        const { state, deviceId, expiringBefore, expiringWithinDays, ...page } = ctx.params;
        const filter = { state, deviceId, endingBefore: endingBefore(expiringBefore, expiringWithinDays) };
        const { tenantId } = memberOf(ctx);
        return certificatePage(database, limits, { tenantId, ...filter, limit: limitOf(ctx) }, page);
      },

      async get(ctx) {
        const { serialNumber } = ctx.params;
        const named = { tenantId: memberOf(ctx).tenantId, serialNumber, limit: limitOf(ctx) };
        const row = isSerialNumber(serialNumber) ? await readCertificate(database, named) : undefined;
        if (row === undefined) throw unknownCertificate(serialNumber);
        return certificateView(row);
      },

      async revoke(ctx) {
        const { serialNumber, reason = 'unspecified' } = ctx.params;
        const { tenant, tenantId } = memberOf(ctx);
        const named = { tenantId, serialNumber, limit: limitOf(ctx) };
        if (!isSerialNumber(serialNumber)) throw unknownCertificate(serialNumber);
        const [row, revocation] = await database.transaction(async tx => {
          const ended = await revokeCertificate(tx, named, reason);
          const now = ended ?? (await readCertificate(tx, named));
          if (now === undefined) throw unknownCertificate(serialNumber);
          const device = now.device_id === null ? {} : { device: now.device_id };
          const told = { kind: 'certificate', tenant, subject: serialNumber, ...device } as const;
          if (ended !== undefined) {
            await revoke(tx, [told]);
            await audited(tx, ctx, 'certificate.revoked', `certificate ${serialNumber}`, { reason, ...device });
          }
          return [now, told] as const;
        });
        lists.forget();
        // Told again each time: telling is at most once, and who asks twice may do so because it did not work.
        announceRevoked(ctx.broker, [revocation]);
        return certificateView(row);
      },

      async authority() {
        // Whoever asks is about to trust one, so there is one.
        await authorities.signing();
        return { pem: (await authorities.trusted()).map(it => it.pem).join('') };
      },

      async revocationList(ctx) {
        const { format, authority } = ctx.params;
        await authorities.signing();
        const all = await lists.authorities();
        const wanted = authority === undefined ? (format === 'pem' ? all : all.slice(0, 1)) : [authority];
        const found = await Promise.all(wanted.map(id => lists.of(id)));
        if (found.includes(undefined)) throw new SkeinError('not_found', `There is no authority ${authority}`);
        const signed = found.filter(it => it !== undefined);
        const content =
          format === 'pem'
            ? signed.map(it => pemOf('X509 CRL', it.der)).join('')
            : Buffer.from(signed[0]!.der).toString('base64');
        return { format, content, number: signed[0]!.number };
      },

      health: () => endingSoon.report(),
    },
    {
      ...databaseErrors,
      events: on(access.revoked, ({ kind }) => {
        if (ENDS_CERTIFICATES.has(kind)) lists.forget();
      }),
    },
  );
}

const unknownCertificate = (serialNumber: string): SkeinError =>
  new SkeinError('not_found', `There is no certificate "${serialNumber.slice(0, 100)}"`);
