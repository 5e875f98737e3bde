/** The person who asks, when it is one of our own users. */
import type { Database } from '../../adapters/database/database.ts';
import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import type { Meta } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { memberOf } from '../../mixins/callers.ts';
import { type Account, accountOf } from './accounts.ts';

/** People of somebody else's directory are users too, but nothing of them is stored here: `oidc:...`. */
export const isOwnUser = ({ kind, id }: MemberPrincipal): boolean => kind === 'user' && /^[0-9a-f-]{36}$/.test(id);

/** Rejects with `forbidden` for programs, devices and people of another directory. */
export function ownUserOf(ctx: { readonly meta: Meta }): MemberPrincipal {
  const member = memberOf(ctx);
  if (!isOwnUser(member)) throw new SkeinError('forbidden', 'Only a person who has logged in here may do this');
  return member;
}

/** The row of the person. */
export async function ownAccountOf(database: Database, ctx: { readonly meta: Meta }): Promise<Account> {
  const { tenantId, id } = ownUserOf(ctx);
  const account = await accountOf(database, tenantId, id);
  if (account?.is_active !== true) throw new SkeinError('unauthorized', 'The user is not active');
  return account;
}
