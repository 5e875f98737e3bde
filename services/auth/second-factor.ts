/** The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for the day when the app is lost. */
import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { secretHash } from '../../adapters/access/keys.ts';
import type { Transaction } from '../../adapters/database/database.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import type { Account } from './accounts.ts';

export type Factor = {
  readonly kind: 'totp' | 'recovery';
  /** Uses it up, in this transaction: false when it was used before. */
  use(tx: Transaction): Promise<boolean>;
};
export type NewTotp = {
  readonly secret: string;
  readonly uri: string;
  readonly recoveryCodes: string[];
  /** What is stored of them. */
  readonly sealed: Uint8Array;
  readonly recoveryHashes: Uint8Array[];
};

/** 160 bits, as RFC 4226, section 4, wants; a recovery code has 80, too many to be found even from its hash. */
const SECRET_BYTES = 20;
const RECOVERY_BYTES = 10;
const RECOVERY_CODES = 10;
/** The step before and after this one are taken too: clocks of phones differ. */
const WINDOW_STEPS = 1;
const ISSUER = 'Skein';

type Whose = Pick<Account, 'tenant_id' | 'user_id'>;
type Holder = Whose & Pick<Account, 'totp_secret'>;

const aboutTotp = (userId: string): string => `user ${userId} totp`;

export function newTotp(sealer: Sealer, { user_id, email }: Pick<Account, 'user_id' | 'email'>): NewTotp {
  const bytes = randomBytes(SECRET_BYTES);
  const totp = appOf(bytes, email);
  const recoveryCodes = Array.from({ length: RECOVERY_CODES }, recoveryCode);
  return {
    secret: totp.secret.base32,
    uri: totp.toString(),
    recoveryCodes,
    sealed: sealer.seal(bytes, aboutTotp(user_id)),
    recoveryHashes: recoveryCodes.map(it => secretHash(plain(it))),
  };
}

/** What was sent beside the password. Undefined: it is wrong. */
export function secondFactor(
  sealer: Sealer,
  account: Holder,
  { totp, recoveryCode }: { readonly totp?: string; readonly recoveryCode?: string },
): Factor | undefined {
  if (totp === undefined) return recoveryCode === undefined ? undefined : recovery(account, recoveryCode);
  const step = stepOf(sealer, account, totp);
  return step === undefined ? undefined : { kind: 'totp', use: tx => useStep(tx, account, step) };
}

/** A code of the app, or a recovery code: they look different. */
export const anyFactor = (sealer: Sealer, account: Holder, code: string): Factor | undefined =>
  secondFactor(sealer, account, /^\s*\d{3}\s?\d{3}\s*$/.test(code) ? { totp: code } : { recoveryCode: code });

/** The step in which this is the code. Undefined: in none of those that are taken now. */
function stepOf(sealer: Sealer, { user_id, totp_secret }: Holder, code: string): number | undefined {
  if (totp_secret === null) return undefined;
  const totp = appOf(sealer.open(totp_secret, aboutTotp(user_id)));
  const timestamp = Date.now();
  const delta = totp.validate({ token: code.replaceAll(/\s/g, ''), timestamp, window: WINDOW_STEPS });
  return delta === null ? undefined : totp.counter({ timestamp }) + delta;
}

/** RFC 6238, section 5.2: a code is good once. */
async function useStep(tx: Transaction, { tenant_id, user_id }: Whose, step: number): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE app_user SET totp_last_step = $3
     WHERE tenant_id = $1 AND user_id = $2 AND totp_last_step < $3 RETURNING 1 AS used`,
    [tenant_id, user_id, step],
  );
  return rows.length > 0;
}

function recovery({ tenant_id, user_id }: Whose, code: string): Factor {
  const hash = secretHash(plain(code));
  return {
    kind: 'recovery',
    use: async tx => {
      const rows = await tx.query(
        `UPDATE app_user SET recovery_hashes = array_remove(recovery_hashes, $3::bytea)
         WHERE tenant_id = $1 AND user_id = $2 AND $3::bytea = ANY (recovery_hashes) RETURNING 1 AS used`,
        [tenant_id, user_id, hash],
      );
      return rows.length > 0;
    },
  };
}

const appOf = (bytes: Uint8Array, label = ''): TOTP =>
  new TOTP({ issuer: ISSUER, label, secret: new Secret({ buffer: new Uint8Array(bytes).buffer }) });

/** `abcd-efgh-ijkl-mnop` */
const recoveryCode = (): string =>
  new Secret({ buffer: new Uint8Array(randomBytes(RECOVERY_BYTES)).buffer }).base32
    .toLowerCase()
    .match(/.{4}/g)!
    .join('-');
const plain = (code: string): string => code.toLowerCase().replaceAll(/[\s-]/g, '');
