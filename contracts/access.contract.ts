import { action, contract, event } from './contract.ts';

/** Who is calling, after a key was checked. */
export type Principal =
  | {
      readonly kind: 'device';
      readonly tenant: string;
      readonly tenantId: number;
      readonly device: string;
      readonly deviceUid: number;
    }
  | {
      readonly kind: 'application';
      readonly tenant: string;
      readonly tenantId: number;
      readonly keyId: string;
      readonly role: 'admin';
    };

/**
 * Keys. A key is `skd_<id>_<secret>` (device) or `ska_<id>_<secret>` (application): the id finds the row, the secret's
 * SHA-256 is compared in constant time. Verified keys are cached for `keyCacheSeconds` and forgotten on `revoked`.
 */
export const access = contract('access', {
  /**
   * Checks a key. `username` is given by MQTT: `{deviceId}` or `{tenant}/{deviceId}`, and must be the key's own device; an
   * application's key takes any username. Rejects with `unauthorized`, never saying which part was wrong.
   */
  verify: action({ key: 'string', username: 'string|optional' }).returns<Principal>(),
  /** The keys of this device no longer work: its connections are closed, caches forget it. */
  revoked: event<{ tenant: string; device: string }>(),
});
