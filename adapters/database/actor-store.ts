import type { DeviceRecord, Due, Effects, Store } from '../../contracts/store.ts';
import { StoreError } from '../../contracts/store.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import { activationSteps } from './activations.ts';
import { FENCE_SQL, LOAD_SQL } from './actor-store.sql.ts';
import { type CommandRow, commandRecordOf } from './command-rows.ts';
import { commandSteps } from './commands.ts';
import type { Database, Lane, Step } from './database.ts';
import { datapointSteps, measurementSteps } from './datapoints.ts';
import { deadLetterSteps } from './dead-letters.ts';
import { sessionSteps } from './device-sessions.ts';
import { readDue } from './due.ts';
import { eventSteps } from './events.ts';
import { MeasurementIds } from './measurement-ids.ts';
import { rethrowAsStoreError } from './store-errors.ts';
import { historySteps } from './twin-steps.ts';
import { type NoTwinRow, type TwinRow, twinOf, twinSteps } from './twins.ts';

const NONE: readonly never[] = [];

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
  receives: number;
  command_window: number | null;
  commands: CommandRow[] | null;
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
    const news = effects.map(one => one.twin !== null || one.commands.length > 0 || isOnlyOutcome(one));
    try {
      await this.#learnNames(effects);
      const all = [
        datapointSteps(effects, careful, this.#idOf, news),
        measurementSteps(effects, this.#idOf),
        commandSteps(effects),
        deadLetterSteps(effects),
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
      return rethrowAsStoreError(error);
    }
  }

  due(shards: readonly number[], resume: boolean, after: number, limit: number): Promise<Due> {
    return readDue(this.#database, shards, resume, after, limit).catch(rethrowAsStoreError);
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

  readonly #idOf = (tenantId: number, measurement: string): number => {
    const id = this.#measurementIds.get(tenantId, measurement);
    if (id === undefined) throw new StoreError('unavailable', 'more names in one transaction than are remembered');
    return id;
  };
}

function recordOf(row: Loaded): DeviceRecord {
  const { session, instance_id: instanceId, address, connected, receives } = row;
  const series = row.series ?? [];
  return {
    tenantId: row.tenant_id,
    deviceUid: row.device_uid,
    state: row.state,
    measurements: series.map(one => one[0]),
    newestUs: series.map(one => one[1]),
    session: session === null ? null : { session, instanceId, address, connected, receives },
    twin: twinOf(row),
    commands: row.commands?.map(commandRecordOf) ?? NONE,
    commandWindow: row.command_window,
  };
}

/** There is nothing to store, so nothing that could be stored already: its sender is told what the outcome says. */
const isOnlyOutcome = ({ datapoints, deadLetter, session }: Effects): boolean =>
  datapoints.length === 0 && deadLetter === null && session === null;
