/** Changing an organization, in one transaction. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import type { Meta } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { OrganizationState } from '../../contracts/organizations.contract.ts';
import type { QuotaName } from '../../contracts/quotas.ts';
import { appendAudit, audited } from '../../mixins/audit.ts';
import { memberOf } from '../../mixins/callers.ts';
import { revoke } from '../../mixins/revocations.ts';
import { lockOrganization, type OrganizationRow, type OwnQuotas, updateOrganization } from './organization-rows.ts';

type Called = { readonly meta: Meta };

/** Part of topics, user names of MQTT and paths. */
export const isSlug = (text: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(text);

/** Another one looks like one that is not there, unless the caller runs the system. Rejects with `not_found`. */
export function visible(
  { tenantId, isOperator }: MemberPrincipal,
  row: OrganizationRow | undefined,
  slug: string,
): OrganizationRow {
  if (row !== undefined && (isOperator || row.tenant_id === tenantId)) return row;
  throw new SkeinError('not_found', `There is no organization "${slug.slice(0, 100)}"`);
}

export type SaidQuotas = { readonly [name in QuotaName]?: number | null | undefined };

/** What is not said stays; null is as usual again. */
export function mergedQuotas(own: OwnQuotas, said: SaidQuotas): OwnQuotas {
  const all = Object.entries({ ...own, ...said });
  return Object.fromEntries(all.filter(([, size]) => size !== null && size !== undefined));
}

export type OrganizationChanges = {
  readonly version?: number | undefined;
  readonly name?: string | null | undefined;
  readonly quotas?: SaidQuotas | undefined;
  readonly state?: OrganizationState | undefined;
};

export async function changeOrganization(
  tx: Transaction,
  ctx: Called,
  slug: string,
  { version, name, quotas, state }: OrganizationChanges,
): Promise<OrganizationRow> {
  const caller = memberOf(ctx);
  const before = visible(caller, await lockOrganization(tx, slug), slug);
  if ((quotas !== undefined || state !== undefined) && !caller.isOperator)
    throw new SkeinError('forbidden', 'Only the organization that runs the system changes quotas and state');
  if (version !== undefined && version !== before.version)
    throw new SkeinError('stale_version', `The organization has version ${before.version}`, {
      version: before.version,
    });
  if (state === 'suspended' && before.is_operator)
    throw new SkeinError('conflict', 'The organization that runs the system can not be suspended');
  const changed = Object.entries({ name, quotas, state }).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  if (changed.length === 0) return before;
  const row = await updateOrganization(tx, {
    tenant_id: before.tenant_id,
    name: name === undefined ? before.name : name,
    state: state ?? before.state,
    quotas: mergedQuotas(before.quotas, quotas ?? {}),
  });
  if (state === 'suspended') await revoke(tx, [{ kind: 'tenant', tenant: slug, subject: slug }]);
  const isSuspended = state === 'suspended' && before.state !== 'suspended';
  const data = { changed, ...(quotas && { quotas: row.quotas }), ...(state && { state }) };
  await auditedInBoth(tx, ctx, row, isSuspended ? 'organization.suspended' : 'organization.changed', data);
  return row;
}

/** What the operator does to another organization is in the audit logs of both, and the other one learns no more than that it was the operator. */
export async function auditedInBoth(
  tx: Transaction,
  ctx: Called,
  { tenant_id: tenantId, slug }: OrganizationRow,
  act: string,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  const target = `organization ${slug}`;
  const own = () => audited(tx, ctx, act, target, data);
  const { tenantId: ownId } = memberOf(ctx);
  if (tenantId === ownId) return own();
  const theirs = () =>
    appendAudit(tx, { tenantId, actor: 'operator', act, target, address: null, result: 'done', data });
  // In the order of the tenants, like everybody who writes to several logs: each holds the end of one until its transaction ends.
  for (const write of ownId < tenantId ? [own, theirs] : [theirs, own]) await write();
}
