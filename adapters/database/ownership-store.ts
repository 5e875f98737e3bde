import type { Limits } from '../../contracts/limits.ts';
import type { ClusterView, Holding, InstanceId, Member, OwnershipStore } from '../../contracts/ownership.ts';
import type { Database, Lane } from './database.ts';
import {
  CLOSE_EXPIRED_SQL,
  CLOSE_LANES_SQL,
  RENEW_SQL,
  TAKE_SQL,
  TRANSFER_SQL,
  VIEW_SQL,
} from './ownership-store.sql.ts';
import { rethrowAsStoreError } from './store-errors.ts';

type ViewRow = {
  members: (Omit<Member, 'leaseMs'> & { leaseMs: number | string })[];
  version: number;
  numbers: number[] | null;
  epochs: number[] | null;
  holders: (string | null)[] | null;
};
type Shards = { readonly version: number; readonly holdings: readonly Holding[] };

/** The record of ownership in the database, as one run of a process (whose session is open already) sees and changes it. */
export class DatabaseOwnershipStore implements OwnershipStore {
  readonly #database: Database;
  readonly #instanceId: InstanceId;
  readonly #leaseSeconds: number;
  /** The lease has a connection of its own: it must not run out because renewals wait behind queries. */
  readonly #leaseLane: Lane;
  #lastSeen: Shards | undefined;

  constructor(database: Database, instanceId: InstanceId, { leaseSeconds }: Pick<Limits, 'leaseSeconds'>) {
    this.#database = database;
    this.#instanceId = instanceId;
    this.#leaseSeconds = leaseSeconds;
    this.#leaseLane = database.lane('lease');
  }

  async renew({ reachable, leaving }: { readonly reachable: boolean; readonly leaving: boolean }): Promise<boolean> {
    const params = [this.#instanceId, reachable, leaving ? 'leaving' : 'open', this.#leaseSeconds];
    const [rows] = await this.#leaseLane.commit([{ kind: 'query', sql: RENEW_SQL, params }]).catch(rethrowAsStoreError);
    return rows!.length === 1;
  }

  async view(): Promise<ClusterView> {
    const lastSeen = this.#lastSeen;
    const rows = await this.#database.query<ViewRow>(VIEW_SQL, [lastSeen?.version ?? null]).catch(rethrowAsStoreError);
    const { members, ...found } = rows[0]!;
    const shards = shardsOf(found) ?? lastSeen!;
    this.#lastSeen = shards;
    // The lease of a process that is alone on its database has no end, which JSON says as text.
    return { members: members.map(one => ({ ...one, leaseMs: Number(one.leaseMs) })), shards: shards.holdings };
  }

  async closeExpired(instance: InstanceId, graceMs: number): Promise<boolean> {
    return (await this.#query(CLOSE_EXPIRED_SQL, [instance, graceMs])).length === 1;
  }

  async closeLanes(instance: InstanceId): Promise<void> {
    await this.#query(CLOSE_LANES_SQL, [instance]);
  }

  take(shards: readonly Holding[]): Promise<Holding[]> {
    return this.#query<Holding>(TAKE_SQL, [this.#instanceId, ...columnsOf(shards)]);
  }

  transfer(shards: readonly Holding[], to: InstanceId | null): Promise<Holding[]> {
    return this.#query<Holding>(TRANSFER_SQL, [this.#instanceId, ...columnsOf(shards), to]);
  }

  /** Ends the connection of the lease. */
  close(): Promise<void> {
    return this.#leaseLane.close();
  }

  #query<R extends Record<string, unknown>>(sql: string, params: readonly unknown[]): Promise<R[]> {
    return this.#database.query<R>(sql, params).catch(rethrowAsStoreError);
  }
}

/** Undefined: the same as last time. */
function shardsOf({ version, numbers, epochs, holders }: Omit<ViewRow, 'members'>): Shards | undefined {
  if (numbers === null) return undefined;
  return {
    version,
    holdings: numbers.map((shard, i) => ({ shard, epoch: epochs![i]!, holder: holders![i]! })),
  };
}

const columnsOf = (shards: readonly Holding[]): [number[], number[]] => [
  shards.map(one => one.shard),
  shards.map(one => one.epoch),
];
