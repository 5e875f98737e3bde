import { action, contract, event, typed } from './contract.ts';
import type { DeviceScope, Permission } from './permissions.ts';

/** Which devices a role is about: those that fit one of these. */
export type DeviceLimit = {
  readonly groups?: readonly string[];
  readonly types?: readonly string[];
  readonly tags?: readonly string[];
  /** Those that the user has claimed. */
  readonly claimed?: true;
};
/** What one role gives. `limit` null: for all devices of the tenant. */
export type Grant = { readonly permissions: readonly Permission[]; readonly limit: DeviceLimit | null };

/** Who is calling, after its credential was checked. */
export type Principal = DevicePrincipal | MemberPrincipal;

export type DevicePrincipal = {
  readonly kind: 'device';
  readonly tenant: string;
  readonly tenantId: number;
  readonly device: string;
  readonly deviceUid: number;
  /** Null: all. */
  readonly scopes: readonly DeviceScope[] | null;
  /** When its credential ends by itself, milliseconds since 1970: what it opened is closed then. Absent: never. */
  readonly expiresAtMs?: number;
  /** Which one it is: mixins/held-credential.ts. */
  readonly credential?: DeviceCredential;
};
/** As a `Revocation` names it. */
export type DeviceCredential = {
  readonly kind: 'device_key' | 'device_token' | 'certificate';
  readonly subject: string;
};

/** A program with an API key (`application`), or a person (`user`). */
export type MemberPrincipal = {
  readonly kind: 'application' | 'user';
  readonly tenant: string;
  readonly tenantId: number;
  /** Of the API key, or of the user. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  readonly grants: readonly Grant[];
  /** Of the organization that runs the system. */
  readonly isOperator: boolean;
  /** As of a device. */
  readonly expiresAtMs?: number;
  /** The login that its access token is of, so that the end of that login ends what it opened. */
  readonly login?: string;
};

/** The certificate that a client showed in its TLS handshake, which has already found that our authority signed it. */
export type ClientCertificate = {
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
  /** Upper-case hex, as OpenSSL and Node write it. */
  readonly serialNumber: string;
  readonly commonName: string;
};

/** What a credential was presented with: for limits and the audit log. */
export type Presented = {
  /** Address of the client, without its port. */
  readonly address?: string;
};

/** What stopped working: see mixins/revocations.ts. `subject` names it within its kind. */
export type Revocation = {
  readonly kind:
    | 'device'
    | 'api_key'
    | 'user'
    | 'login'
    | 'device_key'
    | 'device_token'
    | 'certificate'
    | 'role'
    | 'tenant';
  readonly tenant: string;
  /** Device id, key id, user id, login id, token id, serial number, name of a role; of a tenant its slug. */
  readonly subject: string;
  /** The device whose credential it was. */
  readonly device?: string;
};

/**
 * Credentials. An API key is `skd_<id>_<secret>` (device) or `ska_<id>_<secret>` (application); an access token and a device token are
 * JWTs of ours; a bearer token of the configured OIDC issuer is a JWT too. What was found good is remembered for `keyCacheSeconds`, and
 * forgotten when it is revoked.
 */
export const access = contract('access', {
  /**
   * Checks a key or token. `username` is given by MQTT: `{deviceId}` or `{tenant}/{deviceId}`, and must be the credential's own device; an
   * application's takes any username. Rejects with `unauthorized`, never saying which part was wrong. `isFresh`: what is remembered does not
   * count, for one who knows of a revocation that may not have been heard of there.
   */
  verify: action(
    {
      key: 'string',
      username: 'string|optional',
      isFresh: 'boolean|optional',
      presented: typed<Presented | undefined>({ type: 'object', optional: true }),
    },
    { needs: 'inside' },
  ).returns<Principal>(),
  /** Checks a device's certificate. `username` as above, if there is one. Rejects with `unauthorized`. */
  verifyCertificate: action(
    {
      certificate: typed<ClientCertificate>({ type: 'object' }),
      username: 'string|optional',
      isFresh: 'boolean|optional',
      presented: typed<Presented | undefined>({ type: 'object', optional: true }),
    },
    { needs: 'inside' },
  ).returns<Principal>(),
  /**
   * This no longer works: connections are closed, caches forget it. At most once, for speed; every node also reads the table `revocation`
   * each second.
   */
  revoked: event<Revocation>(),
});
