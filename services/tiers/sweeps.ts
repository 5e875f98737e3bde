/** Which days of which tenants are to be looked at, and who does it: one node at a time has a day. */
import type { Database } from '../../adapters/database/database.ts';
import { listParts } from '../../adapters/database/telemetry/removal-parts.ts';
import { defaultsOf, type RuleDefaults } from '../../adapters/database/telemetry/removal-rules.ts';

export type TakenDay = { readonly tenantId: number; readonly day: number };

/** Days that may have something to remove are noted, each to be looked at now; those of which nothing is left are forgotten. */
export async function planSweeps(database: Database, defaults: RuleDefaults, today: number): Promise<void> {
  const parts = [...(await listParts(database, 'telemetry')), ...(await listParts(database, 'telemetry_1m'))];
  const days = [...new Set(parts.flatMap(daysOf))].filter(day => day < today);
  await database.query(
    `WITH found AS (
       SELECT unnest($1::int4[]) AS day
     ), youngest AS (
       SELECT t.tenant_id, least($3::int, $4::int, $5::int,
         (SELECT min(least(p.archive_after_days, p.drop_after_days, p.rollups_keep_days)) FROM storage_policy p WHERE p.tenant_id = t.tenant_id)) AS age
       FROM tenant t
     ), due AS (
       SELECT tenant_id, day FROM youngest CROSS JOIN found WHERE $2::int - day > age
       UNION SELECT a.tenant_id, a.day FROM telemetry_archive a JOIN youngest USING (tenant_id) WHERE a.state = 'valid' AND $2::int - a.day > age
     ), forgotten AS (
       DELETE FROM telemetry_sweep s WHERE s.due_at > now() AND NOT EXISTS (SELECT FROM due WHERE due.tenant_id = s.tenant_id AND due.day = s.day)
     )
     INSERT INTO telemetry_sweep (tenant_id, day) SELECT tenant_id, day FROM due ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
    [days, today, ...defaultsOf(defaults)],
  );
}

const daysOf = ({ from_day, to_day }: { readonly from_day: number; readonly to_day: number }): number[] =>
  Array.from({ length: to_day - from_day }, (_, at) => from_day + at);

/** Undefined: none is due. */
export async function takeDay(
  database: Database,
  instanceId: string,
  leaseSeconds: number,
): Promise<TakenDay | undefined> {
  const [row] = await database.query<{ tenant_id: number; day: number }>(
    `UPDATE telemetry_sweep SET due_at = now() + make_interval(secs => $2::int), instance_id = $1
     WHERE (tenant_id, day) = (
       SELECT tenant_id, day FROM telemetry_sweep WHERE due_at <= now() ORDER BY due_at, tenant_id, day LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING tenant_id, day`,
    [instanceId, leaseSeconds],
  );
  return row && { tenantId: row.tenant_id, day: row.day };
}

/** False: somebody else has it by now. */
export async function keepDay(
  database: Database,
  instanceId: string,
  { tenantId, day }: TakenDay,
  seconds: number,
): Promise<boolean> {
  const rows = await database.query(
    `UPDATE telemetry_sweep SET due_at = now() + make_interval(secs => $4::int)
     WHERE tenant_id = $1 AND day = $2 AND instance_id = $3 RETURNING 1 AS one`,
    [tenantId, day, instanceId, seconds],
  );
  return rows.length > 0;
}
