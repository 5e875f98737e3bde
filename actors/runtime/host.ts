import type { Decode } from '../../contracts/codecs.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { DeviceRecord, Effects, Store } from '../../contracts/store.ts';
import { type Outcome, OVERLOADED, UNKNOWN, type Uplink } from '../../contracts/uplinks.ts';
import { DeviceActor, type Surroundings } from '../device/device.actor.ts';
import { Activation } from './activation.ts';
import { type Entry, Lane, type LaneOwner } from './lane.ts';
import { Passivation } from './passivation.ts';
import type { Clock, Random, Scheduler } from './ports.ts';
import { Quarantine } from './quarantine.ts';
import { Severed } from './severed.ts';
import { newSlot, type Settle, type Slot } from './slot.ts';

export type HostParts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly limits: Limits;
  readonly decode: Decode;
  /** Another instance took over: this process has nothing more to do. */
  readonly onFenced: () => void;
  /** An actor threw: a defect, for the log. */
  readonly onDefect: (error: unknown, uplink: Uplink) => void;
  /** Only to show that the tests can fail: senders are told before the commit. */
  readonly acknowledgeBeforeCommit?: boolean;
};

const NO_DEVICE: Outcome = { state: 'rejected', reason: 'device_unknown', detail: 'There is no such device' };
const SWEEP_MS = 1_000;

/**
 * Keeps the actors of a node: loads them, hands them their uplinks in order, sends their effects through lanes, and lets
 * senders know when, and not before, the effects are stored.
 */
export class Host implements LaneOwner {
  readonly #parts: HostParts;
  readonly #around: Surroundings;
  readonly #slots = new Map<string, Slot>();
  readonly #lanes: readonly Lane[];
  readonly #activation: Activation;
  readonly #quarantine: Quarantine;
  readonly #severed = new Severed();
  readonly #passivation: Passivation;
  readonly #barred = new Set<Slot>();
  readonly #waitingSlots = new Set<Slot>();
  #cancelSweep: () => void = () => {};
  #unsettled = 0;
  #closed = false;
  #figures = { uplinks: 0, stored: 0, duplicates: 0, rejected: 0, unknown: 0, activations: 0 };

  constructor(parts: HostParts) {
    const { store, clock, scheduler, limits } = parts;
    this.#parts = parts;
    this.#around = { decode: parts.decode, limits, uuid: () => parts.random.uuid() };
    this.#lanes = Array.from(
      { length: limits.lanes },
      (_, number) => new Lane({ number, store, clock, scheduler, limits, owner: this }),
    );
    this.#activation = new Activation({
      store,
      scheduler,
      limits,
      loaded: (slot, record) => this.#loaded(slot, record),
    });
    this.#quarantine = new Quarantine(limits.actorThrowsPerMinute);
    this.#passivation = new Passivation(this.#slots, limits);
  }

  start(): void {
    const again = () => {
      this.#sweep();
      this.#cancelSweep = this.#parts.scheduler.after(SWEEP_MS, again);
    };
    this.#cancelSweep = this.#parts.scheduler.after(SWEEP_MS, again);
  }

  /** Takes no more, lets what is under way end, and forgets everything. */
  async stop(): Promise<void> {
    this.#closed = true;
    const { scheduler, clock, limits } = this.#parts;
    const untilMs = clock.nowMs() + limits.commitPatienceSeconds * 1_000;
    while (this.#unsettled > 0 && clock.nowMs() < untilMs)
      await new Promise<void>(resolve => void scheduler.after(10, resolve));
    this.#cancelSweep();
    this.#activation.close();
    for (const lane of this.#lanes) lane.close();
    for (const slot of this.#waitingSlots) this.#giveUp(slot);
  }

  /** Hands uplinks to their actors, in order. Answers when all are settled: one outcome for each. */
  deliver(uplinks: readonly Uplink[]): Promise<Outcome[]> {
    return new Promise(resolve => {
      const outcomes = new Array<Outcome>(uplinks.length);
      let left = uplinks.length;
      if (left === 0) resolve(outcomes);
      for (let i = 0; i < uplinks.length; i++) {
        this.receive(uplinks[i]!, outcome => {
          outcomes[i] = outcome;
          if (--left === 0) resolve(outcomes);
        });
      }
    });
  }

  receive(uplink: Uplink, settle: Settle): void {
    this.#figures.uplinks++;
    if (this.#closed || this.#severed.includes(uplink)) return this.#count(UNKNOWN, settle);
    const slot = this.#slotOf(uplink);
    slot.usedAtSweep = this.#passivation.sweeps;
    if (slot.waiting === null) return this.#handle(slot, uplink, settle, this.#parts.clock.nowMs());
    if (slot.waiting.length >= this.#parts.limits.activationQueueMessages) return this.#count(OVERLOADED, settle);
    this.#unsettled++;
    slot.waiting.push({ uplink, settle, sinceMs: this.#parts.clock.nowMs() });
  }

  /** The device's row was changed by someone else: its actor is loaded again before it answers anything. */
  changed(key: string): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    slot.outdated = slot.loading;
    this.#reload(slot);
  }

  figures(): Record<string, number> {
    const lanes = this.#lanes.reduce((sum, lane) => sum + lane.waiting, 0);
    const commits = this.#lanes.reduce((sum, lane) => sum + lane.commits, 0);
    return { actors: this.#slots.size, unsettled: this.#unsettled, waitingInLanes: lanes, commits, ...this.#figures };
  }

  #slotOf(uplink: Uplink): Slot {
    const known = this.#slots.get(uplink.address.key);
    if (known) return known;
    const slot = newSlot(uplink.address);
    this.#slots.set(uplink.address.key, slot);
    this.#reload(slot);
    return slot;
  }

  /** From here on uplinks wait, until all effects are out of the lane and the actor is loaded again. */
  #reload(slot: Slot): void {
    slot.waiting ??= [];
    this.#waitingSlots.add(slot);
    if (slot.inLane === 0 && !slot.barred && !slot.loading && !this.#closed) this.#activation.add(slot);
  }

  #loaded(slot: Slot, record: DeviceRecord | undefined): void {
    if (slot.outdated) {
      slot.outdated = false;
      return this.#reload(slot);
    }
    this.#figures.activations++;
    slot.doubtful = false;
    slot.returned = 0;
    slot.actor = record ? new DeviceActor(record) : null;
    const waiting = slot.waiting ?? [];
    slot.waiting = null;
    this.#waitingSlots.delete(slot);
    if (!record) this.#slots.delete(slot.address.key);
    for (let i = 0; i < waiting.length; i++) {
      // Handling one may have made the actor doubtful: the rest waits again.
      if (slot.waiting !== null) {
        (slot.waiting as typeof waiting).push(...waiting.slice(i));
        return;
      }
      const { uplink, settle, sinceMs } = waiting[i]!;
      this.#unsettled--;
      if (!record) this.#count(NO_DEVICE, settle);
      else if (this.#severed.includes(uplink)) this.#count(UNKNOWN, settle);
      else this.#handle(slot, uplink, settle, sinceMs);
    }
  }

  #handle(slot: Slot, uplink: Uplink, settle: Settle, sinceMs: number): void {
    const effects = this.#effectsOf(slot, slot.actor!, uplink);
    slot.inLane++;
    this.#unsettled++;
    if (this.#parts.acknowledgeBeforeCommit) settle(effects.outcome);
    this.#lanes[uplink.address.shard % this.#lanes.length]!.add({ slot, uplink, effects, settle, sinceMs });
  }

  #effectsOf(slot: Slot, actor: DeviceActor, uplink: Uplink): Effects {
    const { clock, onDefect } = this.#parts;
    const { key } = slot.address;
    if (this.#quarantine.holds(key, clock.nowMs()))
      return actor.refuse(
        uplink,
        { reason: 'quarantined', detail: 'Handling its messages failed again and again' },
        this.#around,
      );
    try {
      return actor.receive(uplink, this.#around);
    } catch (error) {
      onDefect(error, uplink);
      this.#quarantine.note(key, clock.nowMs());
      const effects = actor.refuse(
        uplink,
        { reason: 'actor_failed', detail: 'Handling the message failed' },
        this.#around,
      );
      // It may have changed its memory by half. What it made before this message is sound and goes on.
      slot.waiting ??= [];
      this.#waitingSlots.add(slot);
      return effects;
    }
  }

  // What lanes say.

  settled(entry: Entry, outcome: Outcome): void {
    const { slot, settle } = entry;
    slot.inLane--;
    this.#unsettled--;
    this.#count(outcome, this.#parts.acknowledgeBeforeCommit ? () => {} : settle);
    if (slot.waiting !== null) this.#reload(slot);
  }

  refused(entry: Entry): Effects {
    const { slot, uplink } = entry;
    slot.doubtful = true;
    slot.waiting ??= [];
    this.#waitingSlots.add(slot);
    const refusal = { reason: 'refused_by_database', detail: 'The database refused the content' } as const;
    return slot.actor!.refuse(uplink, refusal, this.#around);
  }

  again(entry: Entry): void {
    const { slot, uplink, settle, sinceMs } = entry;
    slot.inLane--;
    slot.waiting ??= [];
    slot.waiting.splice(slot.returned++, 0, { uplink, settle, sinceMs });
    this.#reload(slot);
  }

  lost(entries: readonly Entry[]): void {
    const nowMs = this.#parts.clock.nowMs();
    for (const { slot, uplink } of entries) {
      this.#severed.cut(uplink, nowMs);
      slot.doubtful = true;
      slot.barred = true;
      slot.waiting ??= [];
      this.#waitingSlots.add(slot);
      this.#barred.add(slot);
    }
    for (const entry of entries) this.settled(entry, UNKNOWN);
  }

  resolved(lane: number): void {
    for (const slot of this.#barred) {
      if (slot.address.shard % this.#lanes.length !== lane) continue;
      this.#barred.delete(slot);
      slot.barred = false;
      this.#reload(slot);
    }
  }

  fenced(): void {
    this.#closed = true;
    for (const slot of this.#waitingSlots) this.#giveUp(slot);
    this.#parts.onFenced();
  }

  // Housekeeping.

  #sweep(): void {
    const nowMs = this.#parts.clock.nowMs();
    const patienceMs = this.#parts.limits.commitPatienceSeconds * 1_000;
    this.#quarantine.sweep(nowMs);
    this.#severed.sweep(nowMs, 2 * patienceMs);
    this.#passivation.sweep();
    for (const slot of this.#waitingSlots)
      if (slot.waiting?.[0] && nowMs - slot.waiting[0].sinceMs >= patienceMs) this.#giveUp(slot);
  }

  /** Tells all that wait for this actor that nobody knows. */
  #giveUp(slot: Slot): void {
    const waiting = slot.waiting ?? [];
    slot.waiting = [];
    slot.returned = 0;
    const nowMs = this.#parts.clock.nowMs();
    for (const { uplink, settle } of waiting) {
      this.#severed.cut(uplink, nowMs);
      this.#unsettled--;
      this.#count(UNKNOWN, settle);
    }
  }

  #count(outcome: Outcome, settle: Settle): void {
    const figures = this.#figures;
    if (outcome.state === 'stored') figures.stored++;
    else if (outcome.state === 'duplicate') figures.duplicates++;
    else if (outcome.state === 'rejected') figures.rejected++;
    else figures.unknown++;
    settle(outcome);
  }
}
