/** Files that are of no more use, and imports that are too old: of all tenants. */
import type { Database } from '../../adapters/database/database.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import type { Limits } from '../../contracts/limits.ts';
import { historyFileKey } from '../../contracts/telemetry-imports.contract.ts';

/**
 * Removes the file of one import that has ended, or that never began, or an import that is to go. The file first: what dies in between is done
 * again. False: there was none.
 */
export async function removeNext({
  database,
  blobs,
  limits,
}: {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly limits: Limits;
}): Promise<boolean> {
  const [row] = await database.query<{ import_id: string; has_file: boolean; keeps_row: boolean }>(
    `UPDATE telemetry_import SET due_at = now() + make_interval(secs => $3::int) WHERE import_id = (
       SELECT import_id FROM telemetry_import
       WHERE due_at <= now() AND (
         ended_at IS NOT NULL AND (has_file OR state = 'removing' OR ended_at < now() - make_interval(days => $1::int))
         OR state = 'receiving' AND created_at < now() - make_interval(hours => $2::int))
       ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING import_id, has_file,
       state IN ('completed', 'failed', 'cancelled') AND ended_at >= now() - make_interval(days => $1::int) AS keeps_row`,
    [limits.historyKeepDays, limits.historyReceiveHours, limits.historyLeaseSeconds],
  );
  if (row === undefined) return false;
  if (row.has_file) await blobs.remove(historyFileKey(row.import_id));
  if (row.keeps_row)
    await database.query('UPDATE telemetry_import SET has_file = false WHERE import_id = $1', [row.import_id]);
  else await database.query('DELETE FROM telemetry_import WHERE import_id = $1', [row.import_id]);
  return true;
}
