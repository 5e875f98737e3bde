import { SHARDS } from '../../contracts/addresses.ts';
import type { Downlink } from '../../contracts/downlinks.ts';
import type { Holding } from '../../contracts/ownership.ts';
import type { DeviceRecord, Effects } from '../../contracts/store.ts';
import type { TwinRecord } from '../../contracts/twins.ts';
import {
  type DeviceAddress,
  MOVED,
  NOT_OWNER,
  type Outcome,
  OVERLOADED,
  UNKNOWN,
  type Uplink,
  type UplinkKind,
} from '../../contracts/uplinks.ts';
import { DeviceActor } from '../device/device.actor.ts';
import type { Surroundings } from '../device/surroundings.ts';
import { Activation } from './activation.ts';
import type { HostParts } from './host-parts.ts';
import { Passivation } from './passivation.ts';
import { every, pause } from './ports.ts';
import { Quarantine } from './quarantine.ts';
import { Residence } from './residence.ts';
import { Severed } from './severed.ts';
import type { Settle, Slot, Waiting } from './slot.ts';
import { Slots } from './slots.ts';
import { nobody, outcomesOf, Tally } from './tally.ts';
import { Wakes } from './wakes.ts';
import { Writing } from './writing.ts';

const NO_DEVICE: Outcome = { state: 'rejected', reason: 'device_unknown', detail: 'There is no such device' };
const SWEEP_MS = 1_000;

/**
 * Keeps the actors of a node: loads them, hands them their uplinks in order, sends their effects through lanes, and lets
 * senders know when, and not before, the effects are stored.
 */
export class Host {
  readonly #parts: HostParts;
  readonly #around: Surroundings;
  readonly #slots: Slots;
  readonly #writing: Writing;
  readonly #activation: Activation;
  readonly #quarantine: Quarantine;
  readonly #severed = new Severed();
  readonly #residence: Residence;
  readonly #passivation: Passivation;
  readonly #wakes: Wakes;
  #cancelSweep: () => void = () => {};
  #closed = false;
  readonly #tally = new Tally();
  #activations = 0;

  constructor(parts: HostParts) {
    const { store, clock, scheduler, limits } = parts;
    this.#parts = parts;
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
      replaced: slot => this.#wakes.forget(slot),
      back: (waiting, outcome) => this.#sentBack(waiting, outcome),
    });
    this.#wakes = new Wakes({
      ...parts,
      slots: this.#slots,
      residence: this.#residence,
      commandsPerSecond: () => this.commandsPerSecond,
      changed: key => this.changed(key),
      handle: (slot, uplink) => this.#handle(slot, uplink, nobody, clock.nowMs()),
    });
    this.#writing = new Writing({
      ...parts,
      slots: this.#slots,
      residence: this.#residence,
      severed: this.#severed,
      tally: this.#tally,
      release: outputs => parts.onOutputs?.(outputs),
      around: () => this.#around,
      close: () => this.#close(),
    });
    this.#around = {
      decode: parts.decode,
      limits,
      nowMs: () => clock.nowMs(),
      uuid: () => parts.random.uuid(),
      fraction: () => parts.random.fraction(),
      pace: this.#wakes.pace,
    };
    this.#passivation = new Passivation(
      this.#slots.byKey,
      limits,
      slot => this.#slots.isCurrent(slot),
      slot => this.#wakes.forget(slot),
    );
  }

  start(): void {
    this.#cancelSweep = every(this.#parts.scheduler, SWEEP_MS, () => this.#sweep());
    this.#wakes.start();
  }

  /** Takes no more, lets what is under way end, and forgets everything. */
  async stop(): Promise<void> {
    this.#close();
    const { scheduler, clock, limits } = this.#parts;
    const untilMs = clock.nowMs() + limits.commitPatienceSeconds * 1_000;
    while (this.#tally.unsettled > 0 && clock.nowMs() < untilMs) await pause(scheduler, 10);
    this.#cancelSweep();
    this.#activation.close();
    this.#writing.close();
    this.#slots.sendAllBack(UNKNOWN);
  }

  #close(): void {
    this.#closed = true;
    this.#wakes.stop();
  }

  /** The pace of commands for the devices that are here: their part of that of all devices. */
  get commandsPerSecond(): number {
    return (this.#parts.limits.commandsPerSecond * this.#residence.size) / SHARDS;
  }

  // Which devices are here.

  /** Serves these shards from now on. */
  admit(holdings: readonly Holding[]): void {
    for (const { shard, epoch } of holdings) this.#residence.admit(shard, epoch);
    this.#wakes.admitted(holdings.map(it => it.shard));
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
    if (slot.waiting === null && slot.rules?.isForgotten) this.#slots.reload(slot);
    if (slot.waiting === null) return this.#handle(slot, uplink, settle, sinceMs);
    if (slot.waiting.length >= this.#parts.limits.activationQueueMessages) return this.#refuse(uplink, settle);
    this.#tally.unsettled++;
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
    return {
      actors: this.#slots.byKey.size,
      shards: this.#residence.size,
      ...this.#writing.figures(),
      activations: this.#activations,
      waitingForTurns: this.#wakes.waiting,
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
    slot.actor = record ? new DeviceActor(record, this.#around) : null;
    slot.twin = record?.twin ?? null;
    slot.rules = record?.rules ?? null;
    this.#wakes.forget(slot);
    if (record?.twin) this.#parts.onTwin?.(slot.address, record.twin);
    const waiting = this.#slots.loaded(slot, record !== undefined);
    for (let i = 0; i < waiting.length; i++) {
      // Handling one may have made the actor doubtful: the rest waits again.
      if (slot.waiting !== null) {
        (slot.waiting as typeof waiting).push(...waiting.slice(i));
        return;
      }
      const { uplink, settle, sinceMs } = waiting[i]!;
      this.#tally.unsettled--;
      if (!record) this.#count(NO_DEVICE, settle);
      else if (this.#severed.includes(uplink)) this.#count(UNKNOWN, settle);
      else this.#handle(slot, uplink, settle, sinceMs);
    }
    if (slot.actor?.isUnfinished) this.#wakes.wake(slot, 'tick');
  }

  /** Nobody handled it. Unless another may, what its session sent after it must not be stored before it. */
  #sentBack({ uplink, settle }: Waiting, outcome: Outcome): void {
    if (outcome.state === 'unknown') this.#severed.cut(uplink, this.#parts.clock.nowMs());
    this.#tally.unsettled--;
    this.#count(outcome, settle);
  }

  #handle(slot: Slot, uplink: Uplink, settle: Settle, sinceMs: number): void {
    if (slot.actor!.isStale(uplink)) return this.#count(UNKNOWN, settle);
    const effects = this.#effectsOf(slot, slot.actor!, uplink);
    if (slot.waiting === null) this.#wakes.follow(slot);
    if (isNothing(uplink, effects)) {
      this.#count(effects.outcome, settle);
      // It failed, and there is nothing in the lane after which it would be loaded again.
      if (slot.waiting !== null) this.#slots.reload(slot);
      return;
    }
    this.#writing.add(slot, uplink, effects, settle, sinceMs);
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

  /** What is desired was perhaps not told to this device. */
  desiredNotTold(downlink: Downlink): void {
    this.#wakes.desiredNotTold(downlink);
  }

  /** The twin as it is stored; null: it has none. Undefined: it is not known here. */
  twinOf({ key }: DeviceAddress): TwinRecord | null | undefined {
    const slot = this.#slots.byKey.get(key);
    if (!slot?.actor || slot.waiting !== null || this.#closed || !this.#slots.isCurrent(slot)) return undefined;
    slot.usedAtSweep = this.#passivation.sweeps;
    return slot.twin;
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
    this.#tally.count(outcome, settle);
    settle(outcome);
  }
}

/** What nobody asked for, and what changes nothing, needs no transaction. */
const isNothing = ({ kind }: Uplink, { commands, outputs, twin }: Effects): boolean =>
  UNASKED.has(kind) && commands.length === 0 && outputs.length === 0 && twin === null;
const UNASKED: ReadonlySet<UplinkKind> = new Set(['tick', 'turn', 'delivered', 'undelivered']);
