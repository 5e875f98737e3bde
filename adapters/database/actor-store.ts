import type { Datapoint, DeadLetter, DeviceRecord, Effects, Store } from '../../contracts/store.ts';
import { StoreError } from '../../contracts/store.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import { DEAD_LETTER_SQL, DEVICE_MEASUREMENT_SQL, FENCE_SQL, LOAD_SQL, MERGE_SQL } from './actor-store.sql.ts';
import { TELEMETRY_COLUMNS, TelemetryCopy } from './copy-encoder.ts';
import type { Database, Lane, Step } from './database.ts';
import { sessionSteps, tellSessionNews } from './device-sessions.ts';
import { MeasurementIds } from './measurement-ids.ts';
import { rethrowAsStoreError } from './store-errors.ts';
import { type NoTwinRow, type TwinRow, twinOf, twinSteps } from './twins.ts';

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

type Loaded = {
  key: string;
  tenant_id: number;
  device_uid: number;
  state: DeviceRecord['state'];
  series: [string, number][] | null;
  /** Null, and nothing of the rest means anything: it never connected. */
  session: number | null;
  instance_id: string;
  address: string;
  connected: boolean;
} & (TwinRow | NoTwinRow);

/** The store of actors on the Database port: what they are loaded from, and one transaction for the effects of many. */
export class ActorStore implements Store {
  readonly #database: Database;
  readonly #instanceId: string;
  readonly #lanes: readonly Lane[];
  readonly #measurementIds: MeasurementIds;

  /** @param instanceId the run of this process, with its `node_lane` rows open */
  constructor(database: Database, instanceId: string, lanes: number) {
    this.#database = database;
    this.#instanceId = instanceId;
    this.#lanes = Array.from({ length: lanes }, (_, number) => database.lane(`lane-${number}`));
    this.#measurementIds = new MeasurementIds(database);
  }

  async load(addresses: readonly DeviceAddress[]): Promise<(DeviceRecord | undefined)[]> {
    const tenants = addresses.map(address => address.tenant);
    const devices = addresses.map(address => address.device);
    const rows = await this.#database.query<Loaded>(LOAD_SQL, [tenants, devices]).catch(rethrowAsStoreError);
    const records = new Map(rows.map(row => [row.key, recordOf(row)]));
    return addresses.map(address => records.get(address.key));
  }

  async commit(lane: number, effects: readonly Effects[], careful: boolean): Promise<boolean[]> {
    const fence: Step = { kind: 'query', sql: FENCE_SQL, params: [this.#instanceId, lane], expectRows: 1 };
    try {
      await this.#learnNames(effects);
      const { steps, news, mergeStep } = this.#steps(effects, careful);
      const sessions = sessionSteps(effects);
      const [, ...rows] = await this.#lanes[lane]!.commit([fence, ...steps, ...sessions, ...twinSteps(effects)]);
      if (mergeStep >= 0) for (const row of rows[mergeStep]!) news[row.entry as number] = true;
      if (sessions.length > 0) tellSessionNews(effects, rows[steps.length]!, news);
      return news;
    } catch (error) {
      return rethrowAsStoreError(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(lane => lane.close()));
  }

  async #learnNames(effects: readonly Effects[]): Promise<void> {
    const unknown: { tenantId: number; measurement: string }[] = [];
    for (const { tenantId, datapoints } of effects)
      for (const { measurement } of datapoints)
        if (this.#measurementIds.get(tenantId, measurement) === undefined) unknown.push({ tenantId, measurement });
    if (unknown.length > 0) await this.#measurementIds.learn(unknown);
  }

  #id(tenantId: number, measurement: string): number {
    const id = this.#measurementIds.get(tenantId, measurement);
    if (id === undefined) throw new StoreError('unavailable', 'more names in one transaction than are remembered');
    return id;
  }

  /**
   * The steps of a transaction but for sessions and twins; `news` says for each element whether it is new, but for what the merge step
   * finds out.
   */
  #steps(effects: readonly Effects[], careful: boolean): { steps: Step[]; news: boolean[]; mergeStep: number } {
    let points = 0;
    for (const one of effects) points += one.datapoints.length;
    const copy = new TelemetryCopy(points);
    const merge: Merge = { entry: [], device: [], measurement: [], us: [], value: [], json: [], message: [] };
    const news = effects.map(one => one.deadLetter !== null || one.twin !== null || isOnlyOutcome(one));
    const firstWithMessage = new Map<string, number>();
    for (let entry = 0; entry < effects.length; entry++) {
      const { tenantId, deviceUid, datapoints } = effects[entry]!;
      for (const point of datapoints) {
        const id = this.#id(tenantId, point.measurement);
        if (!careful && !point.mayExist && point.messageId === null) {
          copy.add(deviceUid, id, point.tsUs, point.value, point.json);
          news[entry] = true;
        } else if (isFirst(firstWithMessage, deviceUid, point, entry)) addTo(merge, entry, deviceUid, id, point);
      }
    }
    const steps: Step[] = [];
    if (copy.rows > 0)
      steps.push({ kind: 'copy', table: 'telemetry', columns: TELEMETRY_COLUMNS, data: copy.finish() });
    const mergeStep = merge.entry.length > 0 ? steps.push(mergeOf(merge)) - 1 : -1;
    steps.push(...this.#newMeasurements(effects), ...deadLetters(effects));
    return { steps, news, mergeStep };
  }

  #newMeasurements(effects: readonly Effects[]): Step[] {
    const devices: number[] = [];
    const ids: number[] = [];
    for (const { tenantId, deviceUid, newMeasurements } of effects)
      for (const name of newMeasurements) {
        devices.push(deviceUid);
        ids.push(this.#id(tenantId, name));
      }
    return devices.length > 0 ? [{ kind: 'query', sql: DEVICE_MEASUREMENT_SQL, params: [devices, ids] }] : [];
  }
}

function recordOf(row: Loaded): DeviceRecord {
  const { session, instance_id: instanceId, address, connected } = row;
  const series = row.series ?? [];
  return {
    tenantId: row.tenant_id,
    deviceUid: row.device_uid,
    state: row.state,
    measurements: series.map(one => one[0]),
    newestUs: series.map(one => one[1]),
    session: session === null ? null : { session, instanceId, address, connected },
    twin: twinOf(row),
  };
}

/** There is nothing to store, so nothing that could be stored already: its sender is told what the outcome says. */
const isOnlyOutcome = ({ datapoints, deadLetter, session }: Effects): boolean =>
  datapoints.length === 0 && deadLetter === null && session === null;

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

function deadLetters(effects: readonly Effects[]): Step[] {
  const kept = effects.filter((one): one is Effects & { deadLetter: DeadLetter } => one.deadLetter !== null);
  if (kept.length === 0) return [];
  const column = <T>(read: (letter: DeadLetter) => T): T[] => kept.map(one => read(one.deadLetter));
  const params = [
    kept.map(one => one.tenantId),
    column(letter => letter.id),
    column(letter => letter.deviceId),
    column(letter => letter.kind),
    column(letter => letter.topic),
    column(letter => letter.contentType),
    column(letter => letter.reason),
    column(letter => letter.detail),
    column(letter => letter.payload),
    column(letter => letter.receivedAtMs),
  ];
  return [{ kind: 'query', sql: DEAD_LETTER_SQL, params }];
}
