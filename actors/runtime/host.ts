import type { Decode } from '../../contracts/codecs.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Holding } from '../../contracts/ownership.ts';
import type { DeviceRecord, Effects, Store } from '../../contracts/store.ts';
import type { TwinFollower } from '../../contracts/twins.ts';
import { MOVED, NOT_OWNER, type Outcome, OVERLOADED, UNKNOWN, type Uplink } from '../../contracts/uplinks.ts';
import { DeviceActor, type Surroundings } from '../device/device.actor.ts';
import { Activation } from './activation.ts';
import { type Entry, Lane, type LaneOwner } from './lane.ts';
import { Passivation } from './passivation.ts';
import { type Clock, every, pause, type Random, type Scheduler } from './ports.ts';
import { Quarantine } from './quarantine.ts';
import { Residence } from './residence.ts';
import { Severed } from './severed.ts';
import type { Settle, Slot, Waiting } from './slot.ts';
import { Slots } from './slots.ts';
import { outcomesOf, Tally } from './tally.ts';

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
  /** A device's twin as it is stored: after each change, and whenever its actor was loaded. */
  readonly onTwin?: TwinFollower;
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
  readonly #slots: Slots;
  readonly #lanes: readonly Lane[];
  readonly #activation: Activation;
  readonly #quarantine: Quarantine;
  readonly #severed = new Severed();
  readonly #residence: Residence;
  readonly #passivation: Passivation;
  #cancelSweep: () => void = () => {};
  #unsettled = 0;
  #closed = false;
  readonly #tally = new Tally();
  #activations = 0;

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
    this.#residence = new Residence(scheduler);
    this.#slots = new Slots({
      residence: this.#residence,
      load: slot => !this.#closed && this.#activation.add(slot),
      back: (waiting, outcome) => this.#sentBack(waiting, outcome),
    });
    this.#passivation = new Passivation(this.#slots.byKey, limits, slot => this.#slots.isCurrent(slot));
  }

  start(): void {
    this.#cancelSweep = every(this.#parts.scheduler, SWEEP_MS, () => this.#sweep());
  }

  /** Takes no more, lets what is under way end, and forgets everything. */
  async stop(): Promise<void> {
    this.#closed = true;
    const { scheduler, clock, limits } = this.#parts;
    const untilMs = clock.nowMs() + limits.commitPatienceSeconds * 1_000;
    while (this.#unsettled > 0 && clock.nowMs() < untilMs) await pause(scheduler, 10);
    this.#cancelSweep();
    this.#activation.close();
    for (const lane of this.#lanes) lane.close();
    this.#slots.sendAllBack(UNKNOWN);
  }

  // Which devices are here.

  /** Serves these shards from now on. */
  admit(holdings: readonly Holding[]): void {
    for (const { shard, epoch } of holdings) this.#residence.admit(shard, epoch);
  }

  /** Takes nothing more for these shards (`moved`). Resolves when nothing of them is under way, so that another may have them. */
  async release(shards: readonly number[]): Promise<void> {
    const leaving = new Set(shards);
    const isLeaving = (slot: Slot) => leaving.has(slot.address.shard);
    this.#residence.close(leaving);
    this.#slots.sendAllBack(MOVED, isLeaving);
    await this.#residence.whenQuiet(leaving);
    this.#residence.forget(leaving);
    this.#slots.sendAllBack(MOVED, isLeaving);
    this.#slots.forget(leaving);
  }

  /**
   * Hands uplinks to their actors, in order. Answers when all are settled: one outcome for each.
   *
   * @param epochs of the shard of each uplink, as its sender knows it; absent: it takes whatever is here
   * @param sinceMs when their sender had them: from then on patience counts
   */
  deliver(uplinks: readonly Uplink[], epochs?: readonly number[], sinceMs?: number): Promise<Outcome[]> {
    return outcomesOf(uplinks, (uplink, settle, i) => this.receive(uplink, settle, epochs?.[i], sinceMs));
  }

  receive(uplink: Uplink, settle: Settle, epoch?: number, sinceMs = this.#parts.clock.nowMs()): void {
    this.#tally.uplinks++;
    if (this.#closed) return this.#count(NOT_OWNER, settle);
    const refusal = this.#residence.refusal(uplink.address.shard, epoch);
    if (refusal) return this.#count(refusal, settle);
    if (this.#severed.includes(uplink)) return this.#count(UNKNOWN, settle);
    const slot = this.#slots.of(uplink.address);
    slot.usedAtSweep = this.#passivation.sweeps;
    if (slot.waiting === null) return this.#handle(slot, uplink, settle, sinceMs);
    if (slot.waiting.length >= this.#parts.limits.activationQueueMessages) return this.#refuse(uplink, settle);
    this.#unsettled++;
    slot.waiting.push({ uplink, settle, sinceMs });
  }

  /** Too much waits. What its session sent after it must not be stored before it. */
  #refuse(uplink: Uplink, settle: Settle): void {
    this.#severed.cut(uplink, this.#parts.clock.nowMs());
    this.#count(OVERLOADED, settle);
  }

  /** The device's row was changed by someone else: its actor is loaded again before it answers anything. */
  changed(key: string): void {
    const slot = this.#slots.byKey.get(key);
    if (!slot) return;
    slot.outdated = slot.loading;
    this.#slots.reload(slot);
  }

  figures(): Record<string, number> {
    const lanes = this.#lanes.reduce((sum, lane) => sum + lane.waiting, 0);
    const commits = this.#lanes.reduce((sum, lane) => sum + lane.commits, 0);
    return {
      actors: this.#slots.byKey.size,
      shards: this.#residence.size,
      unsettled: this.#unsettled,
      waitingInLanes: lanes,
      commits,
      activations: this.#activations,
      ...this.#tally,
    };
  }

  #loaded(slot: Slot, record: DeviceRecord | undefined): void {
    if (!this.#slots.isCurrent(slot)) return this.#slots.sendBack(slot, MOVED);
    if (slot.outdated) {
      slot.outdated = false;
      return this.#slots.reload(slot);
    }
    this.#activations++;
    slot.actor = record ? new DeviceActor(record) : null;
    if (record?.twin) this.#parts.onTwin?.(slot.address, record.twin);
    const waiting = this.#slots.loaded(slot, record !== undefined);
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

  /** Nobody handled it. Unless another may, what its session sent after it must not be stored before it. */
  #sentBack({ uplink, settle }: Waiting, outcome: Outcome): void {
    if (outcome.state === 'unknown') this.#severed.cut(uplink, this.#parts.clock.nowMs());
    this.#unsettled--;
    this.#count(outcome, settle);
  }

  #handle(slot: Slot, uplink: Uplink, settle: Settle, sinceMs: number): void {
    if (slot.actor!.isStale(uplink)) return this.#count(UNKNOWN, settle);
    const effects = this.#effectsOf(slot, slot.actor!, uplink);
    slot.inLane++;
    this.#residence.enter(slot.address.shard);
    this.#unsettled++;
    if (this.#parts.acknowledgeBeforeCommit) settle(effects.outcome);
    this.#lanes[uplink.address.shard % this.#lanes.length]!.add({ slot, uplink, effects, settle, sinceMs });
  }

  #effectsOf(slot: Slot, actor: DeviceActor, uplink: Uplink): Effects {
    const { effects, error } = this.#quarantine.receive(actor, uplink, this.#around, this.#parts.clock.nowMs());
    if (error !== undefined) {
      this.#parts.onDefect(error, uplink);
      // It may have changed its memory by half. What it made before this message is sound and goes on.
      this.#slots.hold(slot);
    }
    return effects;
  }

  // What lanes say.

  settled(entry: Entry, outcome: Outcome): void {
    const { slot, settle, effects } = entry;
    // What was committed, and nothing else, has the outcome that its effects hoped for.
    if (effects.twin && outcome === effects.outcome) this.#parts.onTwin?.(slot.address, effects.twin);
    slot.inLane--;
    this.#unsettled--;
    this.#count(outcome, this.#parts.acknowledgeBeforeCommit ? () => {} : settle);
    if (slot.waiting !== null) this.#slots.reload(slot);
    this.#residence.leave(slot.address.shard);
  }

  refused(entry: Entry): Effects {
    const { slot, uplink } = entry;
    slot.doubtful = true;
    this.#slots.hold(slot);
    const refusal = { reason: 'refused_by_database', detail: 'The database refused the content' } as const;
    return slot.actor!.refuse(uplink, refusal, this.#around);
  }

  again(entry: Entry): void {
    const { slot, uplink, settle, sinceMs } = entry;
    slot.inLane--;
    this.#slots.hold(slot).splice(slot.returned++, 0, { uplink, settle, sinceMs });
    this.#slots.reload(slot);
    this.#residence.leave(slot.address.shard);
  }

  lost(entries: readonly Entry[]): void {
    const nowMs = this.#parts.clock.nowMs();
    for (const { slot, uplink } of entries) {
      this.#severed.cut(uplink, nowMs);
      this.#slots.bar(slot);
    }
    for (const entry of entries) this.settled(entry, UNKNOWN);
  }

  resolved(lane: number): void {
    this.#slots.unbar(slot => slot.address.shard % this.#lanes.length === lane);
  }

  refusedByFence(entries: readonly Entry[]): void {
    for (const entry of entries) this.settled(entry, NOT_OWNER);
  }

  fenced(): void {
    this.#closed = true;
    for (const lane of this.#lanes) lane.close(NOT_OWNER);
    // Nothing of this process can be under way any more, whatever it waited for.
    this.#slots.unbar(() => true);
    this.#slots.sendAllBack(MOVED);
    this.#parts.onFenced();
  }

  // Housekeeping.

  #sweep(): void {
    const nowMs = this.#parts.clock.nowMs();
    const patienceMs = this.#parts.limits.commitPatienceSeconds * 1_000;
    this.#quarantine.sweep(nowMs);
    this.#severed.sweep(nowMs, 2 * patienceMs);
    this.#passivation.sweep();
    this.#slots.sendAllBack(UNKNOWN, ({ waiting }) => !!waiting?.[0] && nowMs - waiting[0].sinceMs >= patienceMs);
  }

  #count(outcome: Outcome, settle: Settle): void {
    this.#tally.count(outcome);
    settle(outcome);
  }
}
