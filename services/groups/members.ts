/** Who is in a group, and who has a tag. Groups and devices are looked for in the same tenant. */
import type { Transaction } from '../../adapters/database/database.ts';

type Querying = Pick<Transaction, 'query'>;
export type GroupName = { readonly tenantId: number; readonly name: string };
/** Devices that a caller may see: as `limitOf` says it. */
type Limit = string | null;

/** The devices among `ids` that there are: decommissioned ones are not. */
export async function addMembers(
  db: Querying,
  { tenantId, name }: GroupName,
  ids: readonly string[],
): Promise<{ known: string[]; added: string[] }> {
  const rows = await db.query<{ device_id: string; is_new: boolean }>(
    `WITH known AS (
       SELECT device_uid, device_id FROM device WHERE tenant_id = $1 AND device_id = ANY($3) AND state <> 'decommissioned'),
     made AS (
       INSERT INTO device_group_member (group_uid, device_uid)
       SELECT group_uid, device_uid FROM known, device_group g WHERE g.tenant_id = $1 AND g.name = $2
       ON CONFLICT DO NOTHING RETURNING device_uid)
     SELECT device_id, made.device_uid IS NOT NULL AS is_new FROM known LEFT JOIN made USING (device_uid)`,
    [tenantId, name, ids],
  );
  return { known: rows.map(it => it.device_id), added: rows.filter(it => it.is_new).map(it => it.device_id) };
}

/** Whether it was in it. */
export async function removeMember(db: Querying, { tenantId, name }: GroupName, id: string): Promise<boolean> {
  const rows = await db.query(
    `DELETE FROM device_group_member m USING device d, device_group g
     WHERE g.tenant_id = $1 AND g.name = $2 AND m.group_uid = g.group_uid
       AND m.device_uid = d.device_uid AND d.tenant_id = $1 AND d.device_id = $3
     RETURNING 1 AS gone`,
    [tenantId, name, id],
  );
  return rows.length > 0;
}

export type MemberRow = { device_uid: number; device_id: string };

const MEMBERS = `device_group g JOIN device_group_member m USING (group_uid) JOIN device d USING (device_uid)
     WHERE g.tenant_id = $1 AND g.name = $2 AND d.tenant_id = $1 AND d.state <> 'decommissioned'
       AND ($3::text IS NULL OR device_fits(d, $3::text::jsonb))`;

/** In the order in which they were registered: then a page of a large group costs no more than a page of a small one. */
export const listMembers = (
  db: Querying,
  { tenantId, name }: GroupName,
  fits: Limit,
  after: number,
  limit: number,
): Promise<MemberRow[]> =>
  db.query<MemberRow>(
    `SELECT m.device_uid, d.device_id FROM ${MEMBERS} AND m.device_uid > $4 ORDER BY m.device_uid LIMIT $5`,
    [tenantId, name, fits, after, limit],
  );

export async function countMembers(db: Querying, { tenantId, name }: GroupName, fits: Limit): Promise<number> {
  const [row] = await db.query<{ devices: number }>(`SELECT count(*)::int AS devices FROM ${MEMBERS}`, [
    tenantId,
    name,
    fits,
  ]);
  return row!.devices;
}

export type TagRow = { tag: string; devices: number };

/** By name, after `after`. */
export const listTags = (
  db: Querying,
  tenantId: number,
  fits: Limit,
  after: string | undefined,
  limit: number,
): Promise<TagRow[]> =>
  db.query<TagRow>(
    `SELECT tag, count(*)::int AS devices FROM device d CROSS JOIN LATERAL unnest(d.tags) AS tag
     WHERE d.tenant_id = $1 AND d.state <> 'decommissioned' AND ($2::text IS NULL OR device_fits(d, $2::text::jsonb))
       AND ($3::text IS NULL OR tag > $3)
     GROUP BY tag ORDER BY tag LIMIT $4`,
    [tenantId, fits, after ?? null, limit],
  );
