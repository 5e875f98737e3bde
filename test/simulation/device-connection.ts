/** A connection between a device and a process: both ends, and what is between them. */
import type { CommandAttempt, Downlink } from '../../contracts/downlinks.ts';
import type { UplinkKind } from '../../contracts/uplinks.ts';
import type { SimDevice } from './sim-device.ts';
import type { SimProcess } from './sim-process.ts';

/** After this long without a word from the device a process believes that it is gone. */
const KEEP_ALIVE_MS = 20_000;

export class DeviceConnection {
  readonly device: SimDevice;
  readonly process: SimProcess;
  /** The number of the session, once it is open; 0 before. */
  session = 0;
  /** What the device has subscribed to, as the process knows it: bits of `RECEIVES`. */
  receives = 0;
  /** As the process sees it. */
  isEnded = false;
  /** As the device sees it. */
  isLeft = false;
  #toProcessAtMs = 0;
  #toDeviceAtMs = 0;

  constructor(device: SimDevice, process: SimProcess) {
    this.device = device;
    this.process = process;
  }

  // What the device does.

  open(): void {
    this.#toProcess(() => this.process.front.accept(this));
  }

  /** @param acknowledged called when the process has answered that it has it */
  send(kind: UplinkKind, payload: Uint8Array, acknowledged: () => void): void {
    this.#toProcess(() => this.process.front.take(this, kind, payload, acknowledged));
  }

  subscribe(receives: number): void {
    this.#toProcess(() => this.process.front.subscribed(this, receives));
  }

  /** What its transport does by itself. */
  received(attempt: CommandAttempt): void {
    this.#toProcess(() => this.process.front.delivered(this, attempt));
  }

  /** @param isTold false: the process is not told, and finds out late */
  leave(isTold: boolean): void {
    this.isLeft = true;
    if (isTold) this.#toProcess(() => this.process.front.lost(this));
    else this.process.world.clock.after(KEEP_ALIVE_MS, this.process.life, () => this.process.front.lost(this));
  }

  // What the process does.

  opened(): void {
    this.#toDevice(() => this.device.opened(this));
  }

  acknowledge(acknowledged: () => void): void {
    this.#toDevice(acknowledged);
  }

  deliver(downlink: Downlink): void {
    this.#toDevice(() => this.device.received(this, downlink));
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#toDevice(() => this.device.lost(this));
  }

  #toProcess(work: () => void): void {
    const { clock, netChance } = this.process.world;
    this.#toProcessAtMs = Math.max(this.#toProcessAtMs, clock.nowMs + netChance.span(0.5, 5));
    // Nobody listens at a process that ended.
    if (this.process.life.isDead) this.#toDevice(() => this.device.lost(this));
    clock.after(this.#toProcessAtMs - clock.nowMs, this.process.life, work);
  }

  #toDevice(work: () => void): void {
    const { clock, netChance } = this.process.world;
    this.#toDeviceAtMs = Math.max(this.#toDeviceAtMs, clock.nowMs + netChance.span(0.5, 5));
    clock.after(this.#toDeviceAtMs - clock.nowMs, null, () => {
      if (!this.isLeft) work();
    });
  }
}
