/** Datapoints as a transaction of a lane writes them, and what it notes of their series. */
import type { Datapoint, Effects } from '../../../contracts/store.ts';
import type { Step } from '../database.ts';
import { NO_STEPS, type StepsOfEffects } from '../steps-of-effects.ts';
import { storedQuality, TELEMETRY_COLUMNS, TelemetryCopy } from './copy-encoder.ts';
import { MERGE_SQL, SERIES_SQL } from './datapoints.sql.ts';
import { dayOf, hourOf } from './days.ts';

/** The number of a measurement's name. Throws a StoreError if it is not known. */
export type IdOf = (tenantId: number, measurement: string) => number;
/** The table for a day; the parent of all when it is not known. */
export type TableOf = (day: number) => string;

/** Rows that may exist already, in columns. `entry` is the index of the effects that they belong to. */
type Merge = {
  entry: number[];
  device: number[];
  measurement: number[];
  us: number[];
  value: (number | null)[];
  quality: (number | null)[];
  flags: number[];
  json: (string | null)[];
  message: (string | null)[];
};

/** `news` is marked at once for what is certainly new. */
export function datapointSteps(
  effects: readonly Effects[],
  careful: boolean,
  idOf: IdOf,
  tableOf: TableOf,
  news: boolean[],
): StepsOfEffects {
  let points = 0;
  for (const one of effects) points += one.datapoints.length;
  if (points === 0) return NO_STEPS;
  const copy = new TelemetryCopy(points);
  let copiedDay: number | undefined;
  let isOneDay = true;
  const merge: Merge = {
    entry: [],
    device: [],
    measurement: [],
    us: [],
    value: [],
    quality: [],
    flags: [],
    json: [],
    message: [],
  };
  const firstWithMessage = new Map<string, number>();
  for (let entry = 0; entry < effects.length; entry++) {
    const { tenantId, deviceUid, datapoints } = effects[entry]!;
    for (const point of datapoints) {
      const id = idOf(tenantId, point.measurement);
      if (!careful && !point.mayExist && point.messageId === null) {
        copy.add(deviceUid, id, point);
        news[entry] = true;
        copiedDay ??= dayOf(point.tsUs);
        isOneDay &&= dayOf(point.tsUs) === copiedDay;
      } else if (isFirst(firstWithMessage, deviceUid, point, entry)) addTo(merge, entry, deviceUid, id, point);
    }
  }
  const steps: Step[] = [];
  // Rows of one day, which is nearly always, go straight into their partition.
  const table = copiedDay !== undefined && isOneDay ? tableOf(copiedDay) : 'telemetry';
  if (copy.rows > 0) steps.push({ kind: 'copy', table, columns: TELEMETRY_COLUMNS, data: copy.finish() });
  if (merge.entry.length > 0) steps.push(mergeOf(merge));
  return {
    steps,
    // What was copied has no rows; the merge comes after it, because it may be about the same datapoints.
    tellNews: rows => {
      for (const row of rows.at(-1)!) news[row.entry as number] = true;
    },
  };
}

/**
 * Notes, of datapoints that are the first in their hour, the series and the hour; and the hour of each that comes when it is over, because
 * its rollups may have been made meanwhile.
 */
export function seriesSteps(effects: readonly Effects[], idOf: IdOf, nowMs: number): StepsOfEffects {
  const hourNow = hourOf(nowMs * 1_000);
  const devices: number[] = [];
  const ids: number[] = [];
  const hours: number[] = [];
  for (const { tenantId, deviceUid, datapoints } of effects)
    for (const { measurement, tsUs, opens } of datapoints) {
      const hour = hourOf(tsUs);
      if (!opens && hour >= hourNow) continue;
      const id = idOf(tenantId, measurement);
      // Of a series that catches up, many of one hour come together.
      if (ids.at(-1) === id && hours.at(-1) === hour && devices.at(-1) === deviceUid) continue;
      devices.push(deviceUid);
      ids.push(id);
      hours.push(hour);
    }
  if (devices.length === 0) return NO_STEPS;
  return { steps: [{ kind: 'query', sql: SERIES_SQL, params: [devices, ids, hours] }] };
}

/** A message id counts once in a transaction too: the first of its messages is the one that is stored. */
function isFirst(seen: Map<string, number>, deviceUid: number, { messageId }: Datapoint, entry: number): boolean {
  if (messageId === null) return true;
  const key = `${deviceUid} ${messageId}`;
  const first = seen.get(key) ?? entry;
  seen.set(key, first);
  return first === entry;
}

function addTo(merge: Merge, entry: number, deviceUid: number, measurementId: number, point: Datapoint): void {
  merge.entry.push(entry);
  merge.device.push(deviceUid);
  merge.measurement.push(measurementId);
  merge.us.push(point.tsUs);
  merge.value.push(point.value);
  merge.quality.push(storedQuality(point.quality));
  merge.flags.push(point.flags);
  merge.json.push(point.json);
  merge.message.push(point.messageId);
}

const mergeOf = (merge: Merge): Step => ({
  kind: 'query',
  sql: MERGE_SQL,
  params: [
    merge.entry,
    merge.device,
    merge.measurement,
    merge.us,
    merge.value,
    merge.quality,
    merge.flags,
    merge.json,
    merge.message,
  ],
});
