/** Months of telemetry of a thousand devices, made by the database itself, with rollups as the upkeep makes them. */
import type { Database } from '../../adapters/database/database.ts';
import { MEASUREMENTS, type StoreEngine } from './store-home.ts';

export const DEVICES = 1_000;
export const DAYS = 35;
export const DAY_MS = 86_400_000;

export type Seeded = { readonly deviceUids: number[]; readonly measurementIds: number[]; readonly endMs: number };

/** Of each measurement a value in equal steps over 35 whole days, which end with today. */
export async function seedTelemetry(
  database: Database,
  engine: StoreEngine,
  tenantId: number,
  datapoints: number,
): Promise<Seeded> {
  const endMs = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS;
  const { deviceUids, measurementIds } = await devicesOf(database, tenantId);
  const perDay = Math.max(1, Math.round(datapoints / (DEVICES * MEASUREMENTS.length * DAYS)));
  const everyMs = DAY_MS / perDay;
  for (let day = 0; day < DAYS; day++) {
    const fromMs = endMs - (DAYS - day) * DAY_MS;
    await database.query(`SELECT telemetry_partition('telemetry', to_timestamp($1::float8 / 1000))`, [fromMs]);
    await database.query(
      `INSERT INTO telemetry (device_uid, measurement_id, ts, value)
       SELECT device, measurement, to_timestamp($3::float8 / 1000) + step * $4::float8 * interval '1 ms' + device % 1000 * interval '1 ms',
         round((20 + measurement % 3 * 15 + device % 50 / 10.0 + sin((step + device * 7) / 40.0) * 4)::numeric, 2)::float8
       FROM generate_series(0, $5::int - 1) step, unnest($1::int[]) device, unnest($2::int[]) measurement`,
      [deviceUids, measurementIds, fromMs, everyMs, perDay],
    );
    if (engine !== 'timescale') await rollUp(database, fromMs, deviceUids, measurementIds);
  }
  if (engine === 'timescale')
    for (const name of ['telemetry_1h', 'telemetry_1d'])
      await database.query(
        `CALL refresh_continuous_aggregate('${name}', to_timestamp(${(endMs - DAYS * DAY_MS) / 1_000}), to_timestamp(${endMs / 1_000}))`,
      );
  await database.query(`UPDATE device_measurement SET newest_day = $1::int WHERE device_uid = ANY ($2::int[])`, [
    endMs / DAY_MS - 1,
    deviceUids,
  ]);
  await database.query('VACUUM (ANALYZE) telemetry');
  return { deviceUids, measurementIds, endMs };
}

async function devicesOf(database: Database, tenantId: number) {
  await database.query(`INSERT INTO device_type (tenant_id, name) VALUES ($1, 'bench') ON CONFLICT DO NOTHING`, [
    tenantId,
  ]);
  const devices = await database.query<{ device_uid: number }>(
    `INSERT INTO device (tenant_id, device_id, device_type, state)
     SELECT $1, 'd' || n, 'bench', 'active' FROM generate_series(1, $2::int) n RETURNING device_uid`,
    [tenantId, DEVICES],
  );
  const names = await database.query<{ measurement_id: number }>(
    'INSERT INTO measurement (tenant_id, name) SELECT $1, unnest($2::text[]) RETURNING measurement_id',
    [tenantId, MEASUREMENTS],
  );
  const deviceUids = devices.map(it => it.device_uid);
  const measurementIds = names.map(it => it.measurement_id);
  await database.query(
    `INSERT INTO device_measurement (device_uid, measurement_id) SELECT d, m FROM unnest($1::int[]) d, unnest($2::int[]) m`,
    [deviceUids, measurementIds],
  );
  return { deviceUids, measurementIds };
}

/** Hours, then the day from its hours. */
async function rollUp(database: Database, fromMs: number, devices: number[], measurements: number[]): Promise<void> {
  await database.query(
    `INSERT INTO telemetry_1h (device_uid, measurement_id, bucket, count, sum, min, max, variance, first, last)
     SELECT device_uid, measurement_id, date_trunc('hour', ts, 'UTC'), count(*), sum(value), min(value), max(value), var_pop(value),
       (array_agg(value ORDER BY ts))[1], (array_agg(value ORDER BY ts DESC))[1]
     FROM telemetry WHERE ts >= to_timestamp($1::float8 / 1000) AND ts < to_timestamp($1::float8 / 1000) + interval '24 hours' GROUP BY 1, 2, 3`,
    [fromMs],
  );
  await database.query(
    `INSERT INTO telemetry_1d (device_uid, measurement_id, bucket, count, sum, min, max, variance, first, last)
     SELECT device_uid, measurement_id, to_timestamp($1::float8 / 1000), sum(count), sum(sum), min(min), max(max), 0, min(first), max(last)
     FROM telemetry_1h WHERE device_uid = ANY ($2::int[]) AND measurement_id = ANY ($3::int[]) AND bucket >= to_timestamp($1::float8 / 1000)
     GROUP BY 1, 2`,
    [fromMs, devices, measurements],
  );
}
