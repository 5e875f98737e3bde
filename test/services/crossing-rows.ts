/** Every row of a tenant, to see whether somebody has changed one. */
import type { RestNode } from './rest-node.ts';

/** How the rows of a table belong to a tenant; the first that fits. A new table fails the test until one does. */
const BELONGING: readonly (readonly [column: string, condition: string])[] = [
  ['tenant_id', 'x.tenant_id = t.tenant_id'],
  ['tenant', 'x.tenant = t.slug'],
  ['device_uid', 'EXISTS (SELECT FROM device d WHERE d.device_uid = x.device_uid AND d.tenant_id = t.tenant_id)'],
  ['job_id', 'EXISTS (SELECT FROM job j WHERE j.job_id = x.job_id AND j.tenant_id = t.tenant_id)'],
  [
    'import_id',
    `EXISTS (SELECT FROM (SELECT import_id, tenant_id FROM device_import UNION ALL SELECT import_id, tenant_id FROM telemetry_import) i
             WHERE i.import_id = x.import_id AND i.tenant_id = t.tenant_id)`,
  ],
  [
    'export_id',
    'EXISTS (SELECT FROM telemetry_export e WHERE e.export_id = x.export_id AND e.tenant_id = t.tenant_id)',
  ],
  ['batch_id', 'EXISTS (SELECT FROM provisioning_batch b WHERE b.batch_id = x.batch_id AND b.tenant_id = t.tenant_id)'],
];
/** Of the system as a whole. */
const OF_NOBODY = [
  'system',
  'shard',
  'node_session',
  'node_lane',
  'event_position',
  'signing_key',
  'data_key',
  'certificate_authority',
  'migration',
  'schema_migration',
  'disk_probe',
  'telemetry_layout',
  'telemetry_removed_days',
  // Marks go when rollups are made of their hours.
  'telemetry_change',
  // The end of the audit log, which goes on when somebody fails to log in.
  'audit_head',
];
/** Whoever fails to log in as somebody of the tenant is written down there. */
const BY_STRANGERS = `coalesce(to_jsonb(x)->>'act', '') <> 'login.failed'`;
/** What changes by itself, and says nothing of what was done. */
const VOLATILE = ['last_used_at', 'due_at', 'instance_id'];
const SETTLE_MS = 200;

/** By table, as text; when nothing of it changes any more by itself. */
export async function rowsOf(node: RestNode, slug: string): Promise<Map<string, string>> {
  for (let before = await read(node, slug); ; ) {
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
    const after = await read(node, slug);
    if ([...after].every(([table, rows]) => before.get(table) === rows)) return after;
    before = after;
  }
}

async function read({ database }: RestNode, slug: string): Promise<Map<string, string>> {
  const tables = await database.query<{ name: string; columns: string[] }>(
    `SELECT table_name AS name, array_agg(column_name::text) AS columns FROM information_schema.columns
     JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' GROUP BY table_name ORDER BY table_name`,
  );
  const rows = new Map<string, string>();
  for (const { name, columns } of tables.filter(it => !OF_NOBODY.includes(it.name))) {
    const condition = BELONGING.find(([column]) => columns.includes(column))?.[1];
    if (condition === undefined) throw new Error(`How do the rows of ${name} belong to a tenant? Say it in BELONGING`);
    const found = await database.query<{ row: string }>(
      `SELECT (to_jsonb(x) - $2::text[])::text AS row FROM "${name}" x, tenant t
       WHERE t.slug = $1 AND ${condition} AND ${BY_STRANGERS} ORDER BY 1`,
      [slug, VOLATILE],
    );
    rows.set(name, found.map(it => it.row).join('\n'));
  }
  return rows;
}

/** The tables that differ, and what is new in them. */
export function changesOf(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const changed = [...after].filter(([table, rows]) => before.get(table) !== rows);
  return changed.map(([table, rows]) => {
    const old = new Set(before.get(table)?.split('\n'));
    const fresh = rows.split('\n').filter(row => !old.has(row));
    return `Rows of ${table} have changed: ${fresh.join(' | ').slice(0, 1_000)}`;
  });
}
