/** What telemetry takes, by kind and tier. Of a tenant it is an estimate: the tables are shared, so it is its share of the series. */
import type { Database } from '../../adapters/database/database.ts';
import { DAY_US } from '../../adapters/database/telemetry/days.ts';
import { listParts, type Part } from '../../adapters/database/telemetry/removal-parts.ts';
import type { StorageKind, StorageTier, StorageUsage, StorageUsageItem } from '../../contracts/storage.contract.ts';

type Group = {
  kind: StorageKind;
  tier: StorageTier;
  bytes: number;
  rows: number;
  parts: number;
  from: number;
  to: number;
};
export type SystemUsage = {
  /** Of all tenants. */
  readonly series: number;
  readonly groups: readonly Group[];
  readonly compressionRatio: number | null;
  readonly countedAt: Date;
};

/** Of all tenants. Costs a look at each partition. */
export async function countUsage(database: Database): Promise<SystemUsage> {
  const [raw, minutes, others, archive, ratio, [counted]] = await Promise.all([
    listParts(database, 'telemetry'),
    listParts(database, 'telemetry_1m'),
    rollupTables(database),
    archiveOf(database, null),
    compressionRatio(database),
    database.query<{ series: number }>('SELECT count(*)::int8 AS series FROM device_measurement'),
  ]);
  const groups = [...grouped('raw', raw), ...joined([...grouped('rollups', minutes), ...others]), ...archive];
  return { series: counted!.series, groups, compressionRatio: ratio, countedAt: new Date() };
}

export const systemView = (usage: SystemUsage): StorageUsage => view(usage, 'system', usage.groups);

/** With the share of one tenant; its archive is its own. */
export async function tenantView(database: Database, usage: SystemUsage, tenantId: number): Promise<StorageUsage> {
  const [[share], archive] = await Promise.all([
    database.query<{ own: number }>(
      'SELECT count(*)::int8 AS own FROM device_measurement dm JOIN device d ON d.device_uid = dm.device_uid WHERE d.tenant_id = $1',
      [tenantId],
    ),
    archiveOf(database, tenantId),
  ]);
  // It may have got series since all were counted.
  const part = usage.series === 0 ? 0 : Math.min(1, share!.own / usage.series);
  const shared = usage.groups.filter(it => it.kind !== 'archive');
  // Of which days there is something, in how many parts, and how well it compresses is about everybody.
  const own = shared.map(it => ({
    ...it,
    bytes: Math.round(it.bytes * part),
    rows: Math.round(it.rows * part),
    parts: 0,
    from: Number.POSITIVE_INFINITY,
    to: Number.NEGATIVE_INFINITY,
  }));
  return view({ ...usage, compressionRatio: null }, 'organization', [...own, ...archive]);
}

const view = (
  { compressionRatio: ratio, countedAt }: SystemUsage,
  of: StorageUsage['of'],
  groups: readonly Group[],
): StorageUsage => ({
  of,
  isEstimate: of === 'organization',
  bytes: groups.reduce((sum, it) => sum + it.bytes, 0),
  items: groups.map(itemOf),
  compressionRatio: ratio,
  countedAt: countedAt.toISOString(),
});

const itemOf = ({ from, to, ...group }: Group): StorageUsageItem => ({
  ...group,
  oldest: dateOf(from),
  newest: dateOf(to),
});
const dateOf = (day: number): string | null =>
  Number.isFinite(day) ? new Date((day * DAY_US) / 1_000).toISOString().slice(0, 10) : null;

const grouped = (kind: StorageKind, parts: readonly Part[]): Group[] =>
  joined(
    parts.map(it => ({
      kind,
      tier: it.is_compressed ? 'compressed' : 'hot',
      bytes: it.bytes,
      rows: it.rows,
      parts: 1,
      // What is made ahead has nothing in it.
      from: it.rows > 0 || it.is_compressed ? it.from_day : Number.POSITIVE_INFINITY,
      to: it.rows > 0 || it.is_compressed ? it.to_day - 1 : Number.NEGATIVE_INFINITY,
    })),
  );

/** One for each kind and tier. */
function joined(groups: readonly Group[]): Group[] {
  const all = new Map<string, Group>();
  for (const it of groups) {
    const found = all.get(`${it.kind} ${it.tier}`);
    if (found === undefined) all.set(`${it.kind} ${it.tier}`, { ...it });
    else {
      for (const name of ['bytes', 'rows', 'parts'] as const) found[name] += it[name];
      found.from = Math.min(found.from, it.from);
      found.to = Math.max(found.to, it.to);
    }
  }
  return [...all.values()];
}

/** Of hours and days, which are few. */
async function rollupTables(database: Database): Promise<Group[]> {
  const rows = await database.query<{ bytes: number; rows: number; parts: number }>(
    'SELECT bytes, rows, parts FROM telemetry_rollup_sizes()',
  );
  const nowhere = { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY };
  return rows.map(it => ({ kind: 'rollups', tier: 'hot', ...it, ...nowhere }));
}

/** @param tenantId null: of all */
async function archiveOf(database: Database, tenantId: number | null): Promise<Group[]> {
  const [row] = await database.query<{
    bytes: number;
    rows: number;
    parts: number;
    from: number | null;
    to: number | null;
  }>(
    `SELECT coalesce(sum(bytes), 0)::int8 AS bytes, coalesce(sum(rows), 0)::int8 AS rows, count(*)::int8 AS parts, min(day) AS from, max(day) AS to
     FROM telemetry_archive WHERE state = 'valid' AND ($1::int IS NULL OR tenant_id = $1)`,
    [tenantId],
  );
  const { from, to, ...sums } = row!;
  return sums.parts === 0
    ? []
    : [
        {
          kind: 'archive',
          tier: 'archived',
          ...sums,
          from: from ?? Number.POSITIVE_INFINITY,
          to: to ?? Number.NEGATIVE_INFINITY,
        },
      ];
}

async function compressionRatio(database: Database): Promise<number | null> {
  if (database.engine !== 'timescale') return null;
  const [row] = await database.query<{ before: number | null; after: number | null }>(
    `SELECT sum(before_compression_total_bytes)::int8 AS before, sum(after_compression_total_bytes)::int8 AS after
     FROM hypertable_compression_stats('telemetry')`,
  );
  return row?.before && row.after ? Math.round((row.before / row.after) * 100) / 100 : null;
}
