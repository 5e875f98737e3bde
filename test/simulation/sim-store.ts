/** The database as one process reaches it: every call takes time, and may fail before, in or after what it does. */
import type { Limits } from '../../contracts/limits.ts';
import type { ClusterView, Holding, InstanceId, OwnershipStore } from '../../contracts/ownership.ts';
import { type DeviceRecord, type Due, type Effects, type Store, StoreError } from '../../contracts/store.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import type { Chance } from './chance.ts';
import { EPOCH_MS } from './messages.ts';
import type { Noise } from './plan.ts';
import type { Life, SimClock } from './sim-clock.ts';
import type { SimDatabase } from './sim-database.ts';
import type { SimLink } from './sim-link.ts';
import { StoreConnection } from './store-connection.ts';

export type StoreParts = {
  readonly database: SimDatabase;
  readonly link: SimLink;
  readonly life: Life;
  readonly clock: SimClock;
  readonly chance: Chance;
  readonly noise: Noise;
  readonly limits: Limits;
  readonly instanceId: InstanceId;
  /** Told when devices were read: in which epochs of their shards. */
  readonly read: (addresses: readonly DeviceAddress[]) => void;
};

const unavailable = () => new StoreError('unavailable', 'no answer');
const unknown = () => new StoreError('outcome_unknown', 'the connection broke');

export class SimStore implements Store, OwnershipStore {
  readonly #parts: StoreParts;
  readonly #lanes: (StoreConnection | undefined)[] = [];
  readonly #connections = new Set<StoreConnection>();

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  /** The process ended: its kernel closes what it had. */
  die(): void {
    for (const connection of this.#connections) connection.close();
  }

  load(addresses: readonly DeviceAddress[]): Promise<(DeviceRecord | undefined)[]> {
    return this.#query(database => {
      this.#parts.read(addresses);
      return database.tables.load(addresses);
    });
  }

  due(shards: readonly number[], resume: boolean, after: number, limit: number): Promise<Due> {
    const { clock } = this.#parts;
    return this.#query(({ tables, ownership }) => {
      const page = { after, limit, nowMs: EPOCH_MS + clock.nowMs };
      return tables.due(shards, resume, page, instance => ownership.isLive(instance));
    });
  }

  /** As the product does it: the statements in one trip, the COMMIT in another. */
  async commit(lane: number, effects: readonly Effects[], careful: boolean): Promise<boolean[]> {
    const { database, chance, noise, instanceId, limits } = this.#parts;
    if (chance.happens(noise.storeFail)) throw unavailable();
    const connection = this.#laneConnection(lane);
    const patienceMs = 2 * limits.laneStatementTimeoutMs;
    await this.#limited(connection, patienceMs, () =>
      connection.request<void>(unavailable, (end, answer) =>
        database.begin(end, { instance: instanceId, lane, effects, careful }, answer),
      ),
    );
    const loseReply = chance.happens(noise.storeLostReply);
    return this.#limited(connection, patienceMs, () =>
      connection.request<boolean[]>(unknown, (end, answer) => database.commit(end, answer), loseReply),
    );
  }

  openSession(nodeId: string, address: string): Promise<void> {
    return this.#query(({ ownership }) => ownership.open(this.#parts.instanceId, nodeId, address));
  }

  /** At the end of an orderly stop. */
  async closeSession(): Promise<void> {
    const { instanceId } = this.#parts;
    await this.#query(({ ownership }) => ownership.close(instanceId));
    await this.closeLanes(instanceId);
  }

  renew(status: { reachable: boolean; leaving: boolean }): Promise<boolean> {
    return this.#query(({ ownership }) => ownership.renew(this.#parts.instanceId, status));
  }

  view(): Promise<ClusterView> {
    return this.#query(({ ownership }) => ownership.view());
  }

  closeExpired(instance: InstanceId, graceMs: number): Promise<boolean> {
    return this.#query(({ ownership }) => ownership.closeExpired(instance, graceMs));
  }

  closeLanes(instance: InstanceId): Promise<void> {
    return this.#once<void>((database, connection) =>
      connection.request(unknown, (end, answer) => database.closeLanes(end, instance, answer)),
    );
  }

  take(shards: readonly Holding[]): Promise<Holding[]> {
    return this.#query(({ ownership }) => ownership.take(this.#parts.instanceId, shards));
  }

  transfer(shards: readonly Holding[], to: InstanceId | null): Promise<Holding[]> {
    return this.#query(({ ownership }) => ownership.transfer(this.#parts.instanceId, shards, to));
  }

  #query<T>(work: (database: SimDatabase) => T): Promise<T> {
    const { chance, noise } = this.#parts;
    const loseReply = chance.happens(noise.storeLostReply);
    return this.#once<T>((database, connection) =>
      connection.request(unknown, (end, answer) => database.query(end, () => work(database), answer), loseReply),
    );
  }

  async #once<T>(work: (database: SimDatabase, connection: StoreConnection) => Promise<T>): Promise<T> {
    const { database, chance, noise, limits } = this.#parts;
    if (chance.happens(noise.storeFail)) throw unavailable();
    const connection = this.#connect();
    try {
      return await this.#limited(connection, limits.queryTimeoutMs, () => work(database, connection));
    } finally {
      // The connection goes back to its pool; here it is simply forgotten.
      this.#connections.delete(connection);
    }
  }

  /** A connection that does not answer in time is thrown away. */
  async #limited<T>(connection: StoreConnection, timeoutMs: number, work: () => Promise<T>): Promise<T> {
    const { clock, life } = this.#parts;
    const cancel = clock.after(timeoutMs, life, () => {
      this.#connections.delete(connection);
      connection.close();
    });
    try {
      return await work();
    } finally {
      cancel();
    }
  }

  #laneConnection(lane: number): StoreConnection {
    const known = this.#lanes[lane];
    if (known && !known.isBroken) return known;
    if (known) this.#connections.delete(known);
    const connection = this.#connect();
    this.#lanes[lane] = connection;
    return connection;
  }

  #connect(): StoreConnection {
    const connection = new StoreConnection(this.#parts.database, this.#parts.link);
    this.#connections.add(connection);
    return connection;
  }
}
