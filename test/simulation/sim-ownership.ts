/** The tables of who owns what: sessions with their leases, lanes with their locks, shards with their epochs. */
import { SHARDS } from '../../contracts/addresses.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { ClusterView, Holding, InstanceId, Member } from '../../contracts/ownership.ts';

type Session = Omit<Member, 'leaseMs'> & { readonly expiresAtMs: number };

/** Mutations of the record of ownership: what a broken database layer would do. */
export type OwnershipFaults = { readonly takeFromAnybodyClosed?: boolean };

/** A row of `node_lane`. Whoever changes it holds its lock until the end of the transaction. */
export class LaneRow {
  open = true;
  #locked = false;
  #waiters: (() => void)[] = [];

  /** Calls back with the lock: at once, or when those before have let go. */
  lock(taken: () => void): void {
    if (this.#locked) this.#waiters.push(taken);
    else {
      this.#locked = true;
      taken();
    }
  }

  /** Whoever waits and gave up. */
  leave(waiter: () => void): void {
    this.#waiters = this.#waiters.filter(other => other !== waiter);
  }

  unlock(): void {
    const next = this.#waiters.shift();
    if (next) next();
    else this.#locked = false;
  }
}

export class SimOwnership {
  readonly #limits: Limits;
  readonly #nowMs: () => number;
  readonly #faults: OwnershipFaults;
  readonly #sessions = new Map<InstanceId, Session>();
  readonly #lanes = new Map<InstanceId, LaneRow[]>();
  readonly shards: Holding[] = Array.from({ length: SHARDS }, (_, shard) => ({ shard, epoch: 0, holder: null }));

  constructor(limits: Limits, nowMs: () => number, faults: OwnershipFaults) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#faults = faults;
  }

  session(instance: InstanceId): Session | undefined {
    return this.#sessions.get(instance);
  }

  /** Its lease runs, and its session is not closed. */
  isLive(instance: InstanceId): boolean {
    const row = this.#sessions.get(instance);
    return row !== undefined && row.state !== 'closed' && row.expiresAtMs > this.#nowMs();
  }

  lanes(instance: InstanceId): readonly LaneRow[] {
    return this.#lanes.get(instance) ?? [];
  }

  /** A session of this name that exists already is opened again: only a mutation gives two runs one name. */
  open(instanceId: InstanceId, nodeId: string, address: string): void {
    this.#sessions.set(instanceId, {
      instanceId,
      nodeId,
      address,
      state: 'open',
      hosts: true,
      reachable: true,
      expiresAtMs: this.#leaseEndMs(),
    });
    const known = this.#lanes.get(instanceId);
    for (const lane of known ?? []) lane.open = true;
    if (!known)
      this.#lanes.set(
        instanceId,
        Array.from({ length: this.#limits.lanes }, () => new LaneRow()),
      );
  }

  renew(instance: InstanceId, status: { reachable: boolean; leaving: boolean }): boolean {
    const row = this.#sessions.get(instance);
    if (!row || row.state === 'closed') return false;
    const state = status.leaving ? 'leaving' : 'open';
    this.#sessions.set(instance, { ...row, state, reachable: status.reachable, expiresAtMs: this.#leaseEndMs() });
    return true;
  }

  view(): ClusterView {
    const holders = new Set(this.shards.map(it => it.holder));
    const members = [...this.#sessions.values()]
      .filter(it => it.state !== 'closed' || holders.has(it.instanceId))
      .map(({ expiresAtMs, ...it }) => ({ ...it, leaseMs: expiresAtMs - this.#nowMs() }));
    return { members, shards: this.shards.slice() };
  }

  closeExpired(instance: InstanceId, graceMs: number): boolean {
    const row = this.#sessions.get(instance);
    if (!row) return true;
    if (row.state !== 'closed' && row.expiresAtMs + graceMs <= this.#nowMs()) this.close(instance);
    return this.#sessions.get(instance)!.state === 'closed';
  }

  close(instance: InstanceId): void {
    this.#sessions.set(instance, { ...this.#sessions.get(instance)!, state: 'closed' });
  }

  take(instance: InstanceId, wanted: readonly Holding[]): Holding[] {
    if (this.#isClosed(instance)) return [];
    return this.#give(wanted, instance, it => it.holder === null || this.#isOver(it.holder));
  }

  transfer(instance: InstanceId, wanted: readonly Holding[], to: InstanceId | null): Holding[] {
    if (this.#isClosed(instance)) return [];
    if (to !== null && this.#sessions.get(to)?.state !== 'open') return [];
    return this.#give(wanted, to, it => it.holder === instance);
  }

  #give(wanted: readonly Holding[], to: InstanceId | null, may: (it: Holding) => boolean): Holding[] {
    const given: Holding[] = [];
    for (const { shard, epoch } of wanted) {
      const now = this.shards[shard]!;
      if (now.epoch !== epoch || !may(now)) continue;
      this.shards[shard] = { shard, epoch: epoch + 1, holder: to };
      given.push(this.shards[shard]!);
    }
    return given;
  }

  /** Its session is closed, and none of its lanes can commit any more. */
  #isOver(holder: InstanceId): boolean {
    if (!this.#isClosed(holder)) return false;
    return this.#faults.takeFromAnybodyClosed === true || !this.lanes(holder).some(lane => lane.open);
  }

  #isClosed(instance: InstanceId): boolean {
    return this.#sessions.get(instance)?.state === 'closed';
  }

  #leaseEndMs(): number {
    return this.#nowMs() + this.#limits.leaseSeconds * 1_000;
  }
}
