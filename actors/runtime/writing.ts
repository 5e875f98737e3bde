import type { Output } from '../../contracts/downlinks.ts';
import type { Effects, Store } from '../../contracts/store.ts';
import { MOVED, NOT_OWNER, type Outcome, UNKNOWN, type Uplink } from '../../contracts/uplinks.ts';
import type { Surroundings } from '../device/surroundings.ts';
import type { HostParts } from './host-parts.ts';
import { type Entry, Lane, type LaneOwner } from './lane.ts';
import type { Residence } from './residence.ts';
import type { Severed } from './severed.ts';
import type { Settle, Slot } from './slot.ts';
import type { Slots } from './slots.ts';
import type { Tally } from './tally.ts';

export type WritingParts = Pick<
  HostParts,
  'clock' | 'scheduler' | 'limits' | 'onTwin' | 'onFenced' | 'acknowledgeBeforeCommit'
> & {
  readonly store: Store;
  readonly slots: Slots;
  readonly residence: Residence;
  readonly severed: Severed;
  readonly tally: Tally;
  readonly around: () => Surroundings;
  /** What these outputs depend on is stored. */
  readonly release: (outputs: readonly Output[]) => void;
  /** From here on nothing is taken. */
  readonly close: () => void;
};

/** The way of effects from an actor into the database, and of outcomes and outputs out again: what a host does for its lanes. */
export class Writing implements LaneOwner {
  readonly #parts: WritingParts;
  readonly #lanes: readonly Lane[];

  constructor(parts: WritingParts) {
    const { store, clock, scheduler, limits } = parts;
    this.#parts = parts;
    this.#lanes = Array.from(
      { length: limits.lanes },
      (_, number) => new Lane({ number, store, clock, scheduler, limits, owner: this }),
    );
  }

  figures(): { waitingInLanes: number; commits: number } {
    return {
      waitingInLanes: this.#lanes.reduce((sum, lane) => sum + lane.waiting, 0),
      commits: this.#lanes.reduce((sum, lane) => sum + lane.commits, 0),
    };
  }

  /** A shard always has the same lane, so a device's effects are written in their order. */
  add(slot: Slot, uplink: Uplink, effects: Effects, settle: Settle, sinceMs: number): void {
    const { residence, tally, acknowledgeBeforeCommit } = this.#parts;
    slot.inLane++;
    residence.enter(slot.address.shard);
    tally.unsettled++;
    if (acknowledgeBeforeCommit) settle(effects.outcome);
    this.#lanes[this.#laneOf(slot)]!.add({ slot, uplink, effects, settle, sinceMs });
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }

  committed(entry: Entry, outcome: Outcome): void {
    const { slot, effects } = entry;
    const { twin, outputs } = effects;
    if (twin !== null) {
      slot.twin = twin.record;
      this.#parts.onTwin?.(slot.address, twin.record);
    }
    this.settled(entry, outcome);
    if (outputs.length > 0) this.#parts.release(outputs);
  }

  settled({ slot, settle }: Entry, outcome: Outcome): void {
    const { tally, slots, residence, acknowledgeBeforeCommit } = this.#parts;
    slot.inLane--;
    tally.unsettled--;
    tally.count(outcome, settle);
    if (!acknowledgeBeforeCommit) settle(outcome);
    if (slot.waiting !== null) slots.reload(slot);
    residence.leave(slot.address.shard);
  }

  refused({ slot, uplink }: Entry): Effects {
    slot.doubtful = true;
    this.#parts.slots.hold(slot);
    const refusal = { reason: 'refused_by_database', detail: 'The database refused the content' } as const;
    return slot.actor!.refuse(uplink, refusal, this.#parts.around());
  }

  again({ slot, uplink, settle, sinceMs }: Entry): void {
    const { slots, residence } = this.#parts;
    slot.inLane--;
    slots.hold(slot).splice(slot.returned++, 0, { uplink, settle, sinceMs });
    slots.reload(slot);
    residence.leave(slot.address.shard);
  }

  lost(entries: readonly Entry[]): void {
    const { clock, severed, slots } = this.#parts;
    const nowMs = clock.nowMs();
    for (const { slot, uplink } of entries) {
      severed.cut(uplink, nowMs);
      slots.bar(slot);
    }
    for (const entry of entries) this.settled(entry, UNKNOWN);
  }

  resolved(lane: number): void {
    this.#parts.slots.unbar(slot => this.#laneOf(slot) === lane);
  }

  refusedByFence(entries: readonly Entry[]): void {
    for (const entry of entries) this.settled(entry, NOT_OWNER);
  }

  fenced(): void {
    const { close, slots, onFenced } = this.#parts;
    close();
    for (const lane of this.#lanes) lane.close(NOT_OWNER);
    // Nothing of this process can be under way any more, whatever it waited for.
    slots.unbar(() => true);
    slots.sendAllBack(MOVED);
    onFenced();
  }

  #laneOf({ address }: Slot): number {
    return address.shard % this.#lanes.length;
  }
}
