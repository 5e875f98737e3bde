/** The statements about types of devices. Each names its tenant. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { CommandDescriptions, DeviceTypeView } from '../../contracts/device-types.contract.ts';

type Querying = Pick<Transaction, 'query'>;
type Named = { readonly tenantId: number; readonly name: string };
/** What must be true of what is there: its version, or whether there is any. */
export type Condition = { readonly version?: number | undefined; readonly exists?: boolean | undefined };
type Said = { readonly description: string | null; readonly commands: CommandDescriptions | null };

const COLUMNS = 'name, description, commands, version, created_at, updated_at';

export type TypeRow = {
  name: string;
  description: string | null;
  commands: CommandDescriptions | null;
  version: number;
  created_at: Date;
  updated_at: Date;
};

export const typeView = (row: TypeRow): DeviceTypeView => ({
  name: row.name,
  description: row.description,
  commands: row.commands,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

export async function readType(db: Querying, { tenantId, name }: Named): Promise<TypeRow | undefined> {
  const [row] = await db.query<TypeRow>(`SELECT ${COLUMNS} FROM device_type WHERE tenant_id = $1 AND name = $2`, [
    tenantId,
    name,
  ]);
  return row;
}

/** Makes it, or replaces it. Undefined when it does not meet the condition. */
export async function writeType(
  db: Querying,
  { tenantId, name }: Named,
  { description, commands }: Said,
  { version, exists }: Condition,
): Promise<(TypeRow & { is_new: boolean }) | undefined> {
  const said = [tenantId, name, description, commands && JSON.stringify(commands)];
  const changed = `description = $3, commands = $4::text::jsonb, version = device_type.version + 1, updated_at = now()`;
  const [row] =
    version === undefined && exists !== true
      ? await db.query<TypeRow & { is_new: boolean }>(
          `INSERT INTO device_type (tenant_id, name, description, commands) VALUES ($1, $2, $3, $4::text::jsonb)
           ON CONFLICT (tenant_id, name) ${exists === false ? 'DO NOTHING' : `DO UPDATE SET ${changed}`} RETURNING ${COLUMNS}, version = 1 AS is_new`,
          said,
        )
      : await db.query<TypeRow & { is_new: boolean }>(
          `UPDATE device_type SET ${changed} WHERE tenant_id = $1 AND name = $2 AND ($5::int IS NULL OR version = $5)
           RETURNING ${COLUMNS}, false AS is_new`,
          [...said, version ?? null],
        );
  return row;
}

/** Undefined when there is none of this version, or a device that is not decommissioned has it. */
export async function deleteType(
  db: Querying,
  { tenantId, name }: Named,
  version: number | undefined,
): Promise<TypeRow | undefined> {
  const [row] = await db.query<TypeRow>(
    `DELETE FROM device_type WHERE tenant_id = $1 AND name = $2 AND ($3::int IS NULL OR version = $3) AND NOT EXISTS (
       SELECT FROM device WHERE tenant_id = $1 AND device_type = $2 AND state <> 'decommissioned')
     RETURNING ${COLUMNS}`,
    [tenantId, name, version ?? null],
  );
  return row;
}

export const listTypes = (
  db: Querying,
  tenantId: number,
  after: string | undefined,
  limit: number,
): Promise<TypeRow[]> =>
  db.query<TypeRow>(
    `SELECT ${COLUMNS} FROM device_type WHERE tenant_id = $1 AND ($2::text IS NULL OR name > $2) ORDER BY name LIMIT $3`,
    [tenantId, after ?? null, limit],
  );
