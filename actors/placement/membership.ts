import type { Limits } from '../../contracts/limits.ts';
import type { ClusterView, Holding, InstanceId, Member, Moved, OwnershipStore } from '../../contracts/ownership.ts';
import type { Host } from '../runtime/host.ts';
import { type Clock, pause, type Scheduler } from '../runtime/ports.ts';
import { HandOff } from './hand-off.ts';
import { Lease } from './lease.ts';
import { place } from './placement.ts';
import type { ShardMap } from './shard-map.ts';

export type MembershipParts = {
  readonly store: OwnershipStore;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: Limits;
  readonly instanceId: InstanceId;
  readonly address: string;
  /** Null: this node hosts no actors, it only wants to know who does. */
  readonly host: Pick<Host, 'admit' | 'release'> | null;
  readonly shards: ShardMap;
  /** Whether the bus is connected. */
  readonly isReachable: () => boolean;
  readonly announce: (moved: Moved) => void;
  /** Another instance took over: this process has to end. */
  readonly onFenced: () => void;
  /** For the log. */
  readonly onEvent?: (what: string, about: Readonly<Record<string, unknown>>) => void;
};

export type Condition = {
  readonly condition: 'healthy' | 'degraded' | 'unhealthy';
  readonly detail: string;
  /** Nodes that may own shards, and how many shards this one has. */
  readonly nodes: number;
  readonly shards: number;
  readonly reachable: number;
};

/**
 * One node's part in deciding who owns what. In rounds it looks at the record of ownership, takes over from instances whose lease ran
 * out, takes the shards that it should have and nobody holds, and hands off those that others should have.
 */
export class Membership {
  readonly #parts: MembershipParts;
  readonly #lease: Lease;
  readonly #handOff: HandOff;
  #members = '';
  #count = 0;
  #hasLapsed = false;
  /** The last look at the record failed: said once, not every second. */
  #isBlind = false;
  #sameSinceMs: number;
  #reachedAtMs: number;
  #isLeaving = false;
  #isAlone = false;
  #stopped = false;
  #round: Promise<void> | undefined;
  #again = false;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#sameSinceMs = parts.clock.elapsedMs();
    this.#reachedAtMs = this.#sameSinceMs;
    this.#handOff = new HandOff(parts);
    this.#lease = new Lease({
      ...parts,
      status: () => ({ reachable: parts.isReachable(), leaving: this.#isLeaving }),
      lapsed: isLapsed => {
        this.#hasLapsed = isLapsed;
        parts.onEvent?.(isLapsed ? 'lease ran out' : 'lease is good again', {});
      },
      lost: () => this.#fenced(),
    });
  }

  /** Begins. Resolves after the first look, whether or not the database could be asked. */
  async start(): Promise<void> {
    this.#lease.start();
    await this.#look();
    void this.#run();
  }

  /** For a process that nobody can share its database with: it has all shards, for as long as it runs. */
  startAlone(holdings: readonly Holding[]): void {
    const { instanceId, address, shards } = this.#parts;
    const myself = {
      instanceId,
      address,
      nodeId: address,
      state: 'open',
      hosts: true,
      reachable: true,
      leaseMs: 0,
    } as const;
    shards.learn({ members: [myself], shards: holdings });
    this.#isAlone = true;
    this.#count = 1;
    this.#handOff.admit(holdings);
  }

  /** Hands off everything, as far as there is somebody to take it. From then on it takes nothing. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    if (this.#isAlone || this.#stopped) return;
    const { clock, scheduler, limits } = this.#parts;
    const untilMs = clock.elapsedMs() + limits.leaseSeconds * 1_000;
    await this.#round;
    await this.#lease.renew();
    while (!this.#stopped && clock.elapsedMs() < untilMs) {
      await this.#look();
      if (this.#handOff.count === 0 || !this.#hasHeirs) return;
      await pause(scheduler, limits.ownershipPollMs / 4);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#lease.stop();
  }

  /** Whether what this process has in memory is still the newest: nobody else may have its shards before its lease has run out. */
  get isCurrent(): boolean {
    return this.#isAlone || this.#lease.isGood;
  }

  /** How it is; `unhealthy`: nothing should be sent to this node just now. */
  condition(): Condition {
    const { host, isReachable } = this.#parts;
    const figures = { nodes: this.#count, shards: this.#handOff.count, reachable: isReachable() ? 1 : 0 };
    if (this.#stopped || this.#isLeaving) return { condition: 'unhealthy', detail: 'It is leaving', ...figures };
    if (this.#hasLapsed)
      return { condition: 'unhealthy', detail: 'Its lease ran out: the database does not answer', ...figures };
    if (isReachable()) return { condition: 'healthy', detail: '', ...figures };
    const isUseless = host === null || this.#handOff.count === 0;
    return {
      condition: isUseless ? 'unhealthy' : 'degraded',
      detail: 'It is cut off from the other nodes',
      ...figures,
    };
  }

  /** Another node says that shards moved. */
  heard(moved: Moved): void {
    this.#parts.shards.heard(moved);
    if (moved.instance === this.#parts.instanceId) void this.#look();
  }

  get #hasHeirs(): boolean {
    return this.#members !== '';
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await pause(this.#parts.scheduler, this.#parts.limits.ownershipPollMs);
      if (!this.#stopped && !this.#isLeaving) await this.#look();
    }
  }

  /** One round at a time; who asks during one gets another one after it. */
  async #look(): Promise<void> {
    if (this.#round) {
      this.#again = true;
      await this.#round;
      return;
    }
    do {
      this.#again = false;
      this.#round = this.#once().catch(error => {
        // The database is away. The next round tries again.
        if (!this.#isBlind)
          this.#parts.onEvent?.('could not look at who owns what', { reason: (error as Error).message });
        this.#isBlind = true;
      });
      await this.#round;
    } while (this.#again && !this.#stopped);
    this.#round = undefined;
  }

  async #once(): Promise<void> {
    const { store, shards, instanceId } = this.#parts;
    if (this.#stopped) return;
    const view = await store.view();
    if (this.#stopped) return;
    if (this.#isBlind) this.#parts.onEvent?.('can look again at who owns what', {});
    this.#isBlind = false;
    shards.learn(view);
    if (view.members.some(it => it.instanceId === instanceId && it.state === 'closed')) {
      this.#fenced();
      return;
    }
    const live = await this.#takeOver(view);
    const eligible = this.#eligible(live);
    this.#notice(eligible);
    if (this.#parts.host === null || this.#stopped) return;
    const wanted = place(eligible, view.shards);
    await this.#handOff.reclaim(view.shards);
    await this.#takeFree(live, view.shards, wanted);
    if (this.#mayGive(eligible)) await this.#handOff.give(eligible, wanted);
  }

  /**
   * Those whose lease ran out are closed: first the session, then the lanes, so that nothing of theirs can be committed any more.
   * Answers who is left.
   */
  async #takeOver({ members, shards }: ClusterView): Promise<Member[]> {
    const { store, onEvent } = this.#parts;
    const live: Member[] = [];
    for (const member of members) {
      const { instanceId, nodeId, state } = member;
      if (state !== 'closed' && !(await this.#isDead(member))) {
        live.push(member);
        continue;
      }
      if (state !== 'closed') onEvent?.('closed a session whose lease ran out', { node: nodeId, instance: instanceId });
      if (shards.some(it => it.holder === instanceId)) await store.closeLanes(instanceId);
    }
    return live;
  }

  /** Whether its session is closed now. After an outage of the database others are given the time of a lease to come back. */
  async #isDead({ instanceId, leaseMs }: Member): Promise<boolean> {
    const { store, limits } = this.#parts;
    if (this.#stopped || instanceId === this.#parts.instanceId || leaseMs >= -limits.leaseGraceMs) return false;
    if (this.#lease.contactMs < limits.leaseSeconds * 1_000) return false;
    return store.closeExpired(instanceId, limits.leaseGraceMs);
  }

  /** Who may have shards: those that the bus reaches, unless it reaches nobody. */
  #eligible(live: readonly Member[]): Member[] {
    const isLeaving = ({ instanceId, state }: Member) =>
      state === 'leaving' || (this.#isLeaving && instanceId === this.#parts.instanceId);
    const open = live.filter(it => it.hosts && !isLeaving(it));
    const reachable = open.filter(it => it.reachable);
    return reachable.length > 0 ? reachable : open;
  }

  #notice(eligible: readonly Member[]): void {
    const now = eligible
      .map(it => it.instanceId)
      .sort()
      .join();
    if (now === this.#members) return;
    this.#members = now;
    this.#count = eligible.length;
    this.#sameSinceMs = this.#parts.clock.elapsedMs();
    this.#parts.onEvent?.('the nodes that own shards', { nodes: eligible.map(it => it.nodeId) });
  }

  async #takeFree(live: readonly Member[], shards: readonly Holding[], wanted: readonly InstanceId[]): Promise<void> {
    const { store, instanceId, onEvent } = this.#parts;
    const held = new Set(live.map(it => it.instanceId));
    const free = shards.filter(
      ({ shard, holder }) => wanted[shard] === instanceId && (holder === null || !held.has(holder)),
    );
    if (free.length === 0) return;
    const taken = await store.take(free);
    if (taken.length > 0) onEvent?.('took shards', { count: taken.length });
    this.#handOff.admit(taken);
  }

  /**
   * Healthy shards move when the nodes have been the same for a while; those of one that leaves, at once. One that the bus does not
   * reach waits for a lease first: if the bus is away for all, the others have said so by then.
   */
  #mayGive(eligible: readonly Member[]): boolean {
    const { clock, limits, instanceId, isReachable } = this.#parts;
    if (isReachable()) this.#reachedAtMs = clock.elapsedMs();
    if (eligible.length === 0) return false;
    if (this.#isLeaving) return true;
    if (!eligible.some(it => it.instanceId === instanceId))
      return clock.elapsedMs() - this.#reachedAtMs >= limits.leaseSeconds * 1_000;
    return clock.elapsedMs() - this.#sameSinceMs >= limits.membershipStableSeconds * 1_000;
  }

  #fenced(): void {
    if (this.#stopped) return;
    this.stop();
    this.#parts.onFenced();
  }
}
