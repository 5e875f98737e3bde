import { LIMITS } from '../../contracts/limits.ts';
import type { DeviceRecord, Due, Effects, Store } from '../../contracts/store.ts';
import { StoreError } from '../../contracts/store.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import type { TypeRules } from '../../contracts/validation.ts';
import { activationSteps } from './activations.ts';
import { FENCE_SQL, LOAD_SQL } from './actor-store.sql.ts';
import { type CommandRow, commandRecordOf } from './command-rows.ts';
import { commandSteps } from './commands.ts';
import { type Database, DatabaseError, type Lane, type Step } from './database.ts';
import { deadLetterSteps, replayedSteps } from './dead-letters.ts';
import { sessionSteps } from './device-sessions.ts';
import { readDue } from './due.ts';
import { eventSteps } from './events.ts';
import { rethrowAsStoreError } from './store-errors.ts';
import { datapointSteps, seriesSteps } from './telemetry/datapoint-steps.ts';
import { dayOf } from './telemetry/days.ts';
import { MeasurementIds } from './telemetry/measurement-ids.ts';
import { readNewest } from './telemetry/newest.ts';
import { isRemovedPartition, TelemetryPartitions } from './telemetry/partitions.ts';
import { TypeRulesCache, typeKey } from './telemetry/type-rules.ts';
import { historySteps } from './twin-steps.ts';
import { type NoTwinRow, type TwinRow, twinOf, twinSteps } from './twins.ts';

const NONE: readonly never[] = [];

type Loaded = {
  key: string;
  tenant_id: number;
  device_uid: number;
  state: DeviceRecord['state'];
  series: [name: string, measurementId: number, newestDay: number][] | null;
  /** Null, and nothing of the rest means anything: it never connected. */
  session: number | null;
  instance_id: string;
  address: string;
  connected: boolean;
  receives: number;
  command_window: number | null;
  device_type: string | null;
  commands: CommandRow[] | null;
} & (TwinRow | NoTwinRow);

/** The store of actors on the Database port: what they are loaded from, and one transaction for the effects of many. */
export class ActorStore implements Store {
  readonly #database: Database;
  readonly #instanceId: string;
  readonly #lanes: readonly Lane[];
  readonly #measurementIds: MeasurementIds;
  readonly #partitions: TelemetryPartitions;
  /** What the types of the loaded devices say. Whoever has this store is to keep it up to date. */
  readonly typeRules: TypeRulesCache;

  /** @param instanceId the run of this process, with its `node_lane` rows open */
  constructor(
    database: Database,
    instanceId: string,
    lanes: number,
    typeRulesMaxBytes: number = LIMITS.typeRulesMaxBytes,
  ) {
    this.#database = database;
    this.#instanceId = instanceId;
    this.#lanes = Array.from({ length: lanes }, (_, number) => database.lane(`lane-${number}`));
    this.#measurementIds = new MeasurementIds(database);
    this.#partitions = new TelemetryPartitions(database, 'telemetry');
    this.typeRules = new TypeRulesCache(database, typeRulesMaxBytes);
  }

  async load(addresses: readonly DeviceAddress[]): Promise<(DeviceRecord | undefined)[]> {
    const tenants = addresses.map(address => address.tenant);
    const devices = addresses.map(address => address.device);
    const rows = await this.#database.query<Loaded>(LOAD_SQL, [tenants, devices]).catch(rethrowAsStoreError);
    const newest = await this.#newestOf(rows).catch(rethrowAsStoreError);
    const rules = await this.#rulesOf(rows).catch(rethrowAsStoreError);
    const records = new Map(rows.map((row, at) => [row.key, recordOf(row, newest[at]!, rules[at]!)]));
    return addresses.map(address => records.get(address.key));
  }

  async commit(lane: number, effects: readonly Effects[], careful: boolean): Promise<boolean[]> {
    const fence: Step = { kind: 'query', sql: FENCE_SQL, params: [this.#instanceId, lane], expectRows: 1 };
    const news = effects.map(one => one.twin !== null || one.commands.length > 0 || isOnlyOutcome(one));
    try {
      await this.#learn(effects);
      const all = [
        datapointSteps(effects, careful, this.#idOf, this.#tableOf, news),
        seriesSteps(effects, this.#idOf, Date.now()),
        commandSteps(effects),
        deadLetterSteps(effects),
        replayedSteps(effects),
        sessionSteps(effects),
        twinSteps(effects),
        historySteps(effects),
        eventSteps(effects),
        activationSteps(effects),
      ];
      const [, ...rows] = await this.#lanes[lane]!.commit([fence, ...all.flatMap(one => one.steps)]);
      for (const { steps, tellNews } of all) {
        const own = rows.splice(0, steps.length);
        tellNews?.(own, news);
      }
      return news;
    } catch (error) {
      if (error instanceof DatabaseError && isRemovedPartition(error.code, error.where)) {
        this.#partitions.forget();
        throw new StoreError('unavailable', 'a partition was removed meanwhile', error);
      }
      return rethrowAsStoreError(error);
    }
  }

  due(shards: readonly number[], resume: boolean, after: number, limit: number): Promise<Due> {
    return readDue(this.#database, shards, resume, after, limit).catch(rethrowAsStoreError);
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(lane => lane.close()));
  }

  /** Names that have no number yet, and days that have no partition yet. */
  async #learn(effects: readonly Effects[]): Promise<void> {
    const unknown: { tenantId: number; measurement: string }[] = [];
    let days: Set<number> | undefined;
    let last: number | undefined;
    for (const { tenantId, datapoints } of effects)
      for (const { measurement, tsUs } of datapoints) {
        if (this.#measurementIds.get(tenantId, measurement) === undefined) unknown.push({ tenantId, measurement });
        const day = dayOf(tsUs);
        // Nearly all are of one day.
        if (day === last) continue;
        last = day;
        if (this.#partitions.get(day) !== undefined) continue;
        days ??= new Set();
        days.add(day);
      }
    if (unknown.length > 0) await this.#measurementIds.learn(unknown);
    if (days !== undefined) await this.#partitions.make(days);
  }

  /** The newest microsecond of each measurement of each row; 0: none. */
  async #newestOf(rows: readonly Loaded[]): Promise<number[][]> {
    const newest = rows.map(row => (row.series ?? []).map(() => 0));
    const places: [row: number, measurement: number][] = [];
    const asked = rows.flatMap(({ device_uid: device, series }, row) =>
      (series ?? []).map(([, measurement, day], at) => {
        places.push([row, at]);
        return { device, measurement, day };
      }),
    );
    if (asked.length === 0) return newest;
    for (const { place, us } of await readNewest(this.#database, asked)) {
      const [row, at] = places[place]!;
      newest[row]![at] = us;
    }
    return newest;
  }

  /** Of each row; null: the device has no type. */
  async #rulesOf(rows: readonly Loaded[]): Promise<(TypeRules | null)[]> {
    const names = rows.map(({ tenant_id: tenantId, device_type: type }) => (type === null ? null : { tenantId, type }));
    const known = await this.typeRules.load(names.filter(name => name !== null));
    return names.map(name => (name === null ? null : known.get(typeKey(name))!));
  }

  readonly #tableOf = (day: number): string => this.#partitions.get(day) ?? 'telemetry';

  readonly #idOf = (tenantId: number, measurement: string): number => {
    const id = this.#measurementIds.get(tenantId, measurement);
    if (id === undefined) throw new StoreError('unavailable', 'more names in one transaction than are remembered');
    return id;
  };
}

function recordOf(row: Loaded, newestUs: number[], rules: TypeRules | null): DeviceRecord {
  const { session, instance_id: instanceId, address, connected, receives } = row;
  const series = row.series ?? [];
  return {
    tenantId: row.tenant_id,
    deviceUid: row.device_uid,
    state: row.state,
    measurements: series.map(one => one[0]),
    newestUs,
    session: session === null ? null : { session, instanceId, address, connected, receives },
    twin: twinOf(row),
    commands: row.commands?.map(commandRecordOf) ?? NONE,
    commandWindow: row.command_window,
    rules,
  };
}

/** There is nothing to store, so nothing that could be stored already: its sender is told what the outcome says. */
const isOnlyOutcome = ({ datapoints, deadLetter, session }: Effects): boolean =>
  datapoints.length === 0 && deadLetter === null && session === null;
