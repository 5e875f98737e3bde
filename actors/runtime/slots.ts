import type { DeviceAddress } from '../../contracts/uplinks.ts';
import { MOVED, type Outcome } from '../../contracts/uplinks.ts';
import type { Residence } from './residence.ts';
import { newSlot, type Slot, type Waiting } from './slot.ts';

export type SlotsParts = {
  readonly residence: Residence;
  /** Its actor is to be loaded. */
  readonly load: (slot: Slot) => void;
  /** It is not in its place any more: another took it. */
  readonly replaced: (slot: Slot) => void;
  /** Nobody handled this one, and nobody will. */
  readonly back: (waiting: Waiting, outcome: Outcome) => void;
};

/** The devices of a host, and the uplinks that wait for their actors. */
export class Slots {
  readonly byKey = new Map<string, Slot>();
  readonly #parts: SlotsParts;
  readonly #waiting = new Set<Slot>();
  readonly #barred = new Set<Slot>();

  constructor(parts: SlotsParts) {
    this.#parts = parts;
  }

  of(address: DeviceAddress): Slot {
    const known = this.byKey.get(address.key);
    if (known && this.isCurrent(known)) return known;
    if (known) this.#parts.replaced(known);
    const slot = newSlot(address, this.#parts.residence.epochOf(address.shard)!);
    this.byKey.set(address.key, slot);
    this.reload(slot);
    return slot;
  }

  /** False: its shard was given away since, or is about to be. */
  isCurrent({ address, epoch }: Slot): boolean {
    return this.#parts.residence.stays(address.shard, epoch);
  }

  /** From here on its uplinks wait. */
  hold(slot: Slot): Waiting[] {
    this.#waiting.add(slot);
    slot.waiting ??= [];
    return slot.waiting;
  }

  /** From here on uplinks wait, until all effects are out of the lane and the actor is loaded again. */
  reload(slot: Slot): void {
    if (!this.isCurrent(slot)) return this.sendBack(slot, MOVED);
    this.hold(slot);
    if (slot.inLane === 0 && !slot.barred && !slot.loading) this.#parts.load(slot);
  }

  /** Its actor is there, or there is no such device. Answers what waited. */
  loaded(slot: Slot, exists: boolean): Waiting[] {
    const waiting = slot.waiting ?? [];
    slot.waiting = null;
    slot.returned = 0;
    slot.doubtful = false;
    this.#waiting.delete(slot);
    if (!exists) this.byKey.delete(slot.address.key);
    return waiting;
  }

  /** Not to be loaded until `unbar`: a transaction with its effects may still be under way, and counts as that. */
  bar(slot: Slot): void {
    slot.doubtful = true;
    this.hold(slot);
    if (slot.barred) return;
    slot.barred = true;
    this.#barred.add(slot);
    this.#parts.residence.enter(slot.address.shard);
  }

  unbar(which: (slot: Slot) => boolean): void {
    for (const slot of this.#barred) {
      if (!which(slot)) continue;
      this.#barred.delete(slot);
      slot.barred = false;
      this.reload(slot);
      this.#parts.residence.leave(slot.address.shard);
    }
  }

  /** What waits for its actor goes back to who sent it. */
  sendBack(slot: Slot, outcome: Outcome): void {
    const waiting = slot.waiting ?? [];
    slot.waiting = [];
    slot.returned = 0;
    for (const one of waiting) this.#parts.back(one, outcome);
  }

  /** The same for all slots that fit. */
  sendAllBack(outcome: Outcome, which: (slot: Slot) => boolean = () => true): void {
    for (const slot of this.#waiting) if (which(slot)) this.sendBack(slot, outcome);
  }

  /** Their shards are not here any more. */
  forget(shards: ReadonlySet<number>): void {
    for (const slot of this.#waiting) if (shards.has(slot.address.shard)) this.#waiting.delete(slot);
  }
}
