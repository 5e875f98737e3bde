/** The half of a device that takes what comes down to it: what it subscribes to, and who does something with it. */
import { type Downlink, RECEIVES } from '../../contracts/downlinks.ts';
import type { Chance } from './chance.ts';
import { CommandTaker } from './command-taker.ts';
import type { DeviceConnection } from './device-connection.ts';
import { DeviceOutbox } from './device-outbox.ts';
import type { TakingPlan } from './request-plan.ts';
import type { SimDevice } from './sim-device.ts';
import { TwinTaker } from './twin-taker.ts';
import type { World } from './world.ts';

const ALL = RECEIVES.command | RECEIVES.desired;

export class DeviceTaking {
  readonly plan: TakingPlan;
  readonly commands: CommandTaker;
  readonly twin: TwinTaker;
  readonly outbox: DeviceOutbox;
  readonly #world: World;
  readonly #chance: Chance;
  #connection: DeviceConnection | null = null;
  #isAway = false;

  constructor(world: World, device: SimDevice, plan: TakingPlan, chance: Chance) {
    this.plan = plan;
    this.#world = world;
    this.#chance = chance;
    this.outbox = new DeviceOutbox(device.progressed);
    const restart = () => this.#restart(device);
    this.commands = new CommandTaker({ world, device, plan, chance, outbox: this.outbox, restart });
    this.twin = new TwinTaker({ world, device, plan, chance, outbox: this.outbox });
  }

  /** Something was sent that was not acknowledged. */
  get isWaiting(): boolean {
    return !this.outbox.isEmpty;
  }

  get isQuiet(): boolean {
    return this.outbox.isEmpty && this.commands.isIdle;
  }

  start(): void {
    this.twin.start();
    if (this.plan.wavers) this.#waverLater();
  }

  opened(connection: DeviceConnection): void {
    this.#connection = connection;
    this.#isAway = false;
    this.twin.opened();
    connection.subscribe(ALL);
    this.outbox.opened(connection);
  }

  closed(): void {
    this.#connection = null;
    this.outbox.closed();
  }

  received(connection: DeviceConnection, { kind, payload, attempt }: Downlink): void {
    if (attempt !== null) connection.received(attempt);
    if (kind === 'command') this.commands.received(JSON.parse(payload));
    else this.twin.received(JSON.parse(payload));
  }

  /** Wants no commands for a while, and then again. */
  #waverLater(): void {
    this.#world.clock.after(this.#chance.span(500, 4_000), null, () => {
      if (this.#world.isHealed && !this.#isAway) return;
      this.#isAway = !this.#isAway;
      this.#connection?.subscribe(this.#isAway ? this.#chance.pick([0, RECEIVES.desired]) : ALL);
      this.#waverLater();
    });
  }

  #restart(device: SimDevice): void {
    if (this.plan.kind === 'plain') this.outbox.lose();
    device.restart();
    this.commands.restarted();
  }
}
