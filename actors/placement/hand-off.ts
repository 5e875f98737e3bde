import type { Holding, InstanceId, Member } from '../../contracts/ownership.ts';
import type { MembershipParts } from './membership.ts';

/** What this node has, and how it comes and goes. */
export class HandOff {
  readonly #parts: MembershipParts;
  /** Shards that the host serves, with the epoch in which it does. */
  readonly #served = new Map<number, number>();

  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#served.size;
  }

  /** Serves these, and tells everybody. */
  admit(holdings: readonly Holding[]): void {
    if (holdings.length === 0) return;
    const { host, instanceId, address } = this.#parts;
    for (const { shard, epoch } of holdings) this.#served.set(shard, epoch);
    host!.admit(holdings);
    this.#tell({ instanceId, address }, holdings);
  }

  /**
   * Brings what is served in line with the record. What it says is ours and is not served was given to us; or it is left from a transfer
   * of which nobody knows whether it happened. A new epoch makes sure that such a one can't happen later.
   */
  async reclaim(shards: readonly Holding[]): Promise<void> {
    const { instanceId, store, host } = this.#parts;
    const found = shards.filter(({ shard, holder }) => holder === instanceId && !this.#served.has(shard));
    if (found.length > 0) this.admit(await store.transfer(found, instanceId));
    const strange = shards.filter(
      ({ shard, holder, epoch }) => holder !== instanceId && (this.#served.get(shard) ?? epoch) < epoch,
    );
    if (strange.length === 0) return;
    for (const { shard } of strange) this.#served.delete(shard);
    await host!.release(strange.map(({ shard }) => shard));
  }

  /** Hands off what others should have, a few shards at a time: their devices wait meanwhile. */
  async give(members: readonly Member[], wanted: readonly InstanceId[]): Promise<void> {
    const { instanceId, limits } = this.#parts;
    for (const member of members) {
      if (member.instanceId === instanceId) continue;
      // In the epoch that it has now: it may have been reclaimed since the record was looked at.
      const theirs = [...this.#served]
        .filter(([shard]) => wanted[shard] === member.instanceId)
        .map(([shard, epoch]) => ({ shard, epoch, holder: instanceId }));
      for (let from = 0; from < theirs.length; from += limits.handOffShards)
        await this.#transfer(theirs.slice(from, from + limits.handOffShards), member);
    }
  }

  async #transfer(given: readonly Holding[], to: Member): Promise<void> {
    const { host, store, onEvent } = this.#parts;
    await host!.release(given.map(({ shard }) => shard));
    for (const { shard } of given) this.#served.delete(shard);
    const moved = await store.transfer(given, to.instanceId);
    onEvent?.('handed off shards', { count: moved.length, to: to.nodeId });
    this.#tell(to, moved);
  }

  #tell({ instanceId, address }: Pick<Member, 'instanceId' | 'address'>, holdings: readonly Holding[]): void {
    if (holdings.length === 0) return;
    const moved = { instance: instanceId, address, shards: holdings.map(({ shard, epoch }) => ({ shard, epoch })) };
    this.#parts.shards.heard(moved);
    this.#parts.announce(moved);
  }
}
