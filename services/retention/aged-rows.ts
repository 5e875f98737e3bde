/** Rows that go when they are old, each by itself. */
import type { Database } from '../../adapters/database/database.ts';

export type Aged = { readonly table: string; readonly column: string; readonly hours: number };

/** One piece. Answers how many. */
export async function removeAged(database: Database, { table, column, hours }: Aged, limit: number): Promise<number> {
  const rows = await database.query(
    `DELETE FROM ${table} WHERE ctid IN
       (SELECT ctid FROM ${table} WHERE ${column} < now() - $1::int4 * interval '1 hour' LIMIT $2::int4) RETURNING 1 AS gone`,
    [hours, limit],
  );
  return rows.length;
}
