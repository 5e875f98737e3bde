/** A device: sends its messages in order, remembers each until it is acknowledged, and connects anew when in doubt. */
import type { Downlink } from '../../contracts/downlinks.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import { type Chance, chanceOf } from './chance.ts';
import { DeviceConnection } from './device-connection.ts';
import { DeviceTaking } from './device-taking.ts';
import { kindOf, type MessageKind, payloadOf } from './messages.ts';
import type { DevicePlan } from './plan.ts';
import type { World } from './world.ts';

const CONNECT_TIMEOUT_MS = 20_000;

export class SimDevice {
  readonly name: string;
  readonly address: DeviceAddress;
  readonly plan: DevicePlan;
  readonly #world: World;
  readonly #chance: Chance;
  readonly #kindOffset: number;
  /** Null: it takes nothing. */
  readonly taking: DeviceTaking | null;
  /** How often each message was sent. */
  readonly sent: number[] = [];
  readonly #acknowledged = new Set<number>();
  #connection: DeviceConnection | null = null;
  #isOpen = false;
  /** Messages that exist by now; the next one to be sent in this session; all before `#oldest` are acknowledged. */
  #made = 0;
  #next = 0;
  #oldest = 0;
  #progressAtMs = 0;

  constructor(world: World, number: number, plan: DevicePlan) {
    this.#world = world;
    this.plan = plan;
    this.#chance = chanceOf(world.plan.seed, `device ${number}`);
    this.#kindOffset = this.#chance.between(0, 9);
    this.name = `d${number}-${this.#chance.between(0, 9_999)}`;
    this.address = world.database.tables.addDevice(this.name, plan.takes?.window ?? null);
    this.taking =
      plan.takes && new DeviceTaking(world, this, plan.takes, chanceOf(world.plan.seed, `taking ${number}`));
  }

  get isDone(): boolean {
    return this.#oldest >= this.plan.messages;
  }

  /** It has nothing to connect for any more. */
  get isLeaving(): boolean {
    return this.isDone && this.taking === null;
  }

  get acknowledgedMessages(): ReadonlySet<number> {
    return this.#acknowledged;
  }

  kind(seq: number): MessageKind {
    return kindOf(seq, this.#kindOffset);
  }

  start(): void {
    this.#make();
    this.taking?.start();
    this.#world.clock.after(this.#chance.span(0, 300), null, () => this.#connect());
  }

  /** Its network was away for a moment: it connects anew, and the process does not know. */
  blip(): void {
    if (this.#connection === null || this.isLeaving) return;
    this.#connection.leave(false);
    this.#reconnect();
  }

  /** It restarts: what it did not store is gone. */
  restart(): void {
    this.#leave(this.#chance.happens(0.5));
    this.#later();
  }

  opened(connection: DeviceConnection): void {
    if (connection !== this.#connection) return;
    this.#isOpen = true;
    this.#progressed();
    this.taking?.opened(connection);
    this.#send();
  }

  received(connection: DeviceConnection, downlink: Downlink): void {
    if (connection === this.#connection) this.taking?.received(connection, downlink);
  }

  #stored(seq: number): void {
    this.#acknowledged.add(seq);
    this.#world.invariants.deviceForgets(this, seq);
    while (this.#acknowledged.has(this.#oldest)) this.#oldest++;
    this.#progressed();
    this.#send();
    if (this.isLeaving) this.#leave(true);
  }

  lost(connection: DeviceConnection): void {
    if (connection !== this.#connection) return;
    connection.isLeft = true;
    this.#reconnect();
  }

  #make(): void {
    if (this.#made >= this.plan.messages) return;
    this.#made++;
    this.#send();
    this.#world.clock.after(this.plan.everyMs * this.#chance.span(0.5, 1.5), null, () => this.#make());
  }

  #connect(): void {
    if (this.#connection !== null) return;
    const process = this.#world.somebodyToConnectTo(this.#chance);
    if (!process) return this.#later();
    const connection = new DeviceConnection(this, process);
    this.#connection = connection;
    this.#isOpen = false;
    this.#next = this.#oldest;
    this.#progressed();
    connection.open();
  }

  #send(): void {
    if (!this.#isOpen) return;
    if (this.#next === this.#oldest && this.#next < this.#made) this.#progressed();
    while (this.#next < this.#made && this.#next < this.#oldest + this.plan.window) {
      const seq = this.#next++;
      // Acknowledged out of order, it is forgotten already.
      if (this.#acknowledged.has(seq)) continue;
      this.sent[seq] = (this.sent[seq] ?? 0) + 1;
      this.#connection!.send('telemetry', payloadOf(seq, this.kind(seq)), () => this.#stored(seq));
    }
  }

  /** Gives a connection up on which nothing comes any more. */
  readonly progressed = (): void => this.#progressed();

  #progressed(): void {
    const atMs = this.#world.clock.nowMs;
    this.#progressAtMs = atMs;
    const connection = this.#connection;
    const patienceMs = this.#isOpen ? this.plan.silenceMs : CONNECT_TIMEOUT_MS;
    this.#world.clock.after(patienceMs, null, () => {
      if (this.#progressAtMs !== atMs || connection === null || connection !== this.#connection) return;
      if (this.#isOpen && this.#next === this.#oldest && this.taking?.isWaiting !== true) return this.#progressed();
      this.#leave(this.#chance.happens(0.7));
      this.#later();
    });
  }

  #leave(isTold: boolean): void {
    this.#connection?.leave(isTold);
    this.#connection = null;
    this.#isOpen = false;
    this.taking?.closed();
  }

  #reconnect(): void {
    this.#connection = null;
    this.#isOpen = false;
    this.taking?.closed();
    this.#later();
  }

  #later(): void {
    if (!this.isLeaving) this.#world.clock.after(this.#chance.span(20, 1_500), null, () => this.#connect());
  }
}
