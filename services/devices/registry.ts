/** The statements of the registry. Each names its tenant. */
import { insertToken, type NewToken } from '../../adapters/access/device-credentials.ts';
import { newKey } from '../../adapters/access/keys.ts';
import type { Transaction } from '../../adapters/database/database.ts';
import type { DeviceFields } from '../../contracts/devices.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { columnsOf } from '../../mixins/device-fields.ts';
import { insertDevices } from '../../mixins/device-registration.ts';
import { COLUMNS, type DeviceRow } from './device-rows.ts';

/** Either the database or a transaction. */
type Querying = Pick<Transaction, 'query'>;
type Named = { readonly tenantId: number; readonly id: string };
type NewDevice = Named & {
  readonly registeredBy: string;
  readonly token: NewToken;
};

/** A new device with a key and a token. Rejects with `conflict` when the id was ever used, decommissioned or not. */
export async function insertDevice(
  tx: Transaction,
  { tenantId, id, registeredBy, token }: NewDevice,
  fields: DeviceFields,
): Promise<{ row: DeviceRow; apiKey: string }> {
  const key = newKey('device');
  const registration = { tenantId, state: 'registered', by: registeredBy } as const;
  const made = await insertDevices(tx, registration, [{ id, fields, key }]);
  const deviceUid = made.get(id);
  if (deviceUid === undefined) throw new SkeinError('conflict', `A device "${id}" exists already`);
  await insertToken(tx, deviceUid, token, registeredBy);
  const [row] = await tx.query<DeviceRow>(`SELECT ${COLUMNS} FROM device WHERE device_uid = $1`, [deviceUid]);
  return { row: row!, apiKey: key.text };
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

export type DeviceFilter = {
  readonly type?: string;
  readonly state?: string;
  readonly tag?: string;
  readonly group?: string;
  /** Whether somebody has claimed it; a text: the user who has. */
  readonly claimed?: boolean | string;
};
export type Listing = {
  readonly tenantId: number;
  /** Which devices the caller may see, as `device_fits` takes it. Null: all. */
  readonly within: string | null;
  readonly filter: DeviceFilter;
  readonly after: string | undefined;
  readonly limit: number;
};

/** By id, after `after`, so that a page stays what it is while devices come and go. */
export const listDevices = (db: Querying, { tenantId, within, filter, after, limit }: Listing): Promise<DeviceRow[]> =>
  db.query<DeviceRow>(
    `SELECT ${COLUMNS} FROM device d
     WHERE tenant_id = $1 AND ($2::text IS NULL OR device_id > $2)
       AND ($3::text IS NULL OR device_type = $3) AND ($4::text IS NULL OR state = $4)
       AND ($5::text IS NULL OR tags @> ARRAY[$5::text])
       AND ($6::text IS NULL OR EXISTS (
         SELECT FROM device_group g JOIN device_group_member m USING (group_uid)
         WHERE g.tenant_id = $1 AND g.name = $6 AND m.device_uid = d.device_uid))
       AND ($7::bool IS NULL OR (claimed_by IS NOT NULL) = $7) AND ($8::uuid IS NULL OR claimed_by = $8)
       AND ($9::text IS NULL OR device_fits(d, $9::text::jsonb))
     ORDER BY device_id LIMIT $10`,
    [
      tenantId,
      after ?? null,
      filter.type ?? null,
      filter.state ?? null,
      filter.tag ?? null,
      filter.group ?? null,
      typeof filter.claimed === 'boolean' ? filter.claimed : null,
      typeof filter.claimed === 'string' ? filter.claimed : null,
      within,
      limit,
    ],
  );
