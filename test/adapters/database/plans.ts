/** How the database carried out a statement. */
import type { Database } from '../../../adapters/database/database.ts';

export type Plan = {
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
};

export async function explain(database: Database, sql: string, params: readonly unknown[] = []): Promise<Plan> {
  const [row] = await database.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, params);
  return (row!['QUERY PLAN'] as readonly [{ readonly Plan: Plan }])[0].Plan;
}

/** Rows of a table that a statement really looked at, those included that it had no use for. */
export function rowsRead(plan: Plan, table: string): number {
  const own = plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0);
  const inner = (plan.Plans ?? []).reduce((sum, one) => sum + rowsRead(one, table), 0);
  return inner + (plan['Relation Name'] === table ? own * plan['Actual Loops'] : 0);
}

/** The indexes by which it came to rows of a table. */
export const indexesUsed = (plan: Plan, table: string): string[] => [
  ...(plan['Relation Name'] === table ? [plan['Index Name'] ?? 'none'] : []),
  ...(plan.Plans ?? []).flatMap(one => indexesUsed(one, table)),
];
