/** The devices' connections to one process: what a protocol adapter does with them. */
import { type CommandAttempt, type Delivery, type Downlink, type Egress, RECEIVES } from '../../contracts/downlinks.ts';
import { jsonPayload } from '../../contracts/json.ts';
import {
  isAcknowledged,
  type Outcome,
  type SessionPlace,
  type Uplink,
  type UplinkKind,
} from '../../contracts/uplinks.ts';
import { type Chance, chanceOf } from './chance.ts';
import type { DeviceConnection } from './device-connection.ts';
import type { SimProcess } from './sim-process.ts';

const NOTHING = new Uint8Array(0);

export class SimFront implements Egress {
  readonly #process: SimProcess;
  readonly #connections = new Set<DeviceConnection>();
  readonly #chance: Chance;
  isAccepting = false;

  constructor(process: SimProcess) {
    this.#process = process;
    this.#chance = chanceOf(process.world.plan.seed, `${process.name} front`);
  }

  accept(connection: DeviceConnection): void {
    if (!this.isAccepting) return connection.end();
    this.#connections.add(connection);
    const { instanceId, address, nodeId } = this.#process;
    const payload = jsonPayload({ instanceId, address, nodeId, protocol: 'mqtt', peer: connection.device.name });
    this.#send(connection, 'connected', payload, outcome => {
      if (outcome.state !== 'opened') return this.#close(connection, 'not opened');
      connection.session = outcome.session;
      if (outcome.replaced) this.#replace(connection, outcome.replaced);
      if (connection.isEnded) this.#gone(connection, 'gone');
      else connection.opened();
    });
  }

  take(connection: DeviceConnection, kind: UplinkKind, payload: Uint8Array, acknowledged: () => void): void {
    if (connection.isEnded) return;
    this.#send(connection, kind, payload, outcome => {
      if (connection.isEnded) return;
      if (isAcknowledged(outcome)) connection.acknowledge(acknowledged);
      else this.#close(connection, outcome.state);
    });
  }

  subscribed(connection: DeviceConnection, receives: number): void {
    if (connection.isEnded) return;
    connection.receives = receives;
    this.#send(connection, 'receiving', jsonPayload({ receives }), outcome => {
      if (!connection.isEnded && !isAcknowledged(outcome)) this.#close(connection, outcome.state);
    });
  }

  /** The transport of the device has acknowledged a command. */
  delivered(connection: DeviceConnection, attempt: CommandAttempt): void {
    if (!connection.isEnded) this.#send(connection, 'delivered', jsonPayload(attempt), () => {});
  }

  deliver(downlink: Downlink): Delivery {
    const { invariants, trace } = this.#process.world;
    invariants.commands.isCommitted(this.#process, downlink);
    const connection = this.#connectionOf(downlink);
    const delivery = this.#deliver(connection, downlink);
    const { device, session, kind, payload } = downlink;
    trace.note(this.#process.name, `${kind} to ${device}/${session}: ${delivery} ${payload}`);
    if (delivery === 'sent') invariants.commands.written(connection!, downlink);
    return delivery;
  }

  #deliver(connection: DeviceConnection | undefined, downlink: Downlink): Delivery {
    if (connection === undefined) return 'gone';
    const bit = downlink.kind === 'twin' ? 0 : RECEIVES[downlink.kind];
    if ((connection.receives & bit) !== bit) return 'not_receiving';
    if (this.#chance.happens(this.#process.world.noise.frontFull)) return 'full';
    connection.deliver(downlink);
    return 'sent';
  }

  #connectionOf({ device, session }: Downlink): DeviceConnection | undefined {
    const { anySessionWillDo } = this.#process.world.mutation;
    for (const it of this.#connections)
      if (it.device.name === device && !it.isEnded && (it.session === session || anySessionWillDo)) return it;
    return undefined;
  }

  /** The device is gone, as far as the process can tell. */
  lost(connection: DeviceConnection): void {
    if (!connection.isEnded) this.#close(connection, 'lost');
  }

  /** Another connection took the place of this one. */
  kick(deviceKey: string, session: number): void {
    for (const it of this.#connections)
      if (it.device.address.key === deviceKey && it.session === session) this.#close(it, 'replaced');
  }

  closeAll(): void {
    this.isAccepting = false;
    for (const connection of this.#connections) this.#close(connection, 'shutdown');
  }

  /** The process ended: its kernel closes what it had. */
  die(): void {
    for (const connection of this.#connections) connection.end();
  }

  #close(connection: DeviceConnection, reason: string): void {
    connection.end();
    this.#gone(connection, reason);
  }

  #gone(connection: DeviceConnection, reason: string): void {
    if (!this.#connections.delete(connection) || connection.session === 0) return;
    this.#send(connection, 'disconnected', jsonPayload({ reason }), () => {});
  }

  #replace(by: DeviceConnection, { address, instanceId, session }: SessionPlace): void {
    const { key } = by.device.address;
    if (instanceId === this.#process.instanceId) this.kick(key, session);
    else
      this.#process.world.bus.tell(this.#process, address, peer => {
        if (peer.instanceId === instanceId) peer.front.kick(key, session);
      });
  }

  #send(
    { device, session }: DeviceConnection,
    kind: UplinkKind,
    payload: Uint8Array = NOTHING,
    settled: (outcome: Outcome) => void,
  ): void {
    const uplink: Uplink = {
      address: device.address,
      session,
      receivedAtMs: this.#process.clock.nowMs(),
      kind,
      topic: '',
      contentType: '',
      payload,
    };
    const { invariants, trace } = this.#process.world;
    const withheld = invariants.withhold(this.#process, uplink);
    this.#process.router.receive(uplink, outcome => {
      if (this.#process.life.isDead) return;
      trace.note(this.#process.name, `${kind} ${device.name}/${session} ${withheld.label}: ${outcome.state}`);
      invariants.settled(withheld, outcome);
      settled(outcome);
    });
  }
}
