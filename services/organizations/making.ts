/** A new organization with its first administrator, in one transaction. */
import { uuidv7 } from 'uuidv7';
import { newKey } from '../../adapters/access/keys.ts';
import type { Transaction } from '../../adapters/database/database.ts';
import type { Meta } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { OrganizationView } from '../../contracts/organizations.contract.ts';
import type { UserView } from '../../contracts/users.contract.ts';
import { memberOf, nameOf } from '../../mixins/callers.ts';
import { insertUser, type NewUser, userView } from '../../mixins/new-user.ts';
import { auditedInBoth } from './changing.ts';
import { insertAdministratorKey, insertOrganization, type OwnQuotas, organizationView } from './organization-rows.ts';

export type NewOrganization = {
  readonly slug: string;
  readonly name: string | null;
  readonly quotas: OwnQuotas;
  readonly user: Omit<NewUser, 'roles'> | undefined;
};

/** Its first key is there whatever its quotas are: without it nobody could do anything in it. */
export async function makeOrganization(
  tx: Transaction,
  ctx: { readonly meta: Meta },
  limits: Limits,
  { user, ...said }: NewOrganization,
): Promise<{ organization: OrganizationView; credentials: { apiKey: string }; user?: UserView }> {
  const row = await insertOrganization(tx, said);
  if (row === undefined) throw new SkeinError('conflict', `An organization "${said.slug}" exists already`);
  const key = newKey('application');
  await insertAdministratorKey(tx, row.tenant_id, { ...key, createdBy: nameOf(memberOf(ctx)) });
  const id = { tenantId: row.tenant_id, id: uuidv7() };
  const made = user && (await insertUser(tx, limits, id, { ...user, roles: ['admin'] }));
  await auditedInBoth(tx, ctx, row, 'organization.created', {});
  return {
    organization: organizationView(row, limits),
    credentials: { apiKey: key.text },
    ...(made && { user: userView(made) }),
  };
}
