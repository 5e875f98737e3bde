import type { Database } from '../../database.ts';
import { HOUR_US } from '../days.ts';
import { moment, type Range } from './moments.ts';

/** Every reading of these measurements by these devices. */
export type SeriesSet = { readonly devices: readonly number[]; readonly measurements: readonly number[] };

/** Days (since 1970) with hours of which the rollups don't say what the readings say, the first one first. */
export async function readMarkedDays(
  database: Database,
  { devices, measurements }: SeriesSet,
  { fromUs, toUs }: Range,
): Promise<number[]> {
  const rows = await database.query<{ day: number }>(
    `SELECT DISTINCT floor(date_part('epoch', hour) / 86400)::int4 AS day FROM telemetry_change
     WHERE device_uid = ANY($1::int4[]) AND measurement_id = ANY($2::int4[]) AND hour >= $3::timestamptz AND hour < $4::timestamptz
     ORDER BY day`,
    [devices, measurements, moment(Math.floor(fromUs / HOUR_US) * HOUR_US), moment(toUs)],
  );
  return rows.map(it => it.day);
}
