/** From an email and a password to a login. Whatever is wrong, the work and the answer are the same. */
import { uuidv7 } from 'uuidv7';
import { hashPassword, isOldHash, passwordMatches } from '../../adapters/access/passwords.ts';
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { networkOf } from '../../adapters/limits/connect-network.ts';
import type { Revocation } from '../../contracts/access.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import { appendAudit } from '../../mixins/audit.ts';
import { type Account, emailOf, findAccount, holdAccount } from './accounts.ts';
import type { Attempts } from './attempts.ts';
import { type Client, endLogins, insertLogin } from './logins.ts';
import { newRefreshToken, textOf } from './refresh-tokens.ts';
import { type Factor, secondFactor } from './second-factor.ts';

export type Credentials = {
  readonly email: string;
  readonly password: string;
  readonly organization?: string;
  readonly totp?: string;
  readonly recoveryCode?: string;
};
export type LoggedIn = {
  readonly account: Account;
  readonly loginId: string;
  readonly refreshToken: string;
  /** Of logins that made place for this one. */
  readonly revoked: readonly Revocation[];
};
type Parts = {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly limits: Limits;
  readonly attempts: Attempts;
};

const DEFAULT_ORGANIZATION = 'default';
const WRONG = 'The organization, the email, the password or the code is wrong';

/** Rejects with `unauthorized`, `second_factor_needed`, `rate_limited` or `overloaded`. */
export async function logIn(parts: Parts, credentials: Credentials, client: Client): Promise<LoggedIn> {
  const { organization = DEFAULT_ORGANIZATION } = credentials;
  const email = emailOf(credentials.email);
  return parts.attempts.login(organization, email, client.address ?? '', async () => {
    // A text with U+0000 is in no row; the database would refuse to look.
    const isText = !`${organization}${email}`.includes('\0');
    const { account, auditTenantId } = await findAccount(
      parts.database,
      isText ? organization : '',
      isText ? email : '',
    );
    const matches = await passwordMatches(
      credentials.password,
      account?.password_hash ?? null,
      `address ${networkOf(client.address ?? '')}`,
    );
    const loggedIn = account?.is_active && matches ? await withFactor(parts, account, credentials, client) : undefined;
    if (loggedIn !== undefined) return loggedIn;
    await auditFailure(parts.database, auditTenantId, account, client);
    throw new SkeinError('unauthorized', WRONG);
  });
}

/** The password was right. Undefined: the code is wrong, or the user changed meanwhile. */
async function withFactor(
  parts: Parts,
  account: Account,
  { password, totp, recoveryCode }: Credentials,
  client: Client,
): Promise<LoggedIn | undefined> {
  const finish = (factor: Factor | undefined) => open(parts, account, password, client, factor);
  if (!account.totp_confirmed) return finish(undefined);
  if (totp === undefined && recoveryCode === undefined)
    throw new SkeinError('second_factor_needed', 'Send the code of the authenticator app as well, as totp');
  const factor = secondFactor(parts.sealer, account, { totp, recoveryCode });
  // By itself: who knows the password must not get new attempts at the code from each new address.
  return refusable(refuse =>
    parts.attempts.own('code', account.user_id, async () => (factor && (await finish(factor))) ?? refuse()),
  );
}

class Refused extends SkeinError {
  constructor() {
    super('unauthorized', WRONG);
  }
}

/** `work` may refuse, which counts as a failed attempt; then the answer is undefined. */
async function refusable<T>(work: (refuse: () => never) => Promise<T>): Promise<T | undefined> {
  try {
    return await work(() => {
      throw new Refused();
    });
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

/** Undefined: the code was used before, or the user changed meanwhile. Then nothing is stored. */
async function open(
  { database, limits }: Parts,
  account: Account,
  password: string,
  client: Client,
  factor: Factor | undefined,
): Promise<LoggedIn | undefined> {
  const isOld = isOldHash(account.password_hash!);
  const newHash = isOld ? await hashPassword(password) : null;
  const token = newRefreshToken(uuidv7());
  const store = async (tx: Transaction): Promise<LoggedIn | undefined> => {
    if (!(await holdAccount(tx, account))) return undefined;
    if (factor !== undefined && !(await factor.use(tx))) return undefined;
    const revoked = await endLogins(tx, account, { keep: limits.loginsPerUser - 1, why: 'too_many' });
    await insertLogin(tx, account, token, client, limits.loginMaxDays);
    await tx.query(
      `UPDATE app_user SET last_login_at = now(), password_hash = coalesce($3, password_hash)
       WHERE tenant_id = $1 AND user_id = $2`,
      [account.tenant_id, account.user_id, newHash],
    );
    await appendAudit(tx, {
      tenantId: account.tenant_id,
      actor: `user ${account.user_id}`,
      act: 'login.succeeded',
      target: `login ${token.loginId}`,
      address: client.address,
      result: 'done',
      data: { secondFactor: factor?.kind ?? null },
    });
    return { account, loginId: token.loginId, refreshToken: textOf(token), revoked };
  };
  return database.transaction(store);
}

async function auditFailure(
  database: Database,
  tenantId: number | undefined,
  account: Account | undefined,
  { address }: Client,
): Promise<void> {
  if (tenantId === undefined) return;
  const target = account === undefined ? null : `user ${account.user_id}`;
  await appendAudit(database, {
    tenantId,
    actor: 'anonymous',
    act: 'login.failed',
    target,
    address,
    result: 'refused',
  });
}
