/** Items of old jobs go before their jobs: a large job has so many that they can't go with it in one statement. */
import type { Database } from '../../adapters/database/database.ts';

/** Answers how many it removed, at most `limit`. */
export async function removeJobItems(database: Database, keepDays: number, limit: number): Promise<number> {
  const rows = await database.query(
    `DELETE FROM job_item WHERE ctid IN (
       SELECT i.ctid FROM job j JOIN job_item i ON i.job_id = j.job_id
       WHERE j.ended_at < now() - make_interval(days => $1::int) LIMIT $2::int) RETURNING 1 AS gone`,
    [keepDays, limit],
  );
  return rows.length;
}
