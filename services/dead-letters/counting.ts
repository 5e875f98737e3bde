/** How many dead letters wait for somebody, by reason and kind. An index has all that is counted. */
import type { Database } from '../../adapters/database/database.ts';
import type { DeadLetterCount, DeadLetterCounts } from '../../contracts/dead-letters.contract.ts';

type Counted = DeadLetterCount & { readonly oldest: Date };

const COUNTED = 'l.reason, l.kind, count(*)::int AS count, min(l.received_at) AS oldest';

/** Of a tenant; `within` as for the function `device_fits`. */
export async function countsOf(database: Database, tenantId: number, within: string | null): Promise<DeadLetterCounts> {
  const rows = await database.query<Counted>(
    `SELECT ${COUNTED} FROM dead_letter l
     WHERE l.tenant_id = $1 AND l.replayed_at IS NULL AND ($2::text IS NULL OR EXISTS (
       SELECT FROM device d
       WHERE d.tenant_id = l.tenant_id AND d.device_id = l.device_id AND device_fits(d, $2::text::jsonb)))
     GROUP BY l.reason, l.kind ORDER BY l.reason, l.kind`,
    [tenantId, within],
  );
  const oldest = oldestOf(rows);
  return {
    total: rows.reduce((sum, row) => sum + row.count, 0),
    byReason: summed(rows, 'reason'),
    byKind: summed(rows, 'kind'),
    oldestAt: oldest?.toISOString() ?? null,
    oldestAgeSeconds: oldest === undefined ? null : ageSeconds(oldest),
  };
}

/** Of all tenants together. */
export async function countAll(database: Database): Promise<{ counts: DeadLetterCount[]; oldestAgeSeconds: number }> {
  const rows = await database.query<Counted>(
    `SELECT ${COUNTED} FROM tenant JOIN dead_letter l USING (tenant_id) WHERE l.replayed_at IS NULL
     GROUP BY l.reason, l.kind ORDER BY l.reason, l.kind`,
  );
  const oldest = oldestOf(rows);
  return {
    counts: rows.map(({ reason, kind, count }) => ({ reason, kind, count })),
    oldestAgeSeconds: oldest === undefined ? 0 : ageSeconds(oldest),
  };
}

function summed(rows: readonly Counted[], by: 'reason' | 'kind'): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const row of rows) sums[row[by]] = (sums[row[by]] ?? 0) + row.count;
  return sums;
}

const oldestOf = (rows: readonly Counted[]): Date | undefined =>
  rows.map(it => it.oldest).sort((a, b) => a.getTime() - b.getTime())[0];

const ageSeconds = (at: Date): number => Math.max(0, Math.round((Date.now() - at.getTime()) / 1_000));
