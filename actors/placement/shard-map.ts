import { SHARDS } from '../../contracts/addresses.ts';
import type { ClusterView, Holding, InstanceId, Moved } from '../../contracts/ownership.ts';

/** Who has a shard: the run of a process, where the bus finds it, and the epoch in which it has the shard. */
export type Owner = { readonly instance: InstanceId; readonly address: string; readonly epoch: number };

/** Runs of processes that ended: the last of them are remembered, for what was under way to them. */
const GONE_MAX = 1_000;

/** What this node knows of who owns what. It may be old: owners refuse what is not theirs, by instance and epoch. */
export class ShardMap {
  readonly #owners = new Array<Owner | undefined>(SHARDS).fill(undefined);
  readonly #epochs = new Float64Array(SHARDS).fill(-1);
  readonly #gone = new Set<InstanceId>();
  #live: ReadonlySet<InstanceId> = new Set();
  readonly #listeners: (() => void)[] = [];

  /** Undefined: nobody, as far as is known. */
  ownerOf(shard: number): Owner | undefined {
    return this.#owners[shard];
  }

  /** The newest epoch of the shard that this node has heard of. */
  epochOf(shard: number): number {
    return this.#epochs[shard]!;
  }

  countUnowned(): number {
    return this.#owners.reduce((count, owner) => count + (owner === undefined ? 1 : 0), 0);
  }

  /** Whether this instance is known to be closed: then what it was sent and has not answered is lost. */
  isGone(instance: InstanceId): boolean {
    return this.#gone.has(instance);
  }

  /** What the database says. */
  learn({ members, shards }: ClusterView): void {
    const byId = new Map(members.map(member => [member.instanceId, member]));
    // Who was there and is not any more was closed; so is who is only there because of what it held.
    for (const id of this.#live) if (!byId.has(id)) this.#gone.add(id);
    for (const { instanceId, state } of members) if (state === 'closed') this.#gone.add(instanceId);
    this.#live = new Set(members.filter(it => it.state !== 'closed').map(it => it.instanceId));
    for (const id of this.#gone) if (this.#gone.size > GONE_MAX) this.#gone.delete(id);
    for (const holding of shards) {
      const holder = holding.holder === null ? undefined : byId.get(holding.holder);
      this.#note(holding, holder && holder.state !== 'closed' ? holder : undefined);
    }
    this.#tell();
  }

  /** What another node says of its own shards. */
  heard(told: Moved): void {
    for (const { shard, epoch } of told.shards)
      this.#note({ shard, epoch }, { instanceId: told.instance, address: told.address });
    this.#tell();
  }

  /** Called after every change of what is known. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #note(
    { shard, epoch }: Pick<Holding, 'shard' | 'epoch'>,
    holder: { instanceId: InstanceId; address: string } | undefined,
  ): void {
    if (epoch < this.#epochs[shard]!) return;
    this.#epochs[shard] = epoch;
    const known = this.#owners[shard];
    if (known?.instance === holder?.instanceId && known?.epoch === epoch) return;
    this.#owners[shard] = holder && { instance: holder.instanceId, address: holder.address, epoch };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
