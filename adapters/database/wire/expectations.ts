import { DatabaseError, type Row, type Step } from '../database.ts';

/** The error for the first step that returned another number of rows than it had to. */
export function unexpectedRows(steps: readonly Step[], rows: readonly Row[][]): DatabaseError | undefined {
  for (const [i, step] of steps.entries()) {
    if (step.kind !== 'query' || step.expectRows === undefined) continue;
    const count = rows[i]?.length ?? 0;
    if (count !== step.expectRows)
      return new DatabaseError('expectation_failed', `Step ${i} returned ${count} rows instead of ${step.expectRows}`, {
        where: `step ${i}`,
      });
  }
  return undefined;
}
