/** Readings in a database, and rollups of them as the one who keeps them would have made them. */
import type { Database } from '../../../../adapters/database/database.ts';
import { dayOf, hourOf, microsOf } from '../../../../adapters/database/telemetry/days.ts';

export type Written = {
  readonly device: number;
  readonly measurement: number;
  readonly us: number;
  readonly value: number | null;
  readonly quality?: number | null;
  readonly flags?: number | null;
};

const at = (us: string) => `to_timestamp(0) + ${us} * interval '1 microsecond'`;

/** Stores them, with all marks, as a writer would. */
export async function store(database: Database, rows: readonly Written[]): Promise<void> {
  for (const day of new Set(rows.map(it => dayOf(it.us))))
    await database.query(`SELECT telemetry_partition('telemetry', ${at('$1::int8')})`, [day * 86_400_000_000]);
  const columns = [
    rows.map(it => it.device),
    rows.map(it => it.measurement),
    rows.map(it => it.us),
    rows.map(it => it.value),
    rows.map(it => it.quality ?? null),
    rows.map(it => it.flags ?? null),
  ];
  await database.query(
    `INSERT INTO telemetry (device_uid, measurement_id, ts, value, quality, flags)
     SELECT d, m, ${at('us')}, v, q, f FROM unnest($1::int4[], $2::int4[], $3::int8[], $4::float8[], $5::int2[], $6::int2[]) AS t (d, m, us, v, q, f)
     ON CONFLICT DO NOTHING`,
    columns,
  );
  await database.query(
    `INSERT INTO telemetry_change SELECT DISTINCT d, m, ${at('h * 3600000000')} FROM unnest($1::int4[], $2::int4[], $3::int8[]) AS t (d, m, h)
     ON CONFLICT DO NOTHING`,
    [columns[0], columns[1], rows.map(it => hourOf(it.us))],
  );
  await database.query(
    `INSERT INTO device_measurement AS s (device_uid, measurement_id, newest_day)
     SELECT d, m, max(day) FROM unnest($1::int4[], $2::int4[], $3::int4[]) AS t (d, m, day) GROUP BY d, m
     ON CONFLICT (device_uid, measurement_id) DO UPDATE SET newest_day = greatest(s.newest_day, excluded.newest_day)`,
    [columns[0], columns[1], rows.map(it => dayOf(it.us))],
  );
}

const NUMBERS = `count(*), sum(value), min(value), max(value), var_pop(value), (array_agg(value ORDER BY ts))[1],
  (array_agg(value ORDER BY ts DESC))[1]`;
const NONSENSE = '1000, 1e9, -1e9, 1e9, 1e9, 1e9, 1e9';

/**
 * Makes all rollups. Hours that are kept marked (in microseconds since 1970), and days with one, get nonsense: whoever reads it has not looked
 * at the marks.
 */
export async function fold(database: Database, keepMarked: readonly number[] = []): Promise<void> {
  await database.query(`DELETE FROM telemetry_change WHERE NOT ${microsOf('hour')} = ANY($1::int8[])`, [keepMarked]);
  // There they follow from the readings.
  if (database.engine === 'timescale') return;
  await database.query(
    `SELECT count(telemetry_partition('telemetry_1m', day)) FROM (SELECT DISTINCT date_bin('24 hours', ts, 'epoch') AS day FROM telemetry) days`,
  );
  for (const [table, width, mark] of [
    ['telemetry_1m', '1 minute', '1 hour'],
    ['telemetry_1h', '1 hour', '1 hour'],
    ['telemetry_1d', '24 hours', '24 hours'],
  ] as const) {
    const isMarked = `EXISTS (SELECT FROM telemetry_change c WHERE c.device_uid = t.device_uid AND c.measurement_id = t.measurement_id
      AND date_bin('${mark}', c.hour, 'epoch') = date_bin('${mark}', t.ts, 'epoch'))`;
    const rollup = (numbers: string, which: string) =>
      database.query(
        `INSERT INTO ${table} SELECT device_uid, measurement_id, date_bin('${width}', ts, 'epoch'), ${numbers} FROM telemetry t
         WHERE value IS NOT NULL AND ${which} GROUP BY 1, 2, 3`,
      );
    await database.query(`DELETE FROM ${table}`);
    await rollup(NUMBERS, `NOT ${isMarked}`);
    await rollup(NONSENSE, isMarked);
  }
}
