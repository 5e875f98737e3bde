import type { Database } from '../database.ts';
import { dayOf } from './days.ts';

/**
 * The number of the day it is, as the clock that is behind says it, of the database's and ours: one that is wrong by years must not cost the
 * telemetry of years.
 */
export async function todayOf(database: Database): Promise<number> {
  const [row] = await database.query<{ day: number }>('SELECT floor(extract(epoch FROM now()) / 86400)::int AS day');
  return Math.min(row!.day, dayOf(Date.now() * 1_000));
}
