/** The devices' connections to one process: what a protocol adapter does with them. */
import { sessionPayload } from '../../contracts/sessions.ts';
import {
  isAcknowledged,
  type Outcome,
  type SessionPlace,
  type Uplink,
  type UplinkKind,
} from '../../contracts/uplinks.ts';
import type { DeviceConnection } from './device-connection.ts';
import type { SimProcess } from './sim-process.ts';

const NOTHING = new Uint8Array(0);

export class SimFront {
  readonly #process: SimProcess;
  readonly #connections = new Set<DeviceConnection>();
  isAccepting = false;

  constructor(process: SimProcess) {
    this.#process = process;
  }

  accept(connection: DeviceConnection): void {
    if (!this.isAccepting) return connection.end();
    this.#connections.add(connection);
    const { instanceId, address, nodeId } = this.#process;
    const payload = sessionPayload({ instanceId, address, nodeId, protocol: 'mqtt', peer: connection.device.name });
    this.#send(connection, 'connected', payload, outcome => {
      if (outcome.state !== 'opened') return this.#close(connection, 'not opened');
      connection.session = outcome.session;
      if (outcome.replaced) this.#replace(connection, outcome.replaced);
      if (connection.isEnded) this.#gone(connection, 'gone');
      else connection.opened();
    });
  }

  publish(connection: DeviceConnection, seq: number, payload: Uint8Array): void {
    if (connection.isEnded) return;
    this.#send(connection, 'telemetry', payload, outcome => {
      if (connection.isEnded) return;
      if (isAcknowledged(outcome)) connection.acknowledge(seq);
      else this.#close(connection, outcome.state);
    });
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
    this.#send(connection, 'disconnected', sessionPayload({ reason }), () => {});
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
