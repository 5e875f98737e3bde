/** Who is in a group. The group was found by its tenant; devices are looked for in the same one. */
import type { Database } from '../../adapters/database/database.ts';
import type { GroupRow } from './group-rows.ts';

/** The devices among `ids` that there are: decommissioned ones are not. */
export async function addMembers(
  database: Database,
  tenantId: number,
  { group_uid }: GroupRow,
  ids: readonly string[],
): Promise<{ known: string[]; added: number }> {
  const rows = await database.query<{ device_id: string; is_new: boolean }>(
    `WITH known AS (
       SELECT device_uid, device_id FROM device WHERE tenant_id = $2 AND device_id = ANY($3) AND state <> 'decommissioned'),
     made AS (
       INSERT INTO device_group_member (group_uid, device_uid) SELECT $1, device_uid FROM known
       ON CONFLICT DO NOTHING RETURNING device_uid)
     SELECT device_id, made.device_uid IS NOT NULL AS is_new FROM known LEFT JOIN made USING (device_uid)`,
    [group_uid, tenantId, ids],
  );
  return { known: rows.map(it => it.device_id), added: rows.filter(it => it.is_new).length };
}

/** Whether it was in it. */
export async function removeMember(
  database: Database,
  tenantId: number,
  { group_uid }: GroupRow,
  id: string,
): Promise<boolean> {
  const rows = await database.query(
    `DELETE FROM device_group_member USING device
     WHERE group_uid = $1 AND device_group_member.device_uid = device.device_uid AND tenant_id = $2 AND device_id = $3
     RETURNING 1 AS gone`,
    [group_uid, tenantId, id],
  );
  return rows.length > 0;
}

export type MemberRow = { device_uid: number; device_id: string };

/** In the order in which they were registered: then a page of a large group costs no more than a page of a small one. */
export const listMembers = (
  database: Database,
  { group_uid }: GroupRow,
  after: number,
  limit: number,
): Promise<MemberRow[]> =>
  database.query<MemberRow>(
    `SELECT device_uid, device_id FROM device_group_member JOIN device USING (device_uid)
     WHERE group_uid = $1 AND device_uid > $2 AND state <> 'decommissioned' ORDER BY device_uid LIMIT $3`,
    [group_uid, after, limit],
  );

export async function countMembers(database: Database, { group_uid }: GroupRow): Promise<number> {
  const [row] = await database.query<{ devices: number }>(
    `SELECT count(*)::int AS devices FROM device_group_member JOIN device USING (device_uid)
     WHERE group_uid = $1 AND state <> 'decommissioned'`,
    [group_uid],
  );
  return row!.devices;
}
