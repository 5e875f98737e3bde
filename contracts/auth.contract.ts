import type { DeviceLimit } from './access.contract.ts';
import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { DeviceScope, Permission } from './permissions.ts';

export type SignedInUser = {
  id: string;
  organization: string;
  email: string;
  name: string | null;
  roles: string[];
};
export type Tokens = {
  accessToken: string;
  tokenType: 'Bearer';
  /** Seconds until the access token ends. */
  expiresIn: number;
  /** Good once: the answer to it has the next one. */
  refreshToken: string;
};
export type LoginView = {
  id: string;
  /** This is the login that asks. */
  current: boolean;
  address: string | null;
  userAgent: string | null;
  /** ISO 8601, UTC. */
  createdAt: string;
  lastUsedAt: string;
  expiresAt: string;
};
export type Me = {
  kind: 'user' | 'application' | 'device';
  organization: string;
  id: string;
  name: string | null;
  /** Of a user of ours. */
  email: string | null;
  roles: string[];
  /** All that it may do, if only with some devices. */
  permissions: Permission[];
  /** What of it may be done with some devices only, and with which. */
  limits: { permissions: Permission[]; devices: DeviceLimit }[];
  /** Of a device: what its credential is limited to; null: it is not. */
  scopes: DeviceScope[] | null;
  /** Of a user of ours: a second factor is needed to log in. */
  totp: boolean | null;
};
export type PublicKeySet = { keys: Record<string, unknown>[] };

/** A character may be two. How long a new one must be is counted in characters. */
const password = 'string|min:1|max:512';
const code = 'string|optional|min:1|max:64';

/** How people log in, and what they do with their own account. */
export const auth = contract('auth', {
  /**
   * Rejects with `unauthorized` and never says what was wrong, with `second_factor_needed` after the right password, and with `rate_limited`.
   * `userAgent`: what the client calls itself.
   */
  login: action(
    {
      email: 'string|min:1|max:254',
      password,
      organization: 'string|optional|min:1|max:64',
      totp: code,
      recoveryCode: code,
      userAgent: 'string|optional',
    },
    { needs: 'anyone' },
  ).returns<Tokens & { user: SignedInUser }>(),
  /** Rejects with `unauthorized`. A token that was used before ends its whole login. */
  refresh: action({ refreshToken: 'string|max:200' }, { needs: 'anyone' }).returns<Tokens>(),
  /** Ends this login, or all of this user. */
  logout: action({ all: 'boolean|optional' }, { needs: 'signed-in' }).returns<{ ended: number }>(),
  /** Those that go on, the newest first. */
  listLogins: action({}, { needs: 'signed-in' }).returns<Page<LoginView>>(),
  endLogin: action({ id: 'string|max:64' }, { needs: 'signed-in' }).returns<{ ended: number }>(),
  me: action({}, { needs: 'signed-in', device: 'any', of: 'nothing' }).returns<Me>(),
  /** Ends all other logins of this user. */
  changePassword: action(
    { currentPassword: password, newPassword: password },
    {
      needs: 'signed-in',
    },
  ).returns<{ ended: number }>(),
  /** A new secret, which counts when it is confirmed. It and the recovery codes are shown once. */
  beginTotp: action({ password }, { needs: 'signed-in' }).returns<{
    secret: string;
    uri: string;
    recoveryCodes: string[];
  }>(),
  confirmTotp: action({ code: 'string|min:1|max:64' }, { needs: 'signed-in' }).returns<{ totp: true }>(),
  /** `code`: of the app, or a recovery code. */
  removeTotp: action({ password, code: 'string|min:1|max:64' }, { needs: 'signed-in' }).returns<{ totp: false }>(),
  /** The keys that verify our tokens: RFC 7517. */
  keys: action({}, { needs: 'anyone' }).returns<PublicKeySet>(),
  /** A new key that signs tokens. `endsOthers`: tokens that were signed with another one are no longer good. */
  rotateKeys: action(
    { endsOthers: typed<boolean | undefined>({ type: 'boolean', optional: true }) },
    { needs: 'system:write' },
  ).returns<{ kid: string; signsFrom: string }>(),
});
