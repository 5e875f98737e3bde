/** The statements of the registry. Each names its tenant. */
import { newKey } from '../../adapters/access/keys.ts';
import type { Transaction } from '../../adapters/database/database.ts';
import type { DeviceFields } from '../../contracts/devices.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { columnsOf } from './device-fields.ts';
import { COLUMNS, type DeviceRow } from './device-rows.ts';

/** Either the database or a transaction. */
type Querying = Pick<Transaction, 'query'>;
type Named = { readonly tenantId: number; readonly id: string };

/** A new device with a key, in one statement. Rejects with `conflict` when the id was ever used, decommissioned or not. */
export async function insertDevice(
  db: Querying,
  { tenantId, id }: Named,
  fields: DeviceFields,
): Promise<{ row: DeviceRow; apiKey: string }> {
  const key = newKey('device');
  const columns = columnsOf(fields);
  const names = columns.map(it => `, ${it.column}`).join('');
  const places = columns.map((it, i) => `, $${i + 5}::${it.cast}`).join('');
  const [row] = await db.query<DeviceRow>(
    `WITH made AS (
       INSERT INTO device (tenant_id, device_id, state${names}) VALUES ($1, $2, 'registered'${places})
       ON CONFLICT (tenant_id, device_id) DO NOTHING RETURNING device_uid, ${COLUMNS}),
     keyed AS (INSERT INTO device_key (key_id, device_uid, secret_hash) SELECT $3, device_uid, $4 FROM made)
     SELECT ${COLUMNS} FROM made`,
    [tenantId, id, key.id, key.hash, ...columns.map(it => it.value)],
  );
  if (row === undefined) throw new SkeinError('conflict', `A device "${id}" exists already`);
  return { row, apiKey: key.text };
}

/** Sets what is given. Undefined when no such device has this version and is not decommissioned. */
export async function updateDevice(
  db: Querying,
  { tenantId, id }: Named,
  fields: DeviceFields,
  version: number | undefined,
): Promise<DeviceRow | undefined> {
  const columns = columnsOf(fields);
  const sets = columns.map((it, i) => `${it.column} = $${i + 4}::${it.cast}`);
  const [row] = await db.query<DeviceRow>(
    `UPDATE device SET ${[...sets, 'version = version + 1', 'updated_at = now()'].join(', ')}
     WHERE tenant_id = $1 AND device_id = $2 AND ($3::int IS NULL OR version = $3) AND state <> 'decommissioned'
     RETURNING ${COLUMNS}`,
    [tenantId, id, version ?? null, ...columns.map(it => it.value)],
  );
  return row;
}

/** Ends a device and its keys together. Undefined when no such device has this version and is not decommissioned. */
export async function decommissionDevice(
  db: Querying,
  { tenantId, id }: Named,
  version: number | undefined,
): Promise<DeviceRow | undefined> {
  const [row] = await db.query<DeviceRow>(
    `WITH ended AS (
       UPDATE device SET state = 'decommissioned', version = version + 1, updated_at = now()
       WHERE tenant_id = $1 AND device_id = $2 AND ($3::int IS NULL OR version = $3) AND state <> 'decommissioned'
       RETURNING device_uid, ${COLUMNS}),
     revoked AS (
       UPDATE device_key SET revoked_at = now() FROM ended
       WHERE device_key.device_uid = ended.device_uid AND revoked_at IS NULL)
     SELECT ${COLUMNS} FROM ended`,
    [tenantId, id, version ?? null],
  );
  return row;
}

export type DeviceFilter = { readonly type?: string; readonly state?: string; readonly tag?: string };

/** By id, after `after`, so that a page stays what it is while devices come and go. */
export const listDevices = (
  db: Querying,
  tenantId: number,
  filter: DeviceFilter,
  after: string | undefined,
  limit: number,
): Promise<DeviceRow[]> =>
  db.query<DeviceRow>(
    `SELECT ${COLUMNS} FROM device
     WHERE tenant_id = $1 AND ($2::text IS NULL OR device_id > $2)
       AND ($3::text IS NULL OR device_type = $3) AND ($4::text IS NULL OR state = $4)
       AND ($5::text IS NULL OR tags @> ARRAY[$5::text])
     ORDER BY device_id LIMIT $6`,
    [tenantId, after ?? null, filter.type ?? null, filter.state ?? null, filter.tag ?? null, limit],
  );
