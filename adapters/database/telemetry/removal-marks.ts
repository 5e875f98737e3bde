/**
 * Marks of hours that were archived or dropped, in which nothing is left: what came late was there already, and was removed. No rollups are made of
 * such an hour, so nobody else would ever remove its mark, and its partition would stay for ever.
 */
import type { Database } from '../database.ts';
import { dayStart } from './days.ts';

const PIECE_MARKS = 1_000;
const OF_DAY = `c.hour >= ${dayStart('$1')} AND c.hour < ${dayStart('($1::int + 1)')}`;
const IS_EMPTY = `telemetry_is_late(c.device_uid, c.measurement_id, c.hour) AND NOT EXISTS (
  SELECT FROM telemetry t WHERE t.device_uid = c.device_uid AND t.measurement_id = c.measurement_id
    AND t.ts >= ${dayStart('$1')} AND t.ts < ${dayStart('($1::int + 1)')} AND t.ts >= c.hour AND t.ts < c.hour + interval '1 hour')`;

/** Of a day of all tenants. Answers how many there were. */
export async function forgetMarks(database: Database, day: number): Promise<number> {
  for (let forgotten = 0; ; ) {
    const some = await database.transaction(async tx => {
      // Locked in a statement of its own: whoever stores something writes the mark again, so he has ended, and is seen by the next one, or waits.
      const locked = await tx.query<{ device: number; measurement: number; hour: Date }>(
        `SELECT c.device_uid AS device, c.measurement_id AS measurement, c.hour FROM telemetry_change c
         WHERE ${OF_DAY} AND ${IS_EMPTY} ORDER BY c.hour, c.device_uid, c.measurement_id LIMIT ${PIECE_MARKS} FOR UPDATE OF c SKIP LOCKED`,
        [day],
      );
      if (locked.length === 0) return 0;
      const gone = await tx.query(
        `DELETE FROM telemetry_change c USING unnest($2::int4[], $3::int4[], $4::timestamptz[]) AS it (device, measurement, hour)
         WHERE c.device_uid = it.device AND c.measurement_id = it.measurement AND c.hour = it.hour AND ${OF_DAY} AND ${IS_EMPTY}
         RETURNING 1 AS one`,
        [day, locked.map(it => it.device), locked.map(it => it.measurement), locked.map(it => it.hour.toISOString())],
      );
      return gone.length;
    });
    forgotten += some;
    if (some < PIECE_MARKS) return forgotten;
  }
}
