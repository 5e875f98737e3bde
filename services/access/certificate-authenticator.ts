/** Certificates of devices. That one of our authorities signed it was found in the TLS handshake; here it is looked up. */
import type { Database } from '../../adapters/database/database.ts';
import type { ClientCertificate } from '../../contracts/access.contract.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';
import type { Verified } from './credential.ts';
import { type DeviceColumns, ofDevice } from './credential-rows.ts';

type CertificateRow = DeviceColumns & {
  serial_number: string;
  fingerprint: string;
  not_after: Date;
  replaced_from: Date | null;
};

/** Only those that work: not revoked, nor over, nor replaced, of an active tenant, and the device neither suspended nor decommissioned. */
const CERTIFICATES = `
  SELECT c.serial_number, c.fingerprint, c.not_after, c.replaced_from, c.scopes, t.slug, t.tenant_id, d.device_id, d.device_uid
  FROM certificate c JOIN device d USING (device_uid) JOIN tenant t ON t.tenant_id = d.tenant_id
  WHERE c.fingerprint = ANY($1) AND c.revoked_at IS NULL AND c.not_before <= now() AND c.not_after > now()
    AND (c.replaced_from IS NULL OR c.replaced_from > now()) AND c.tenant_id = d.tenant_id
    AND t.state = 'active' AND d.state NOT IN ('suspended', 'decommissioned')`;

/** Undefined: it is not good, for whatever reason. Rejects when that could not be found out. */
export function certificateAuthenticator(
  database: Database,
): (certificate: ClientCertificate) => Promise<Verified | undefined> {
  const rows = new BatchReader<string, CertificateRow>({
    nameOf: fingerprint => fingerprint,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 2,
    read: async fingerprints => {
      const found = await database.query<CertificateRow>(CERTIFICATES, [fingerprints]);
      return new Map(found.map(it => [it.fingerprint, it]));
    },
  });
  return async ({ fingerprint, serialNumber, commonName }) => {
    const row = await rows.load(fingerprint);
    if (row === undefined || row.serial_number !== serialNumber || row.device_id !== commonName) return undefined;
    return verified(row);
  };
}

function verified(row: CertificateRow): Verified {
  const expiresAtMs = Math.min(row.not_after.getTime(), row.replaced_from?.getTime() ?? Number.POSITIVE_INFINITY);
  const { owners, principal } = ofDevice(row, { kind: 'certificate', subject: row.serial_number });
  return { expiresAtMs, owners, principal: { ...principal, expiresAtMs } };
}
