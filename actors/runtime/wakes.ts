import type { Downlink } from '../../contracts/downlinks.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Store } from '../../contracts/store.ts';
import type { DeviceAddress, Uplink } from '../../contracts/uplinks.ts';
import { NO_TURN } from '../device/commands/device-commands.ts';
import { DueWatch } from './due-watch.ts';
import type { Clock, Scheduler } from './ports.ts';
import type { Residence } from './residence.ts';
import type { Slot } from './slot.ts';
import type { Slots } from './slots.ts';
import { Timers } from './timers.ts';
import { TokenBucket } from './token-bucket.ts';
import { Turns } from './turns.ts';

export type WakesParts = {
  readonly store: Pick<Store, 'due'>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: Limits;
  /** The pace of commands, for the devices that are here. */
  readonly commandsPerSecond: () => number;
  readonly slots: Slots;
  readonly residence: Residence;
  /** The actor of this device, if there is one, may not know what is stored. */
  readonly changed: (key: string) => void;
  /** Hands this to the actor of a slot that has one. */
  readonly handle: (slot: Slot, uplink: Uplink) => void;
};

const NOTHING = new Uint8Array(0);

/** How time reaches actors: at the moment that they named, when it is their turn, and when the database says that something is due. */
export class Wakes {
  readonly #parts: WakesParts;
  readonly #timers: Timers<Slot>;
  readonly #turns: Turns<Slot>;
  readonly #watch: DueWatch;
  #isOver = false;

  constructor(parts: WakesParts) {
    const { clock, scheduler, residence } = parts;
    this.#parts = parts;
    this.#timers = new Timers(clock, scheduler, slot => void this.wake(slot, 'tick'));
    this.#turns = new Turns({
      ...parts,
      bucket: new TokenBucket(clock, parts.commandsPerSecond),
      turn: slot => {
        if (!this.wake(slot, 'turn')) this.#turns.giveBack();
      },
    });
    this.#watch = new DueWatch({
      ...parts,
      shards: () => residence.shards(),
      wake: address => this.#wakeDevice(address),
      changed: address => {
        parts.changed(address.key);
        this.#wakeDevice(address);
      },
    });
  }

  get pace(): Turns<Slot> {
    return this.#turns;
  }

  /** Actors that wait for a turn. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  start(): void {
    this.#watch.start();
  }

  stop(): void {
    this.#isOver = true;
    this.#timers.stop();
    this.#turns.stop();
    this.#watch.stop();
  }

  /** These shards are here now. */
  admitted(shards: Iterable<number>): void {
    this.#watch.admitted(shards);
  }

  /** What the actor of this slot waits for may be something else than before. */
  follow(slot: Slot): void {
    const { dueAtMs, wantsTurn } = slot.actor!;
    if (dueAtMs !== slot.dueAtMs) this.#timers.set(slot, dueAtMs);
    if (wantsTurn !== slot.turn) this.#turns.set(slot, wantsTurn);
  }

  /** Its actor is gone, or about to be loaded again. */
  forget(slot: Slot): void {
    this.#timers.set(slot, Number.POSITIVE_INFINITY);
    this.#turns.set(slot, NO_TURN);
  }

  /** False: its actor is not here, or is being loaded, and will look by itself then. */
  wake(slot: Slot, kind: 'tick' | 'turn'): boolean {
    const { slots, clock, handle } = this.#parts;
    const { address } = slot;
    if (slot.waiting !== null || slot.actor === null || slots.byKey.get(address.key) !== slot) return false;
    if (this.#isOver || !slots.isCurrent(slot)) return false;
    handle(slot, {
      address,
      session: 0,
      receivedAtMs: clock.nowMs(),
      kind,
      topic: '',
      contentType: '',
      payload: NOTHING,
    });
    return true;
  }

  /** What is desired was perhaps not told to this device: it is told again a while later. */
  desiredNotTold({ tenant, device, session }: Downlink): void {
    const { slots, clock, limits } = this.#parts;
    const slot = slots.byKey.get(`${tenant}/${device}`);
    // An actor that is loaded (again) tells it anyway.
    if (slot === undefined || !slot.actor || slot.waiting !== null) return;
    slot.actor.desiredNotTold(session, clock.nowMs() + limits.commandRetryMs);
    this.follow(slot);
  }

  /** Whoever has to load its actor for this needs not to wake it: it looks when it was loaded. */
  #wakeDevice(address: DeviceAddress): void {
    const { slots, residence } = this.#parts;
    if (this.#isOver || residence.refusal(address.shard, undefined) !== undefined) return;
    this.wake(slots.of(address), 'tick');
  }
}
