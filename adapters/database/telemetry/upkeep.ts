/** What telemetry needs done now and then: partitions for the days to come, an end for rollups of minutes, compression. */
import type { Limits } from '../../../contracts/limits.ts';
import type { Database } from '../database.ts';
import { dayOf } from './days.ts';
import { momentOfDay } from './folding.ts';
import { dropPartition, partitionsOf, TelemetryPartitions } from './partitions.ts';

const DAY_SECONDS = 86_400;
/** Days for which there are always partitions, beside the one that it is, and beside what clocks may be ahead. */
const DAYS_AHEAD = 2;

/** `partitions`: of the days to come; `dropped`: of rollups of minutes. */
export type UpkeepReport = { readonly partitions: number; readonly dropped: number };

/** May be repeated, and done by several processes at once. Rejects with a DatabaseError. */
export async function keepUp(database: Database, limits: Limits, nowMs: number): Promise<UpkeepReport> {
  const isHypertable = database.engine === 'timescale';
  const partitions = isHypertable ? 0 : await makeAhead(database, limits, nowMs);
  if (isHypertable) await setCompression(database, limits);
  return { partitions, dropped: await endMinutes(database, limits, nowMs) };
}

/** So that no lane has to make one at midnight. */
async function makeAhead(database: Database, { timestampMaxAheadSeconds }: Limits, nowMs: number): Promise<number> {
  const today = dayOf(nowMs * 1_000);
  const ahead = DAYS_AHEAD + Math.ceil(timestampMaxAheadSeconds / DAY_SECONDS);
  const days = Array.from({ length: ahead + 1 }, (_, day) => today + day);
  await new TelemetryPartitions(database, 'telemetry').make(days);
  return days.length;
}

/**
 * Drops the rollups of minutes that no reader has asked for since the day before, and then moves the day from which on they are read. Moved
 * first and dropped later: whoever has planned with the former day still finds them.
 */
async function endMinutes(database: Database, { rollupMinuteKeepDays }: Limits, nowMs: number): Promise<number> {
  const [layout] = await database.query<{ day: number }>(
    `SELECT minutes_from - '1970-01-01'::date AS day FROM telemetry_layout`,
  );
  const dropped = await dropMinutes(database, layout!.day - 1);
  await database.query(
    `UPDATE telemetry_layout SET minutes_from = '1970-01-01'::date + $1::int4 WHERE minutes_from < '1970-01-01'::date + $1::int4`,
    [dayOf(nowMs * 1_000) - rollupMinuteKeepDays],
  );
  return dropped;
}

async function dropMinutes(database: Database, before: number): Promise<number> {
  let dropped = 0;
  if (database.engine === 'timescale') {
    const chunks = await database.query(`SELECT drop_chunks('telemetry_1m', older_than => $1::timestamptz)`, [
      momentOfDay(before),
    ]);
    return chunks.length;
  }
  for (const partition of await partitionsOf(database, 'telemetry_1m'))
    if (partition.to <= before && (await dropPartition(database, partition))) dropped++;
  return dropped;
}

/** The policy as the limit says it; TimescaleDB follows it by itself. Of several processes that change it, one is enough. */
const setCompression = (database: Database, { telemetryCompressAfterDays: days }: Limits): Promise<void> =>
  database.transaction(async tx => {
    const [row] = await tx.query<{ it: boolean }>(
      `SELECT pg_try_advisory_xact_lock(hashtext('telemetry_compression')) AS it`,
    );
    if (!row!.it) return;
    const found = await tx.query<{ is_right: boolean }>(
      `SELECT (config ->> 'compress_after')::interval = make_interval(days => $1::int4) AS is_right FROM timescaledb_information.jobs
       WHERE proc_name = 'policy_compression' AND hypertable_name = 'telemetry'`,
      [days],
    );
    if (found.length === 1 && found[0]!.is_right) return;
    await tx.query(`SELECT remove_compression_policy('telemetry', if_exists => true)`);
    await tx.query(`SELECT add_compression_policy('telemetry', make_interval(days => $1::int4))`, [days]);
  });
