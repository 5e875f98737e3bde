/** Removes the datapoints of an hour as whoever removes some has to: with the mark, in one transaction. */
import type { Database } from '../../../../adapters/database/database.ts';
import { type Feed, HOUR_MS } from './telemetry-world.ts';

export async function markRemoved(database: Database, feed: Feed, ms: number): Promise<void> {
  const hour = new Date(Math.floor(ms / HOUR_MS) * HOUR_MS);
  const end = new Date(hour.getTime() + HOUR_MS);
  await database.transaction(async tx => {
    const rows = await tx.query<{ measurement_id: number }>(
      'DELETE FROM telemetry WHERE device_uid = $1 AND ts >= $2 AND ts < $3 RETURNING measurement_id',
      [feed.device.uid, hour, end],
    );
    for (const id of new Set(rows.map(it => it.measurement_id)))
      await tx.query(
        `INSERT INTO telemetry_change VALUES ($1, $2, $3) ON CONFLICT (device_uid, measurement_id, hour) DO UPDATE SET hour = excluded.hour`,
        [feed.device.uid, id, hour],
      );
  });
}
