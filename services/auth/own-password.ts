/** A person's own password. */

import type { Context } from 'moleculer';
import { hashPassword, passwordMatches } from '../../adapters/access/passwords.ts';
import type { Database } from '../../adapters/database/database.ts';
import type { Revocation } from '../../contracts/access.contract.ts';
import type { Meta } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { audited } from '../../mixins/audit.ts';
import { checkPassword } from '../../mixins/user-fields.ts';
import { type Account, emailOf, holdAccount } from './accounts.ts';
import type { Attempts } from './attempts.ts';
import { endLogins } from './logins.ts';
import { ownAccountOf, ownUserOf } from './own-user.ts';

type Called = Context<{ readonly currentPassword: string; readonly newPassword: string }, Meta>;

/** Whoever has somebody's access token does not know the password yet, and must not find it out here. Rejects with `unauthorized`. */
export async function confirmPassword(attempts: Attempts, account: Account, password: string): Promise<void> {
  await attempts.own('password', account.user_id, async () => {
    if (!(await passwordMatches(password, account.password_hash)))
      throw new SkeinError('unauthorized', 'The current password is wrong');
  });
}

/** Answers with the logins that it ended: all but the one that asks. */
export async function changePassword(database: Database, attempts: Attempts, ctx: Called): Promise<Revocation[]> {
  const { currentPassword, newPassword } = ctx.params;
  const account = await ownAccountOf(database, ctx);
  checkPassword(newPassword);
  if (emailOf(newPassword) === account.email)
    throw new SkeinError('invalid_request', 'newPassword must not be the email address');
  await confirmPassword(attempts, account, currentPassword);
  const hash = await hashPassword(newPassword);
  return database.transaction(async tx => {
    if (!(await holdAccount(tx, account))) throw new SkeinError('conflict', 'The user was changed meanwhile');
    await tx.query(
      `UPDATE app_user SET password_hash = $3, version = version + 1, updated_at = now()
       WHERE tenant_id = $1 AND user_id = $2`,
      [account.tenant_id, account.user_id, hash],
    );
    const ended = await endLogins(tx, account, { except: ownUserOf(ctx).login, why: 'password' });
    await audited(tx, ctx, 'password.changed', `user ${account.user_id}`, { endedLogins: ended.length });
    return ended;
  });
}
