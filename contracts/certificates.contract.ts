/** Certificates of devices and of provisioning batches, which an authority of our own signs. */
import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { HealthReport } from './health.contract.ts';
import { DEVICE_SCOPES, type DeviceScope } from './permissions.ts';

/** `replaced`: renewed, and the time is over in which the one before was good too. */
export const CERTIFICATE_STATES = ['good', 'replaced', 'revoked', 'expired'] as const;
export type CertificateState = (typeof CERTIFICATE_STATES)[number];

/** RFC 5280, section 5.3.1. */
export const REASONS = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const;
export type CertificateReason = (typeof REASONS)[number];

export type CertificateView = {
  /** 32 characters, upper-case hex. */
  serialNumber: string;
  deviceId: string | null;
  /** Of a provisioning batch, with which its devices are provisioned: it is no device's. */
  batchId: string | null;
  commonName: string;
  state: CertificateState;
  /** SHA-256, lower-case hex. */
  fingerprint: string;
  /** Null: it may do everything that a device may. */
  scopes: DeviceScope[] | null;
  /** `csr`: of a key that the device made. `generated`: of one that was made here. `renewal`: the device renewed it itself. */
  issuedFrom: 'csr' | 'generated' | 'renewal';
  issuedBy: string;
  /** ISO 8601, UTC. */
  notBefore: string;
  notAfter: string;
  /** Of one that was renewed: how long it is good all the same. */
  replacedFrom: string | null;
  createdAt: string;
  revokedAt: string | null;
  revokedFor: string | null;
};
export type NewCertificate = {
  certificate: CertificateView;
  /** PEM. */
  pem: string;
  /** What signed it, and all others that the device is to trust. */
  chain: string;
  /** PKCS #8 in PEM, when the key was made here: shown once, and kept nowhere. */
  privateKey?: string;
};
/** As DER in base64, or as text in PEM. */
export type RevocationListView = { readonly format: 'der' | 'pem'; readonly content: string; readonly number: number };

const csr = { type: 'string', max: 65_536 } as const;
const id = { type: 'string' } as const;
const SCOPES = Object.keys(DEVICE_SCOPES) as DeviceScope[];
const scopes = typed<DeviceScope[] | undefined>({
  type: 'array',
  optional: true,
  min: 1,
  max: SCOPES.length,
  items: { type: 'enum', values: SCOPES },
});
const reading = ['certificates:read', 'devices:credentials'] as const;
const page = { limit: 'number|optional', cursor: 'string|optional' } as const;

/** The tenant is the caller's. */
export const certificates = contract('certificates', {
  /**
   * Without a `csr` the key is made here. Rejects with `invalid_request` when the CSR is not good, with `lifecycle_conflict` for a decommissioned
   * device, and with `too_many_credentials`.
   */
  issue: action(
    { id, csr: { ...csr, optional: true }, days: 'number|optional|integer|positive', scopes },
    { needs: 'devices:credentials', of: 'id' },
  ).returns<NewCertificate>(),
  /**
   * By the device itself. The new one may do what the credential may that it shows. The others that may do no more stay good for a while, in
   * which it begins to use the new one.
   */
  renew: action({ id, csr }, { needs: 'nobody', device: 'credentials:renew', of: 'id' }).returns<NewCertificate>(),
  /**
   * For a provisioning batch, by its id. Without a `csr` the key is made here. Rejects with `not_found`, with `invalid_request` when the CSR
   * is not good, with `provisioning_closed` for a batch that is closed or over, and with `too_many_credentials`.
   */
  issueForBatch: action(
    { id, csr: { ...csr, optional: true }, days: 'number|optional|integer|positive' },
    { needs: 'devices:provision' },
  ).returns<NewCertificate>(),
  /** Those of one batch. */
  ofBatch: action({ id, ...page }, { needs: 'devices:provision' }).returns<Page<CertificateView>>(),
  /** Those of one device. As all lists of certificates: the one that ends first comes first. */
  ofDevice: action({ id, ...page }, { needs: reading, device: 'any', of: 'id' }).returns<Page<CertificateView>>(),
  list: action(
    {
      state: { type: 'enum', values: CERTIFICATE_STATES, optional: true },
      deviceId: 'string|optional',
      /** ISO 8601: those that are good now, and end before that. */
      expiringBefore: 'string|optional|max:40',
      expiringWithinDays: 'number|optional|integer|min:0|max:36500',
      ...page,
    },
    { needs: 'certificates:read', of: 'devices' },
  ).returns<Page<CertificateView>>(),
  get: action({ serialNumber: 'string' }, { needs: 'certificates:read', of: 'devices' }).returns<CertificateView>(),
  /** Again: the same answer. */
  revoke: action(
    { serialNumber: 'string', reason: { type: 'enum', values: REASONS, optional: true } },
    { needs: 'certificates:write', of: 'devices' },
  ).returns<CertificateView>(),
  /** The certificates of the authorities that are not over, in PEM, the newest first. */
  authority: action({}, { needs: 'anyone' }).returns<{ pem: string }>(),
  /** `authority`: its id, the newest one without it. In PEM without it: those of all. */
  revocationList: action(
    { format: { type: 'enum', values: ['der', 'pem'] }, authority: 'number|optional|integer|positive' },
    { needs: 'anyone' },
  ).returns<RevocationListView>(),
  health: action({}, { needs: 'inside' }).returns<HealthReport>(),
});
