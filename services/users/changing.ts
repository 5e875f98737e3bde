/** Changing and ending users, each in one transaction: who may, what must not be lost, what stops working, what the audit log says. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { Revocation } from '../../contracts/access.contract.ts';
import type { Meta } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { audited } from '../../mixins/audit.ts';
import { memberOf } from '../../mixins/callers.ts';
import { grantsIn, grantsOfNamed, refuseMoreThanOwn } from '../../mixins/giving.ts';
import type { UserRow } from '../../mixins/new-user.ts';
import { revoke } from '../../mixins/revocations.ts';
import { endLogins, eraseUser, hasOtherAdministrator, lockUser, type UserChanges, updateUser } from './user-rows.ts';

type Called = { readonly meta: Meta };
type Wanted = { readonly id: string; readonly version: number | undefined };
/** `revoked` is to be announced after the commit. */
type Changed = { readonly row: UserRow; readonly revoked: readonly Revocation[] };

export async function changeUser(tx: Transaction, ctx: Called, wanted: Wanted, changes: UserChanges): Promise<Changed> {
  const caller = memberOf(ctx);
  const { tenantId } = caller;
  const before = await lock(tx, ctx, wanted);
  if (before.state === 'erased') throw new SkeinError('conflict', 'The user was erased');
  const changed = Object.entries(changes).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (changed.length === 0) return { row: before, revoked: [] };
  const { roles, state, passwordHash } = changes;
  if (roles !== undefined) refuseMoreThanOwn(caller, await grantsOfNamed(tx, tenantId, roles), 'The user');
  const name = { tenantId, id: before.user_id };
  if (isAdministrator(before) && !isAdministrator({ roles: before.roles, state: before.state, ...given(changes) }))
    await keepOne(tx, name);
  const row = await updateUser(tx, name, changes);
  const isDisabled = state === 'disabled' && before.state !== 'disabled';
  if (isDisabled || passwordHash !== undefined)
    await endLogins(tx, name, isDisabled ? 'the user was disabled' : 'the password was changed');
  const revoked = isDisabled || passwordHash !== undefined || roles !== undefined ? ofUser(ctx, row) : [];
  await revoke(tx, revoked);
  const data = { changed: changed.map(it => (it === 'passwordHash' ? 'password' : it)), ...(roles && { roles }) };
  await audited(tx, ctx, isDisabled ? 'user.disabled' : 'user.changed', `user ${row.user_id}`, data);
  return { row, revoked };
}

export async function endUser(tx: Transaction, ctx: Called, wanted: Wanted): Promise<Changed> {
  const before = await lock(tx, ctx, wanted);
  // Told again: telling is at most once, and who asks twice may do so because it did not work.
  if (before.state === 'erased') return { row: before, revoked: ofUser(ctx, before) };
  const name = { tenantId: memberOf(ctx).tenantId, id: before.user_id };
  if (isAdministrator(before)) await keepOne(tx, name);
  const row = await eraseUser(tx, name);
  const revoked = ofUser(ctx, row);
  await revoke(tx, revoked);
  await audited(tx, ctx, 'user.erased', `user ${row.user_id}`);
  return { row, revoked };
}

/** Of the caller's tenant, with this version, and with nothing that the caller has not: who could change it would be it. */
async function lock(tx: Transaction, ctx: Called, { id, version }: Wanted): Promise<UserRow> {
  const caller = memberOf(ctx);
  const row = await lockUser(tx, { tenantId: caller.tenantId, id });
  if (row === undefined) throw new SkeinError('not_found', `There is no user "${id.slice(0, 100)}"`);
  if (version !== undefined && version !== row.version)
    throw new SkeinError('stale_version', `The user has version ${row.version}`, { version: row.version });
  refuseMoreThanOwn(caller, await grantsIn(tx, caller.tenantId, row.roles), 'The user');
  return row;
}

const isAdministrator = ({ roles, state }: { readonly roles: readonly string[]; readonly state: string }): boolean =>
  state === 'active' && roles.includes('admin');

const given = ({ roles, state }: UserChanges) => ({ ...(roles && { roles }), ...(state && { state }) });

async function keepOne(tx: Transaction, name: { readonly tenantId: number; readonly id: string }): Promise<void> {
  if (!(await hasOtherAdministrator(tx, name)))
    throw new SkeinError('conflict', 'This is the last administrator of the organization: make another one first');
}

const ofUser = (ctx: Called, { user_id }: UserRow): Revocation[] => [
  { kind: 'user', tenant: memberOf(ctx).tenant, subject: user_id },
];
