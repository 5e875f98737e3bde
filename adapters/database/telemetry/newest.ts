/** The newest datapoints of many series, each found in the one partition that it lies in. */
import type { Database } from '../database.ts';
import { dayStart, microsOf } from './days.ts';

/** `day` is what the series' `newest_day` says. */
export type SeriesDay = { readonly device: number; readonly measurement: number; readonly day: number };
export type NewestRow = {
  /** The place of the series in what was asked. */
  readonly place: number;
  readonly us: number;
  readonly value: number | null;
  readonly quality: number | null;
  readonly flags: number | null;
  readonly value_json: unknown;
};

/** Distinct days that are asked one by one. More are rare, and asked together: then all partitions between the first and the last are opened. */
const MOST_DAYS = 16;
const COLUMNS = 't.ts, t.value, t.quality, t.flags, t.value_json';

/**
 * One row for each series that has a datapoint, in any order. The bounds are parameters, so that only their partition is planned for.
 */
export async function readNewest(database: Database, series: readonly SeriesDay[]): Promise<NewestRow[]> {
  const parts = partsOf(series);
  if (parts.size <= MOST_DAYS) {
    const rows = await Promise.all([...parts].map(([day, part]) => readPart(database, part, day, day)));
    return rows.length === 1 ? rows[0]! : rows.flat();
  }
  const days = [...parts.keys()];
  const least = days.reduce((day, it) => Math.min(day, it));
  const greatest = days.reduce((day, it) => Math.max(day, it));
  return readPart(database, together([...parts.values()]), least, greatest);
}

/** Series side by side, as parameters take them. */
type Part = {
  readonly places: number[];
  readonly devices: number[];
  readonly measurements: number[];
  readonly days: number[];
};
const noPart = (): Part => ({ places: [], devices: [], measurements: [], days: [] });

function partsOf(series: readonly SeriesDay[]): Map<number, Part> {
  const parts = new Map<number, Part>();
  for (const [place, { device, measurement, day }] of series.entries()) {
    const part = parts.get(day) ?? noPart();
    if (part.places.length === 0) parts.set(day, part);
    part.places.push(place);
    part.devices.push(device);
    part.measurements.push(measurement);
    part.days.push(day);
  }
  return parts;
}

const together = (parts: readonly Part[]): Part => ({
  places: parts.flatMap(it => it.places),
  devices: parts.flatMap(it => it.devices),
  measurements: parts.flatMap(it => it.measurements),
  days: parts.flatMap(it => it.days),
});

/** The days of each series are bounds of their own only where there are several: each bound is compared once more for every series. */
function readPart(database: Database, part: Part, from: number, to: number): Promise<NewestRow[]> {
  const { places, devices, measurements, days } = part;
  const isOneDay = from === to;
  return database.query<NewestRow>(
    `SELECT s.place, ${microsOf('n.ts')} AS us, n.value, n.quality, n.flags, n.value_json
     FROM unnest($1::int4[], $2::int4[], $3::int4[]${isOneDay ? '' : ', $6::int4[]'}) AS s (place, device, measurement${isOneDay ? '' : ', day'})
     CROSS JOIN LATERAL (
       SELECT ${COLUMNS} FROM telemetry t
       WHERE t.device_uid = s.device AND t.measurement_id = s.measurement
         AND t.ts >= ${dayStart('$4')} AND t.ts < ${dayStart('$5')}
         ${isOneDay ? '' : `AND t.ts >= ${dayStart('s.day')} AND t.ts < ${dayStart('(s.day + 1)')}`}
       ORDER BY t.ts DESC LIMIT 1
     ) n`,
    [places, devices, measurements, from, to + 1, ...(isOneDay ? [] : [days])],
  );
}
