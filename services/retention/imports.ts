/** Imports: their new keys go first, then their lines, then they themselves. Each in pieces: an import may have very many lines. */
import type { Database } from '../../adapters/database/database.ts';

/** Longer than any request takes: whoever sent its lines has gone, or was refused. */
const RECEIVING_HOURS = 1;

/** One piece. Answers how many keys nobody can read any more. */
export async function forgetImportKeys(database: Database, keepHours: number, limit: number): Promise<number> {
  const rows = await database.query(
    `UPDATE device_import_line SET sealed = NULL WHERE ctid IN (
       SELECT l.ctid FROM device_import i JOIN device_import_line l USING (import_id)
       WHERE coalesce(i.ended_at, i.created_at) < now() - make_interval(hours => $1) AND l.sealed IS NOT NULL LIMIT $2::int)
     RETURNING 1 AS gone`,
    [keepHours, limit],
  );
  return rows.length;
}

const OLD = `(i.ended_at < now() - make_interval(days => $1)
  OR (i.state = 'receiving' AND i.created_at < now() - make_interval(hours => ${RECEIVING_HOURS})))`;

export async function removeImportLines(database: Database, keepDays: number, limit: number): Promise<number> {
  const rows = await database.query(
    `DELETE FROM device_import_line WHERE ctid IN (
       SELECT l.ctid FROM device_import i JOIN device_import_line l USING (import_id) WHERE ${OLD} LIMIT $2::int)
     RETURNING 1 AS gone`,
    [keepDays, limit],
  );
  return rows.length;
}

/** Those without lines; the others have their turn when their lines are gone. */
export async function removeImports(database: Database, keepDays: number, limit: number): Promise<number> {
  const rows = await database.query(
    `DELETE FROM device_import WHERE ctid IN (
       SELECT i.ctid FROM device_import i WHERE ${OLD}
         AND NOT EXISTS (SELECT FROM device_import_line l WHERE l.import_id = i.import_id) LIMIT $2::int)
     RETURNING 1 AS gone`,
    [keepDays, limit],
  );
  return rows.length;
}
