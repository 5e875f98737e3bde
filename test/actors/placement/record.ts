import { SHARDS } from '../../../contracts/addresses.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { Holding, InstanceId, Member, OwnershipStore } from '../../../contracts/ownership.ts';
import { StoreError } from '../../../contracts/store.ts';

type Session = Omit<Member, 'leaseMs' | 'state'> & { state: Member['state']; untilMs: number; lanesOpen: boolean };
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The record of ownership in memory, for many nodes in one test. What the real one does is tested on real databases. */
export class Record {
  readonly shards: Mutable<Holding>[] = Array.from({ length: SHARDS }, (_, shard) => ({
    shard,
    epoch: 0,
    holder: null,
  }));
  readonly #sessions = new Map<InstanceId, Mutable<Session>>();
  isAway = false;
  readonly isAwayFor = new Set<InstanceId>();
  failTransfers = 0;
  failRenewals = false;

  join(nodeId: string, nowMs: number): InstanceId {
    const instanceId = `${nodeId}-${this.#sessions.size}`;
    const untilMs = nowMs + LIMITS.leaseSeconds * 1_000;
    this.#sessions.set(instanceId, {
      ...{ instanceId, nodeId, address: nodeId, state: 'open', hosts: true, reachable: true, untilMs, lanesOpen: true },
    });
    return instanceId;
  }

  heldBy(instance: InstanceId): number {
    return this.shards.filter(it => it.holder === instance).length;
  }

  close(instance: InstanceId): void {
    const session = this.#sessions.get(instance)!;
    session.state = 'closed';
    session.lanesOpen = false;
  }

  /** @param steps notes what was asked for */
  client(own: InstanceId, nowMs: () => number, steps: string[]): OwnershipStore {
    const ask = (name: string) => {
      steps.push(name);
      if (this.isAway || this.isAwayFor.has(own)) throw new StoreError('unavailable', 'the test says so');
    };
    const me = () => this.#sessions.get(own)!;
    const isFree = (holder: InstanceId | null) => {
      const session = holder === null ? undefined : this.#sessions.get(holder);
      return !session || (session.state === 'closed' && !session.lanesOpen);
    };
    return {
      renew: async ({ reachable, leaving }) => {
        ask('renew');
        if (this.failRenewals) throw new StoreError('unavailable', 'the test says so');
        if (me().state === 'closed') return false;
        Object.assign(me(), {
          reachable,
          state: leaving ? 'leaving' : 'open',
          untilMs: nowMs() + LIMITS.leaseSeconds * 1_000,
        });
        return true;
      },
      view: async () => {
        ask('view');
        const holders = new Set(this.shards.map(it => it.holder));
        const members = [...this.#sessions.values()].filter(it => it.state !== 'closed' || holders.has(it.instanceId));
        return {
          members: members.map(({ untilMs, ...it }) => ({ ...it, leaseMs: untilMs - nowMs() })),
          shards: this.shards.map(it => ({ ...it })),
        };
      },
      closeExpired: async (instance, graceMs) => {
        ask('closeExpired');
        const session = this.#sessions.get(instance)!;
        if (session.untilMs + graceMs < nowMs()) session.state = 'closed';
        return session.state === 'closed';
      },
      closeLanes: async instance => {
        ask('closeLanes');
        this.#sessions.get(instance)!.lanesOpen = false;
      },
      take: async wanted => {
        ask('take');
        return this.#change(wanted, it => isFree(it.holder), own);
      },
      transfer: async (given, to) => {
        ask('transfer');
        if (this.failTransfers > 0) {
          this.failTransfers--;
          throw new StoreError('outcome_unknown', 'the test says so');
        }
        if (to !== null && this.#sessions.get(to)!.state !== 'open') return [];
        return this.#change(given, it => it.holder === own, to);
      },
    };
  }

  #change(wanted: readonly Holding[], may: (now: Holding) => boolean, holder: InstanceId | null): Holding[] {
    return wanted.flatMap(({ shard, epoch }) => {
      const now = this.shards[shard]!;
      if (now.epoch !== epoch || !may(now)) return [];
      Object.assign(now, { epoch: epoch + 1, holder });
      return [{ ...now }];
    });
  }
}
