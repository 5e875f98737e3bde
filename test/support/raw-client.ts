/** An MQTT client that does exactly what it is told, packet by packet, and hides nothing. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet';

export type Version = 4 | 5;
export const VERSIONS: readonly Version[] = [4, 5];
// biome-ignore lint/suspicious/noExplicitAny: the fields of a packet depend on its kind, and the tests compare them
type AnyPacket = any;

export class RawClient {
  readonly socket: Socket;
  readonly version: Version;
  readonly packets: AnyPacket[] = [];
  isClosed = false;
  #taken = 0;
  #changed: () => void = () => {};

  constructor(socket: Socket, version: Version) {
    this.socket = socket;
    this.version = version;
    const reading = parser({ protocolVersion: version });
    reading.on('packet', packet => {
      this.packets.push(packet);
      this.#changed();
    });
    socket.on('data', bytes => reading.parse(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#changed();
    });
  }

  send(packet: Record<string, unknown>): void {
    this.socket.write(this.bytesOf(packet));
  }

  bytesOf(packet: Record<string, unknown>): Buffer {
    return generate(packet as unknown as Packet, { protocolVersion: this.version });
  }

  publish(topic: string, payload: string, more: Record<string, unknown> = {}): void {
    this.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false, ...more });
  }

  subscribe(filters: readonly string[], qos = 1, properties?: object): void {
    const subscriptions = filters.map(topic => ({ topic, qos, nl: false, rap: false, rh: 0 }));
    this.send({ cmd: 'subscribe', messageId: 1, subscriptions, properties });
  }

  /** The next packet that was not taken yet; undefined when the connection ends without one. */
  async next(): Promise<AnyPacket> {
    while (this.#taken === this.packets.length && !this.isClosed)
      await new Promise<void>(resolve => {
        this.#changed = resolve;
      });
    return this.packets[this.#taken++];
  }

  /** The next packet of this kind; those before it are passed over. Rejects when the connection ends first. */
  async nextOf(cmd: string): Promise<AnyPacket> {
    for (;;) {
      const packet = await this.next();
      if (packet?.cmd === cmd) return packet;
      if (packet === undefined) throw new Error(`the connection ended before ${cmd}`);
    }
  }

  async closed(): Promise<void> {
    // Not `once`: what is still being sent when the server closes ends in ECONNRESET, as it should.
    if (!this.isClosed) await new Promise<void>(resolve => this.socket.once('close', () => resolve()));
  }

  /** Proves that all that was sent before was read: the answer to a PING comes behind it. */
  async ping(): Promise<void> {
    this.send({ cmd: 'pingreq' });
    await this.nextOf('pingresp');
  }
}

/** A socket that has said nothing yet; destroyed when the test ends. */
export async function openRaw(t: TestContext, port: number, version: Version = 4): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return new RawClient(socket, version);
}

export type Connecting = Partial<IConnectPacket> & { username?: string; key?: string };

export const connectPacket = (version: Version, { username, key, ...more }: Connecting): Record<string, unknown> => ({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: version,
  clean: true,
  clientId: 'raw',
  keepalive: 60,
  username,
  password: key,
  ...more,
});

/** Connects as device `d1` unless told otherwise. The CONNACK is the first packet, and taken. */
export async function connectRaw(
  t: TestContext,
  port: number,
  version: Version = 4,
  connecting: Connecting = {},
): Promise<RawClient & { connack: AnyPacket }> {
  const client = await openRaw(t, port, version);
  client.send(connectPacket(version, { username: 'd1', key: 'device', ...connecting }));
  return Object.assign(client, { connack: await client.next() });
}
