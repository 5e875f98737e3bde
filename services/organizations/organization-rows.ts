/** The statements about organizations: the table `tenant`. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { OrganizationState, OrganizationView } from '../../contracts/organizations.contract.ts';
import type { Quotas } from '../../contracts/quotas.ts';
import { quotasFrom } from '../../mixins/quotas.ts';

type Querying = Pick<Transaction, 'query'>;
export type OwnQuotas = Partial<Quotas>;

const COLUMNS = 'tenant_id, slug, name, state, is_operator, quotas, version, created_at, updated_at';

export type OrganizationRow = {
  tenant_id: number;
  slug: string;
  name: string | null;
  state: OrganizationState;
  is_operator: boolean;
  quotas: OwnQuotas;
  version: number;
  created_at: Date;
  updated_at: Date;
};

export const organizationView = (row: OrganizationRow, limits: Limits): OrganizationView => ({
  slug: row.slug,
  name: row.name,
  state: row.state,
  isOperator: row.is_operator,
  quotas: quotasFrom(limits, row.quotas),
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

export async function readOrganization(db: Querying, slug: string): Promise<OrganizationRow | undefined> {
  const [row] = await db.query<OrganizationRow>(`SELECT ${COLUMNS} FROM tenant WHERE slug = $1`, [slug]);
  return row;
}

/** Nobody else changes it until the transaction ends. */
export async function lockOrganization(tx: Querying, slug: string): Promise<OrganizationRow | undefined> {
  const [row] = await tx.query<OrganizationRow>(`SELECT ${COLUMNS} FROM tenant WHERE slug = $1 FOR NO KEY UPDATE`, [
    slug,
  ]);
  return row;
}

/** Undefined when the slug is taken. */
export async function insertOrganization(
  tx: Querying,
  it: { readonly slug: string; readonly name: string | null; readonly quotas: OwnQuotas },
): Promise<OrganizationRow | undefined> {
  const [row] = await tx.query<OrganizationRow>(
    `INSERT INTO tenant (slug, name, quotas) VALUES ($1, $2, $3::text::jsonb) ON CONFLICT (slug) DO NOTHING RETURNING ${COLUMNS}`,
    [it.slug, it.name, JSON.stringify(it.quotas)],
  );
  return row;
}

/** Of a row that is locked. */
export async function updateOrganization(
  tx: Querying,
  it: Pick<OrganizationRow, 'tenant_id' | 'name' | 'state' | 'quotas'>,
): Promise<OrganizationRow> {
  const [row] = await tx.query<OrganizationRow>(
    `UPDATE tenant SET name = $2, state = $3, quotas = $4::text::jsonb, version = version + 1, updated_at = now()
     WHERE tenant_id = $1 RETURNING ${COLUMNS}`,
    [it.tenant_id, it.name, it.state, JSON.stringify(it.quotas)],
  );
  return row!;
}

export const insertAdministratorKey = (
  tx: Querying,
  tenantId: number,
  key: { readonly id: string; readonly hash: Uint8Array; readonly createdBy: string },
): Promise<unknown> =>
  tx.query(
    `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash, created_by)
     VALUES ($1, $2, '{admin}', 'administrator', $3, $4)`,
    [key.id, tenantId, key.hash, key.createdBy],
  );

/** What is used of what is counted. */
export async function readUsage(db: Querying, tenantId: number): Promise<Record<string, number>> {
  const rows = await db.query<{ quota: string; used: number }>(
    'SELECT quota, sum(used)::bigint AS used FROM tenant_usage WHERE tenant_id = $1 GROUP BY quota',
    [tenantId],
  );
  return Object.fromEntries(rows.map(({ quota, used }) => [quota, used]));
}

/** @param only the one organization that is shown; undefined: all */
export const listOrganizations = (
  db: Querying,
  only: number | undefined,
  after: string,
  limit: number,
): Promise<OrganizationRow[]> =>
  db.query<OrganizationRow>(
    `SELECT ${COLUMNS} FROM tenant WHERE ($1::int IS NULL OR tenant_id = $1) AND slug > $2 ORDER BY slug LIMIT $3`,
    [only ?? null, after, limit],
  );
