/** Tables whose rows may lie inside of each other: column `parent_id`, in the same tenant. */
import type { Transaction } from '../database/database.ts';

export type TreeFault = 'unknown_parent' | 'cycle' | 'too_deep';
export type Placed = { readonly tenantId: number; readonly id: string; readonly parentId: string };

/**
 * What is wrong with `id`, which need not be there yet, lying in `parentId`. Must be asked in the transaction that puts it there: until its
 * end nobody else of the tenant moves anything, so two moves can not make a circle together.
 */
export async function treeFault(
  tx: Pick<Transaction, 'query'>,
  table: 'location' | 'asset',
  { tenantId, id, parentId }: Placed,
  maxLevels: number,
): Promise<TreeFault | undefined> {
  await tx.query('SELECT FROM tenant WHERE tenant_id = $1 FOR NO KEY UPDATE', [tenantId]);
  const [found] = await tx.query<{ above: number; is_inside: boolean; own: number }>(
    `WITH RECURSIVE up AS (
       SELECT t.id, t.parent_id, 1 AS level FROM ${table} t WHERE tenant_id = $1 AND id = $3
       UNION ALL
       SELECT t.id, t.parent_id, level + 1 FROM up JOIN ${table} t ON t.tenant_id = $1 AND t.id = up.parent_id WHERE level <= $4),
     down AS (
       SELECT $2::text AS id, 1 AS level
       UNION ALL
       SELECT t.id, level + 1 FROM down JOIN ${table} t ON t.tenant_id = $1 AND t.parent_id = down.id WHERE level <= $4)
     SELECT (SELECT count(*)::int FROM up) AS above, EXISTS (SELECT FROM up WHERE id = $2) AS is_inside,
       (SELECT max(level) FROM down) AS own`,
    [tenantId, id, parentId, maxLevels],
  );
  const { above, is_inside, own } = found!;
  if (above === 0) return 'unknown_parent';
  if (is_inside) return 'cycle';
  return above + own > maxLevels ? 'too_deep' : undefined;
}
