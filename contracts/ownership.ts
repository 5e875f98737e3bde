/**
 * Who owns which shard. Ownership lives in the database, where the data is: what a bus says of live nodes is an opinion.
 * Times are the database's, so that the clocks of the nodes do not matter.
 */

/** One run of one process. Never the name of a node: that one comes back after a restart. */
export type InstanceId = string;

/** A session: one run of a process that takes part. */
export type Member = {
  readonly instanceId: InstanceId;
  /** What the operator calls the node. */
  readonly nodeId: string;
  /** Where the bus finds this run: its Moleculer node id. */
  readonly address: string;
  /** `leaving`: it hands off its shards and takes no new ones. `closed`: it can't write any more, ever. */
  readonly state: 'open' | 'leaving' | 'closed';
  /** Whether it hosts actors, so that shards can be placed on it. */
  readonly hosts: boolean;
  /** Whether the bus reaches it, as it says itself. */
  readonly reachable: boolean;
  /** What is left of its lease, milliseconds; negative: it ran out that long ago. */
  readonly leaseMs: number;
};

export type Holding = {
  readonly shard: number;
  /** Rises at every change of holder. */
  readonly epoch: number;
  /** Null: nobody. The holder may be closed: then the shard is to be taken. */
  readonly holder: InstanceId | null;
};

export type ClusterView = {
  /** All that are not closed, and the closed ones that still hold shards. */
  readonly members: readonly Member[];
  /** All shards, in the order of their numbers. */
  readonly shards: readonly Holding[];
};

/** Shards that an instance has now, to be told to all routers. */
export type Moved = {
  readonly instance: InstanceId;
  readonly address: string;
  readonly shards: readonly { readonly shard: number; readonly epoch: number }[];
};

/** What one instance can do to the record of ownership. Every method rejects with a StoreError when it can't be done now. */
export interface OwnershipStore {
  /**
   * Prolongs the own lease and says how the instance is. False: the session is closed, so nothing can be written any more.
   * A lease that ran out and was closed by nobody is prolonged: the fence, not the clock, is what keeps writers apart.
   */
  renew(status: { readonly reachable: boolean; readonly leaving: boolean }): Promise<boolean>;
  view(): Promise<ClusterView>;
  /** Closes a session whose lease ran out at least `graceMs` ago. Answers whether it is closed now. */
  closeExpired(instance: InstanceId, graceMs: number): Promise<boolean>;
  /** Closes the lanes of a closed session, after a transaction of theirs that is in flight. Then it can't commit any more. */
  closeLanes(instance: InstanceId): Promise<void>;
  /**
   * Takes shards that nobody holds, or whose holder is closed and without open lanes, if their epoch is still the same.
   * Answers those that were taken, with their new epoch.
   */
  take(shards: readonly Holding[]): Promise<Holding[]>;
  /** Gives own shards to another open session (null: to nobody) with the next epoch. Answers those that were given. */
  transfer(shards: readonly Holding[], to: InstanceId | null): Promise<Holding[]>;
}
