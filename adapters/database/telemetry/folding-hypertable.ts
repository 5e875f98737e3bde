/**
 * Rollups as continuous aggregates of TimescaleDB: it refreshes what changed between two moments, for all devices together. That cannot
 * run in a transaction, so a mark is removed only if it was there before and has not been written again meanwhile.
 */
import type { Limits } from '../../../contracts/limits.ts';
import type { Database } from '../database.ts';
import { dayOfMoment, hourAfter, momentOfDay, newestDue, type Rollups } from './folding.ts';

/** Marks that one statement removes: lanes may wait for it. */
const PIECE_MARKS = 5_000;

/**
 * A row has only the lower half of the number of the transaction that wrote it: of the numbers with that half it is the one next to the
 * snapshot's.
 */
const WRITER = `(
  SELECT number + CASE WHEN number > top + 2147483648 THEN -4294967296 WHEN number < top - 2147483648 THEN 4294967296 ELSE 0 END
  FROM (SELECT pg_snapshot_xmax($3::pg_snapshot)::text::int8 AS top) t, LATERAL (SELECT (top >> 32 << 32) + xmin::text::int8 AS number) n
)::text::xid8`;

/** Marks of these hours whose writer had committed when the snapshot was taken. Those that are being written now stay as well. */
export const REMOVE_MARKS_SQL = `
WITH held AS MATERIALIZED (
  SELECT device_uid, measurement_id, hour FROM telemetry_change
  WHERE hour >= $1 AND hour < $2 AND pg_visible_in_snapshot(${WRITER}, $3::pg_snapshot)
  LIMIT $4 FOR UPDATE SKIP LOCKED
)
DELETE FROM telemetry_change c USING held h
WHERE c.device_uid = h.device_uid AND c.measurement_id = h.measurement_id AND c.hour = h.hour
RETURNING 1 AS gone`;

/** Rows of some hours were archived or dropped, and their rollups are the record of them: a refresh would remove it for all devices. */
const HAS_REMOVED_SQL = 'SELECT telemetry_day_has_removed($1) AS it';
const MINUTES_KEPT_SQL = `SELECT $1::timestamptz >= (minutes_from - 1)::timestamp AT TIME ZONE 'UTC' AS it FROM telemetry_layout`;
const DAYS_TO_SQL = `SELECT coalesce(
  (SELECT days_to::timestamp AT TIME ZONE 'UTC' FROM telemetry_layout),
  (SELECT min(range_start) FROM timescaledb_information.chunks WHERE hypertable_name = 'telemetry')) AS it`;

export class HypertableRollups implements Rollups {
  readonly #database: Database;
  readonly #limits: Limits;
  /** Where this walk through the days with marks is. */
  #place = new Date(0);

  constructor(database: Database, limits: Limits) {
    this.#database = database;
    this.#limits = limits;
  }

  async fold(nowMs: number): Promise<boolean> {
    const newest = newestDue(nowMs, this.#limits);
    const oldest = await this.#one<Date | null>(
      'SELECT min(hour) AS it FROM telemetry_change WHERE hour >= $1 AND hour <= $2',
      [this.#place, newest],
    );
    if (oldest === null) {
      this.#place = new Date(0);
      return this.#storeNextDay(dayOfMoment(hourAfter(newest)));
    }
    const day = dayOfMoment(oldest);
    if (!(await this.#one<boolean>(HAS_REMOVED_SQL, [oldest]))) await this.#foldDay(day, oldest, newest);
    this.#place = momentOfDay(day + 1);
    return true;
  }

  async #foldDay(day: number, from: Date, newest: Date): Promise<void> {
    const dayEnd = momentOfDay(day + 1);
    const last = await this.#one<Date | null>(
      'SELECT max(hour) AS it FROM telemetry_change WHERE hour >= $1 AND hour < $2 AND hour <= $3',
      [from, dayEnd, newest],
    );
    const to = hourAfter(last ?? from);
    const snapshot = await this.#one<string>('SELECT pg_current_snapshot()::text AS it');
    if (await this.#one<boolean>(MINUTES_KEPT_SQL, [from])) await this.#refresh('telemetry_1m', from, to);
    await this.#refresh('telemetry_1h', from, to);
    const daysTo = await this.#one<Date | null>(DAYS_TO_SQL);
    // The view makes newer days from their datapoints.
    if (daysTo !== null && dayEnd <= daysTo) await this.#refresh('telemetry_1d', momentOfDay(day), dayEnd);
    while ((await this.#database.query(REMOVE_MARKS_SQL, [from, to, snapshot, PIECE_MARKS])).length === PIECE_MARKS);
  }

  /**
   * Days are stored one after the other when they are over, those without datapoints too: behind the newest one that is stored the view makes
   * none. The newest one is refreshed once more each time: another process may have removed a mark of it while it was made.
   */
  async #storeNextDay(today: number): Promise<boolean> {
    const daysTo = await this.#one<Date | null>(DAYS_TO_SQL);
    if (daysTo === null) return false;
    const day = dayOfMoment(daysTo);
    for (const one of [day - 1, day]) {
      if (one >= today || (await this.#one<boolean>(HAS_REMOVED_SQL, [momentOfDay(one)]))) continue;
      await this.#refresh('telemetry_1d', momentOfDay(one), momentOfDay(one + 1));
    }
    if (day >= today) return false;
    await this.#database.query(
      `UPDATE telemetry_layout SET days_to = greatest(days_to, '1970-01-01'::date + $1::int4)`,
      [day + 1],
    );
    return true;
  }

  async #refresh(rollup: string, from: Date, to: Date): Promise<void> {
    await this.#database.query(
      'CALL refresh_continuous_aggregate($1::text::regclass, $2::timestamptz, $3::timestamptz)',
      [rollup, from, to],
    );
  }

  async #one<T>(sql: string, params: readonly unknown[] = []): Promise<T> {
    const [row] = await this.#database.query<{ it: T }>(sql, params);
    return row!.it;
  }
}
