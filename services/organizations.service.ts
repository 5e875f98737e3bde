/** Organizations. Each sees its own; the one that runs the system sees, makes and changes all of them. */
import type { ServiceSchema } from 'moleculer';
import { hashPassword } from '../adapters/access/passwords.ts';
import type { MemberPrincipal, Revocation } from '../contracts/access.contract.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { organizations } from '../contracts/organizations.contract.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { memberOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { once } from '../mixins/idempotency.ts';
import { announceRevoked } from '../mixins/revocations.ts';
import { checkPassword, emailOf } from '../mixins/user-fields.ts';
import type { Node } from './node.ts';
import { changeOrganization, isSlug, mergedQuotas, visible } from './organizations/changing.ts';
import { makeOrganization } from './organizations/making.ts';
import { listOrganizations, organizationView, readOrganization, readUsage } from './organizations/organization-rows.ts';

type Called = { readonly meta: Meta; readonly params: { readonly slug: string } };

export function organizationsService({
  config,
  database,
  sealer,
}: Pick<Node, 'config' | 'database' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const kept = { database, sealer, idempotencyKeepHours: limits.idempotencyKeepHours };

  /** One that the caller may see. Rejects with `not_found`. */
  const find = async (ctx: Called) => {
    const { slug } = ctx.params;
    return visible(memberOf(ctx), isSlug(slug) ? await readOrganization(database, slug) : undefined, slug);
  };

  return implement(
    organizations,
    {
      async list(ctx) {
        const { tenantId, isOperator } = memberOf(ctx);
        const list = ['organizations', tenantId];
        const size = pageSize(ctx.params.limit, limits);
        const [after = ''] = positionOf<[string]>(list, ctx.params.cursor, TEXT_POSITION) ?? [];
        const rows = await listOrganizations(database, isOperator ? undefined : tenantId, after, size + 1);
        return pageOf(
          list,
          rows,
          size,
          row => organizationView(row, limits),
          row => [row.slug],
        );
      },

      async create(ctx) {
        refuseOthers(memberOf(ctx));
        const { slug, name = null, quotas = {}, admin } = ctx.params;
        if (!isSlug(slug))
          throw new SkeinError('invalid_request', 'slug must be 1 to 63 of a-z, 0-9 and -, and not begin with -');
        if (name !== null) checkText('name', name);
        const user = admin === undefined ? undefined : await userOf(admin);
        // The password itself is not in it: what is kept of a request is a fast hash, from which it could be guessed.
        const { admin: said, ...rest } = ctx.params;
        const request = ['organizations.create', rest, said && { ...said, password: said.password !== undefined }];
        return once(kept, ctx, request, tx =>
          makeOrganization(tx, ctx, limits, { slug, name, quotas: mergedQuotas({}, quotas), user }),
        );
      },

      async get(ctx) {
        return organizationView(await find(ctx), limits);
      },

      async update(ctx) {
        const before = await find(ctx);
        const { name, version, quotas, state } = ctx.params;
        if (name) checkText('name', name);
        const changes = { version, name, quotas, state };
        const row = await database.transaction(tx => changeOrganization(tx, ctx, before.slug, changes));
        // Told again each time that it is asked for: telling is at most once.
        if (state === 'suspended') announceRevoked(ctx.broker, ofOrganization(row.slug));
        return organizationView(row, limits);
      },

      async usage(ctx) {
        const row = await find(ctx);
        const { quotas } = organizationView(row, limits);
        const used = await readUsage(database, row.tenant_id);
        const counted = (name: 'devices' | 'users' | 'apiKeys') => ({ size: quotas[name], used: used[name] ?? 0 });
        return {
          slug: row.slug,
          quotas: {
            devices: counted('devices'),
            users: counted('users'),
            apiKeys: counted('apiKeys'),
            messagesPerSecond: { size: quotas.messagesPerSecond },
            requestsPerSecond: { size: quotas.requestsPerSecond },
          },
        };
      },
    },
    databaseErrors,
  );
}

function refuseOthers({ isOperator }: MemberPrincipal): void {
  if (!isOperator) throw new SkeinError('forbidden', 'Only the organization that runs the system makes others');
}

async function userOf({ email, name = null, password }: { email: string; name?: string | null; password?: string }) {
  const address = emailOf(email);
  if (name !== null) checkText('name', name);
  if (password !== undefined) checkPassword(password);
  return { email: address, name, passwordHash: password === undefined ? null : await hashPassword(password) };
}

const ofOrganization = (slug: string): Revocation[] => [{ kind: 'tenant', tenant: slug, subject: slug }];
