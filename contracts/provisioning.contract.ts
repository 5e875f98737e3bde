import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { JsonObject } from './json.ts';

/** `any`: makes a device of any id. `listed`: only of those that were listed before. */
export const ADMISSIONS = ['any', 'listed'] as const;
export type Admission = (typeof ADMISSIONS)[number];
export const BATCH_STATES = ['open', 'closed'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/** Devices of one make, which get their identities themselves with the secret of the batch. */
export type BatchView = {
  id: string;
  name: string;
  /** What its devices become. */
  type: string | null;
  tags: string[];
  groups: string[];
  metadata: JsonObject;
  admits: Admission;
  state: BatchState;
  /** Each device gets a claim code with its credentials. */
  claimCodes: boolean;
  maxDevices: number | null;
  /** How many it made, and how many ids were listed. */
  devices: number;
  listed: number;
  provisioningKey: string;
  createdBy: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  expiresAt: string | null;
};
/** The secret is shown once. */
export type BatchCredentials = { provisioningKey: string; provisioningSecret: string };

export const BATCH_DEVICE_STATES = ['waiting', 'provisioned'] as const;
export type BatchDeviceView = {
  deviceId: string;
  state: (typeof BATCH_DEVICE_STATES)[number];
  provisionedAt: string | null;
};

/** What a device learns of itself. */
export type ProvisionedView = {
  device: {
    id: string;
    organization: string;
    type: string | null;
    tags: string[];
    groups: string[];
    metadata: JsonObject;
  };
  /** Shown once. `certificate` and `chain` are PEM: for who sent a `csr`. */
  credentials: { apiKey: string } | { certificate: string; chain: string; notAfter: string };
  /** Of a batch with `claimCodes`: to be shown by the device. */
  claimCode?: string;
};

export type ClaimCodeView = { deviceId: string; claimCode: string; expiresAt: string };
export type ClaimView = { deviceId: string; claimedBy: string | null; claimedAt: string | null };

const id = { id: 'string' } as const;
const page = { limit: 'number|optional|integer', cursor: 'string|optional' } as const;
const maxDevices = { type: 'number', integer: true, min: 1, max: 100_000_000, optional: true, nullable: true } as const;
const expiresAt = { type: 'string', optional: true, nullable: true, max: 40 } as const;
const deviceIds = { type: 'array', items: 'string|max:128' } as const;
const provisioners = { needs: 'devices:provision' } as const;

/** How devices come to their identity, and to their user. The tenant is the caller's, or the batch's. */
export const provisioning = contract('provisioning', {
  createBatch: action(
    {
      name: 'string|min:1|max:200',
      type: 'string|optional|min:1|max:100',
      tags: { type: 'array', optional: true, max: 50, items: 'string|min:1|max:100' },
      groups: { type: 'array', optional: true, max: 50, items: 'string|min:1|max:100' },
      metadata: typed<JsonObject | undefined>({ type: 'object', optional: true }),
      admits: { type: 'enum', values: ADMISSIONS },
      deviceIds: { ...deviceIds, optional: true },
      claimCodes: 'boolean|optional',
      maxDevices,
      expiresAt,
    },
    provisioners,
  ).returns<{ batch: BatchView; credentials: BatchCredentials }>(),
  /** Newest first. */
  listBatches: action({ ...page, state: { type: 'enum', values: BATCH_STATES, optional: true } }, provisioners).returns<
    Page<BatchView>
  >(),
  getBatch: action(id, provisioners).returns<BatchView>(),
  /** What is given replaces what was; null: without. */
  changeBatch: action(
    { ...id, state: { type: 'enum', values: BATCH_STATES, optional: true }, maxDevices, expiresAt },
    provisioners,
  ).returns<BatchView>(),
  /** Those that are listed already stay as they are. */
  addDevices: action({ ...id, deviceIds }, provisioners).returns<{ added: number; listed: number }>(),
  /** By id. */
  listDevices: action(
    { ...id, ...page, state: { type: 'enum', values: BATCH_DEVICE_STATES, optional: true } },
    provisioners,
  ).returns<Page<BatchDeviceView>>(),
  /** Revokes its credentials and lets it be provisioned once more. */
  resetDevice: action({ ...id, deviceId: 'string' }, provisioners).returns<BatchDeviceView>(),
  /** A new secret; the one before is good no more. */
  rotate: action(id, provisioners).returns<{ batch: BatchView; credentials: BatchCredentials }>(),

  /**
   * Gives a device its identity, exactly once: an API key, or with a `csr` (PKCS #10 in PEM) a certificate. It shows key and secret of its
   * batch; without both the certificate of the batch, in its TLS handshake, counts.
   */
  provision: action(
    {
      provisioningKey: 'string|optional|max:100',
      provisioningSecret: 'string|optional|max:100',
      deviceId: 'string',
      csr: { type: 'string', optional: true, max: 65_536 },
    },
    { needs: 'anyone' },
  ).returns<ProvisionedView>(),

  /** A code with which one user claims the device; one that it had before is good no more. */
  claimCode: action(
    { ...id, ttlSeconds: { type: 'number', integer: true, min: 60, max: 366 * 24 * 3600, optional: true } },
    { needs: 'devices:credentials', of: 'id' },
  ).returns<ClaimCodeView>(),
  /** By a user, with a code that it was given with the device. */
  claim: action({ claimCode: 'string|max:100' }, { needs: 'devices:claim', of: 'nothing' }).returns<ClaimView>(),
  /** By who has claimed it, or by who may issue credentials of the device. Without a claim: nothing happens. */
  release: action(id, { needs: ['devices:claim', 'devices:credentials'], of: 'id' }).returns<ClaimView>(),
});
