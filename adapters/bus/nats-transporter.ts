/**
 * Moleculer's transporter for NATS, which knows when it is cut off. Moleculer's own believes that it is connected until it is
 * stopped: NATS keeps what is sent meanwhile, without bound, and delivers it when nobody waits for it any more.
 */
import { Transporters } from 'moleculer';
import type { NatsConnection, Status } from 'nats';
import type { NatsOptions } from './nats-options.ts';

type Packet = Parameters<Transporters.Base['prepublish']>[0];

export class NatsTransporter extends Transporters.NATS {
  declare client: NatsConnection | null;

  // Moleculer's takes a URL apart; ours are options already.
  constructor(options: NatsOptions) {
    super(options);
  }

  override async connect(): Promise<void> {
    await super.connect();
    if (this.client !== null) void this.#watch(this.client);
  }

  /** Without the bus there is nobody to say goodbye to, and waiting for it would never end. */
  override async disconnect(): Promise<void> {
    if (this.connected) await super.disconnect();
    else await this.client?.close();
  }

  /**
   * While cut off, what is told is dropped: events and heartbeats are at most once anyway. Requests are refused before they come
   * here, by `refuseWhileCut`.
   */
  override prepublish(packet: Packet): Promise<void> {
    if (this.connected || packet.type === 'REQ') return super.prepublish(packet);
    return Promise.resolve();
  }

  async #watch(client: NatsConnection): Promise<void> {
    for await (const status of client.status()) await this.#heard(status);
  }

  async #heard({ type }: Status): Promise<void> {
    if (type === 'disconnect' || type === 'staleConnection') {
      if (this.connected) this.logger.warn('The bus (NATS) is away');
      this.connected = false;
    } else if (type === 'reconnect' && !this.connected) {
      this.logger.warn('The bus (NATS) is back');
      // Tells the others of us and asks who is there: nodes may have come and gone.
      await this.onConnected(true);
    }
  }
}
