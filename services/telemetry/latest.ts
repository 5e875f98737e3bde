/** The newest values of devices. */
import type { Database } from '../../adapters/database/database.ts';
import { type NewestRow, readNewest, type SeriesDay } from '../../adapters/database/telemetry/newest.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { LatestValue, LatestValues } from '../../contracts/telemetry.contract.ts';
import { CHOSEN, type Choice, chosenParams, type DeviceSource } from './selection.ts';
import { latestView } from './views.ts';

export async function latestOfDevice(
  database: Database,
  { deviceUid, measured }: DeviceSource,
): Promise<LatestValues['values']> {
  const series = measured.map(it => ({ device: deviceUid, measurement: it.id, day: it.newestDay }));
  const newest = await newestByPlace(database, series);
  const values: Values = {};
  measured.forEach((it, place) => {
    const row = newest[place];
    if (row !== undefined) put(values, it.name, latestView(row, it.unit));
  });
  return values;
}

type ManyRow = {
  device_id: string;
  device_uid: number;
  measurement_id: number | null;
  name: string;
  newest_day: number;
  unit: string | null;
};

/** Of the chosen devices after the one with the id `after`, by id. */
export async function latestOfMany(
  database: Database,
  asked: Choice & {
    readonly names: readonly string[] | undefined;
    readonly after: string | undefined;
    readonly limit: number;
  },
  limits: Limits,
): Promise<LatestValues[]> {
  const rows = await database.query<ManyRow>(
    `SELECT d.device_id, d.device_uid, m.measurement_id, m.name, m.newest_day, dt.measurements -> m.name ->> 'unit' AS unit
     FROM (SELECT d.device_uid, d.device_id, d.device_type, d.tenant_id FROM device d
           WHERE ${CHOSEN} AND ($8::text IS NULL OR d.device_id > $8) ORDER BY d.device_id LIMIT $9) d
     LEFT JOIN LATERAL (
       SELECT m.measurement_id, m.name, dm.newest_day FROM device_measurement dm JOIN measurement m USING (measurement_id)
       WHERE dm.device_uid = d.device_uid AND m.tenant_id = d.tenant_id AND ($7::text[] IS NULL OR m.name = ANY($7))) m ON true
     LEFT JOIN device_type dt ON dt.tenant_id = d.tenant_id AND dt.name = d.device_type
     ORDER BY d.device_id, m.name`,
    [...chosenParams(asked, limits), asked.names ?? null, asked.after ?? null, asked.limit],
  );
  const series: SeriesDay[] = [];
  for (const it of rows)
    if (it.measurement_id !== null)
      series.push({ device: it.device_uid, measurement: it.measurement_id, day: it.newest_day });
  return devicesOf(rows, await newestByPlace(database, series));
}

/** @param newest of those rows that have a measurement, in their order */
function devicesOf(rows: readonly ManyRow[], newest: readonly (NewestRow | undefined)[]): LatestValues[] {
  const devices: LatestValues[] = [];
  let values: Values = {};
  let place = 0;
  for (const { device_id: deviceId, measurement_id: id, name, unit } of rows) {
    if (devices.at(-1)?.deviceId !== deviceId) {
      values = {};
      devices.push({ deviceId, values });
    }
    const row = id === null ? undefined : newest[place++];
    if (row !== undefined) put(values, name, latestView(row, unit));
  }
  return devices;
}

async function newestByPlace(database: Database, series: readonly SeriesDay[]): Promise<(NewestRow | undefined)[]> {
  const rows: (NewestRow | undefined)[] = new Array(series.length).fill(undefined);
  for (const it of await readNewest(database, series)) rows[it.place] = it;
  return rows;
}

type Values = LatestValues['values'];
/** A measurement may be named `__proto__`, which an assignment would not keep. */
function put(values: Values, name: string, value: LatestValue): void {
  if (name in values)
    Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true });
  else values[name] = value;
}
