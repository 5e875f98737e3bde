/** The keys and tokens of devices. A secret is told once, when it is made, and never again. */
import { action, contract, typed } from './contract.ts';
import { DEVICE_SCOPES, type DeviceScope } from './permissions.ts';

type Times = { createdAt: string; expiresAt: string | null; revokedAt: string | null };
/** Without scopes (null) it may do everything that a device may. */
export type DeviceKeyView = Times & {
  id: string;
  name: string | null;
  scopes: DeviceScope[] | null;
  lastUsedAt: string | null;
};
export type DeviceTokenView = Times & { id: string; scopes: DeviceScope[] | null; expiresAt: string };
export type DeviceCertificateView = Times & {
  serialNumber: string;
  fingerprint: string;
  commonName: string;
  notBefore: string;
};
/** Those that work, the newest first, and before their end is forgotten also those that do not any more. */
export type DeviceCredentials = {
  keys: DeviceKeyView[];
  tokens: DeviceTokenView[];
  certificates: DeviceCertificateView[];
};
export type NewKey = { key: DeviceKeyView; apiKey: string };
export type NewToken = { view: DeviceTokenView; token: string };

const SCOPES = Object.keys(DEVICE_SCOPES) as DeviceScope[];
const scopes = typed<DeviceScope[] | undefined>({
  type: 'array',
  optional: true,
  min: 1,
  max: SCOPES.length,
  items: { type: 'enum', values: SCOPES },
});
const name = 'string|optional|min:1|max:100';
/** Of a device, about itself: for those whose credential has this scope. */
const manage = { needs: 'devices:credentials', of: 'id' } as const;
const renew = { ...manage, device: 'credentials:renew' } as const;

/** Rejects with `lifecycle_conflict` when the device is decommissioned, with `too_many_credentials` when it has as many as it may. */
export const credentials = contract('credentials', {
  list: action({ id: 'string' }, manage).returns<DeviceCredentials>(),
  /** It ends at `expiresAt` (ISO 8601), or after `ttlSeconds`; with neither it does not end by itself. */
  issueKey: action(
    { id: 'string', name, scopes, expiresAt: 'string|optional', ttlSeconds: 'number|optional|integer|min:1' },
    manage,
  ).returns<NewKey>(),
  /**
   * A new key in place of the older ones, which end after `graceSeconds`; 0: at once. Without `scopes` it may do what they might. A device's
   * replaces those that may do no more than the credential that it shows.
   */
  rotateKeys: action({ id: 'string', name, scopes, graceSeconds: 'number|optional|integer|min:0' }, renew).returns<
    NewKey & { replaced: DeviceKeyView[] }
  >(),
  /** Again: the same answer. */
  revokeKey: action({ id: 'string', keyId: 'string' }, manage).returns<DeviceKeyView>(),
  /** A device's has at most the scopes of the credential that it shows. */
  issueToken: action({ id: 'string', scopes, ttlSeconds: 'number|optional|integer|min:1' }, renew).returns<NewToken>(),
  revokeToken: action({ id: 'string', tokenId: 'string' }, manage).returns<DeviceTokenView>(),
});
