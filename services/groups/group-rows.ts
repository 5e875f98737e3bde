/** The statements about groups. Each names its tenant. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { GroupView } from '../../contracts/groups.contract.ts';

type Querying = Pick<Transaction, 'query'>;
export type GroupName = { readonly tenantId: number; readonly name: string };

/** What must be true of what is there: its version, or whether there is any. */
export type Condition = { readonly version?: number | undefined; readonly exists?: boolean | undefined };

const COLUMNS = 'group_uid, name, description, version, created_at, updated_at';

export type GroupRow = {
  group_uid: number;
  name: string;
  description: string | null;
  version: number;
  created_at: Date;
  updated_at: Date;
};

export const groupView = (row: GroupRow): GroupView => ({
  name: row.name,
  description: row.description,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

export async function readGroup(db: Querying, { tenantId, name }: GroupName): Promise<GroupRow | undefined> {
  const [row] = await db.query<GroupRow>(`SELECT ${COLUMNS} FROM device_group WHERE tenant_id = $1 AND name = $2`, [
    tenantId,
    name,
  ]);
  return row;
}

/** Makes it, or changes it. Undefined when it does not meet the condition. */
export async function writeGroup(
  db: Querying,
  { tenantId, name }: GroupName,
  description: string | null,
  { version, exists }: Condition,
): Promise<(GroupRow & { is_new: boolean }) | undefined> {
  const changed = 'description = $3, version = device_group.version + 1, updated_at = now()';
  const [row] =
    version === undefined && exists !== true
      ? await db.query<GroupRow & { is_new: boolean }>(
          `INSERT INTO device_group (tenant_id, name, description) VALUES ($1, $2, $3)
           ON CONFLICT (tenant_id, name) ${exists === false ? 'DO NOTHING' : `DO UPDATE SET ${changed}`} RETURNING ${COLUMNS}, version = 1 AS is_new`,
          [tenantId, name, description],
        )
      : await db.query<GroupRow & { is_new: boolean }>(
          `UPDATE device_group SET ${changed} WHERE tenant_id = $1 AND name = $2 AND ($4::int IS NULL OR version = $4)
           RETURNING ${COLUMNS}, false AS is_new`,
          [tenantId, name, description, version ?? null],
        );
  return row;
}

/** With all that is in it. Undefined when there is none of this version. */
export async function deleteGroup(
  db: Querying,
  { tenantId, name }: GroupName,
  version: number | undefined,
): Promise<GroupRow | undefined> {
  const [row] = await db.query<GroupRow>(
    `DELETE FROM device_group WHERE tenant_id = $1 AND name = $2 AND ($3::int IS NULL OR version = $3) RETURNING ${COLUMNS}`,
    [tenantId, name, version ?? null],
  );
  return row;
}

export const listGroups = (
  db: Querying,
  tenantId: number,
  after: string | undefined,
  limit: number,
): Promise<GroupRow[]> =>
  db.query<GroupRow>(
    `SELECT ${COLUMNS} FROM device_group WHERE tenant_id = $1 AND ($2::text IS NULL OR name > $2) ORDER BY name LIMIT $3`,
    [tenantId, after ?? null, limit],
  );
