/** Datapoints as a transaction of a lane writes them, and measurements that a device did not have before. */
import type { Datapoint, Effects } from '../../contracts/store.ts';
import { DEVICE_MEASUREMENT_SQL, MERGE_SQL } from './actor-store.sql.ts';
import { TELEMETRY_COLUMNS, TelemetryCopy } from './copy-encoder.ts';
import type { Step } from './database.ts';
import { NO_STEPS, type StepsOfEffects } from './steps-of-effects.ts';

/** The number of a measurement's name. Throws a StoreError if it is not known. */
export type IdOf = (tenantId: number, measurement: string) => number;

/** Rows that may exist already, in columns. `entry` is the index of the effects that they belong to. */
type Merge = {
  entry: number[];
  device: number[];
  measurement: number[];
  us: number[];
  value: (number | null)[];
  json: (string | null)[];
  message: (string | null)[];
};

/** `news` is marked at once for what is certainly new. */
export function datapointSteps(
  effects: readonly Effects[],
  careful: boolean,
  idOf: IdOf,
  news: boolean[],
): StepsOfEffects {
  let points = 0;
  for (const one of effects) points += one.datapoints.length;
  if (points === 0) return NO_STEPS;
  const copy = new TelemetryCopy(points);
  const merge: Merge = { entry: [], device: [], measurement: [], us: [], value: [], json: [], message: [] };
  const firstWithMessage = new Map<string, number>();
  for (let entry = 0; entry < effects.length; entry++) {
    const { tenantId, deviceUid, datapoints } = effects[entry]!;
    for (const point of datapoints) {
      const id = idOf(tenantId, point.measurement);
      if (!careful && !point.mayExist && point.messageId === null) {
        copy.add(deviceUid, id, point.tsUs, point.value, point.json);
        news[entry] = true;
      } else if (isFirst(firstWithMessage, deviceUid, point, entry)) addTo(merge, entry, deviceUid, id, point);
    }
  }
  const steps: Step[] = [];
  if (copy.rows > 0) steps.push({ kind: 'copy', table: 'telemetry', columns: TELEMETRY_COLUMNS, data: copy.finish() });
  if (merge.entry.length > 0) steps.push(mergeOf(merge));
  return {
    steps,
    // What was copied has no rows; the merge comes after it, because it may be about the same datapoints.
    tellNews: rows => {
      for (const row of rows.at(-1)!) news[row.entry as number] = true;
    },
  };
}

export function measurementSteps(effects: readonly Effects[], idOf: IdOf): StepsOfEffects {
  const devices: number[] = [];
  const ids: number[] = [];
  for (const { tenantId, deviceUid, newMeasurements } of effects)
    for (const name of newMeasurements) {
      devices.push(deviceUid);
      ids.push(idOf(tenantId, name));
    }
  if (devices.length === 0) return NO_STEPS;
  return { steps: [{ kind: 'query', sql: DEVICE_MEASUREMENT_SQL, params: [devices, ids] }] };
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
  merge.json.push(point.json);
  merge.message.push(point.messageId);
}

const mergeOf = (merge: Merge): Step => ({
  kind: 'query',
  sql: MERGE_SQL,
  params: [merge.entry, merge.device, merge.measurement, merge.us, merge.value, merge.json, merge.message],
});
