/** The statements about roles that organizations make. Each names its tenant. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { DeviceLimit } from '../../contracts/access.contract.ts';
import { BUILT_IN_ROLES, type BuiltInRole, type Permission } from '../../contracts/permissions.ts';
import type { RoleView } from '../../contracts/roles.contract.ts';

type Querying = Pick<Transaction, 'query'>;
type Named = { readonly tenantId: number; readonly name: string };

const COLUMNS = 'name, description, permissions, device_limit, version, created_at, updated_at';

export type RoleRow = {
  name: string;
  description: string | null;
  permissions: Permission[];
  device_limit: DeviceLimit | null;
  version: number;
  created_at: Date;
  updated_at: Date;
};

export const roleView = (row: RoleRow): RoleView => ({
  name: row.name,
  description: row.description,
  builtIn: false,
  permissions: row.permissions,
  limit: row.device_limit,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

export const builtInView = (name: BuiltInRole): RoleView => ({
  name,
  description: BUILT_IN_ROLES[name].description,
  builtIn: true,
  permissions: [...BUILT_IN_ROLES[name].permissions],
  limit: null,
  version: null,
  createdAt: null,
  updatedAt: null,
});

export async function readRole(db: Querying, { tenantId, name }: Named): Promise<RoleRow | undefined> {
  const [row] = await db.query<RoleRow>(`SELECT ${COLUMNS} FROM role WHERE tenant_id = $1 AND name = $2`, [
    tenantId,
    name,
  ]);
  return row;
}

/** Nobody gives, changes or removes it until the transaction ends: who gives a role holds it with FOR SHARE. */
export async function lockRole(tx: Querying, { tenantId, name }: Named): Promise<RoleRow | undefined> {
  const [row] = await tx.query<RoleRow>(`SELECT ${COLUMNS} FROM role WHERE tenant_id = $1 AND name = $2 FOR UPDATE`, [
    tenantId,
    name,
  ]);
  return row;
}

export type RoleFields = {
  readonly description: string | null;
  readonly permissions: readonly Permission[];
  readonly limit: DeviceLimit | null;
};

const valuesOf = ({ tenantId, name }: Named, { description, permissions, limit }: RoleFields): unknown[] => [
  tenantId,
  name,
  description,
  permissions,
  limit && JSON.stringify(limit),
];

/** Undefined when there is one by now. */
export async function insertRole(tx: Querying, named: Named, fields: RoleFields): Promise<RoleRow | undefined> {
  const [row] = await tx.query<RoleRow>(
    `INSERT INTO role (tenant_id, name, description, permissions, device_limit) VALUES ($1, $2, $3, $4, $5::text::jsonb)
     ON CONFLICT (tenant_id, name) DO NOTHING RETURNING ${COLUMNS}`,
    valuesOf(named, fields),
  );
  return row;
}

/** Of a row that is locked. */
export async function updateRole(tx: Querying, named: Named, fields: RoleFields): Promise<RoleRow> {
  const [row] = await tx.query<RoleRow>(
    `UPDATE role SET description = $3, permissions = $4, device_limit = $5::text::jsonb, version = version + 1,
       updated_at = now()
     WHERE tenant_id = $1 AND name = $2 RETURNING ${COLUMNS}`,
    valuesOf(named, fields),
  );
  return row!;
}

export const deleteRole = (tx: Querying, { tenantId, name }: Named): Promise<unknown> =>
  tx.query('DELETE FROM role WHERE tenant_id = $1 AND name = $2', [tenantId, name]);

/** How many it has. Those who ask wait for each other until their transactions end, so that the number stays true. */
export async function countRoles(tx: Querying, tenantId: number): Promise<number> {
  await tx.query('SELECT FROM tenant WHERE tenant_id = $1 FOR NO KEY UPDATE', [tenantId]);
  const [row] = await tx.query<{ roles: number }>('SELECT count(*)::int AS roles FROM role WHERE tenant_id = $1', [
    tenantId,
  ]);
  return row!.roles;
}

/** Who has it: users that are not erased, and API keys that are not revoked. */
export async function countHolders(
  tx: Querying,
  { tenantId, name }: Named,
): Promise<{ users: number; api_keys: number }> {
  const [row] = await tx.query<{ users: number; api_keys: number }>(
    `SELECT (SELECT count(*)::int FROM app_user WHERE tenant_id = $1 AND $2 = ANY (roles)) AS users,
            (SELECT count(*)::int FROM api_key WHERE tenant_id = $1 AND $2 = ANY (roles) AND revoked_at IS NULL) AS api_keys`,
    [tenantId, name],
  );
  return row!;
}

export const listRoles = (db: Querying, tenantId: number, after: string, limit: number): Promise<RoleRow[]> =>
  db.query<RoleRow>(`SELECT ${COLUMNS} FROM role WHERE tenant_id = $1 AND name > $2 ORDER BY name LIMIT $3`, [
    tenantId,
    after,
    limit,
  ]);
