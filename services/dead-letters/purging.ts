/** Removes dead letters. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { MATCHES, type Matching, matchingParams } from './matching.ts';

export async function purgeOne(tx: Transaction, tenantId: number, id: string): Promise<boolean> {
  const rows = await tx.query(
    'DELETE FROM dead_letter WHERE tenant_id = $1 AND dead_letter_id = $2 RETURNING 1 AS gone',
    [tenantId, id],
  );
  return rows.length > 0;
}

/** The oldest first, at most `limit`. Answers how many those were. */
export async function purgeMatching(
  tx: Transaction,
  tenantId: number,
  matching: Matching,
  limit: number,
): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `WITH gone AS (
       DELETE FROM dead_letter WHERE tenant_id = $1 AND dead_letter_id IN (
         SELECT l.dead_letter_id FROM dead_letter l WHERE l.tenant_id = $1 AND ${MATCHES}
         ORDER BY l.received_at, l.dead_letter_id LIMIT $9)
       RETURNING 1)
     SELECT count(*)::int AS count FROM gone`,
    [tenantId, ...matchingParams(matching), limit],
  );
  return row!.count;
}

/** How many there are; not further than `limit`. */
export async function countMatching(
  database: Pick<Database, 'query'>,
  tenantId: number,
  matching: Matching,
  limit: number,
): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (
       SELECT FROM dead_letter l WHERE l.tenant_id = $1 AND ${MATCHES} LIMIT $9) AS fitting`,
    [tenantId, ...matchingParams(matching), limit],
  );
  return row!.count;
}
