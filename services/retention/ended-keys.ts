/** API keys that are over by themselves: as if they had been revoked then, so that they no longer count and go like those. */
import type { Database } from '../../adapters/database/database.ts';

/** One piece. Answers how many. */
export async function revokeEndedKeys(database: Database, limit: number): Promise<number> {
  const rows = await database.query(
    `UPDATE api_key SET revoked_at = expires_at WHERE key_id IN
       (SELECT key_id FROM api_key WHERE revoked_at IS NULL AND expires_at <= now() LIMIT $1::int4) RETURNING 1 AS ended`,
    [limit],
  );
  return rows.length;
}
