/** One MQTT 3.1.1 connection that publishes, subscribes and acknowledges at QoS 1, and does nothing else: it costs next to nothing. */
import { connect, type Socket } from 'node:net';
import { endOfPacket } from './packet-scanner.ts';
import { connectPacket, DISCONNECT, pubackPacket, publishPacket, readPublish, subscribePacket } from './packets.ts';

const KEEP_ALIVE_SECONDS = 600;
const CONNACK = 2;
const PUBLISH = 3;
const SUBACK = 9;
const MAX_PACKET_ID = 65_535;
const FAILURE = 0x80;

export type LinkOptions = {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /**
   * What comes on any subscription, already acknowledged. What this answers is published, with the acknowledgement in the same write.
   */
  readonly receive: (
    topic: string,
    payload: Buffer,
  ) => { readonly topic: string; readonly payload: string } | undefined;
};

export class MqttLink {
  readonly #socket: Socket;
  readonly #receive: LinkOptions['receive'];
  #rest: Buffer = Buffer.alloc(0);
  #lastId = 0;
  /** Of CONNACK, and after that of SUBACK: the code that it has at its end. */
  #answered = Promise.withResolvers<number>();

  /** Resolves when the server let it in. */
  static async open(options: LinkOptions): Promise<MqttLink> {
    const { port, username, password } = options;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const link = new MqttLink(socket, options.receive);
    socket.once('connect', () => socket.write(connectPacket(username, username, password, KEEP_ALIVE_SECONDS)));
    const code = await link.#answered.promise;
    if (code !== 0) throw new Error(`${username} was refused with ${code}`);
    return link;
  }

  private constructor(socket: Socket, receive: LinkOptions['receive']) {
    this.#socket = socket;
    this.#receive = receive;
    socket.on('data', chunk => this.#read(chunk));
    socket.on('error', error => this.#answered.reject(error));
    socket.on('close', () => this.#answered.reject(new Error('The server closed the connection')));
    // It may close when nobody waits for an answer.
    this.#answered.promise.catch(() => {});
  }

  /** Resolves when the server said that it will send at QoS 1 what is published there. */
  async subscribe(topic: string): Promise<void> {
    this.#answered = Promise.withResolvers();
    this.#answered.promise.catch(() => {});
    this.#socket.write(subscribePacket(this.#nextId(), topic));
    if ((await this.#answered.promise) >= FAILURE) throw new Error(`The subscription to ${topic} was refused`);
  }

  publish(topic: string, payload: string): void {
    this.#socket.write(publishPacket(this.#nextId(), topic, payload));
  }

  close(): void {
    this.#socket.end(DISCONNECT);
    this.#socket.destroySoon();
  }

  #nextId(): number {
    this.#lastId = this.#lastId === MAX_PACKET_ID ? 1 : this.#lastId + 1;
    return this.#lastId;
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const answers: Buffer[] = [];
    let at = 0;
    for (let end = next(bytes, at); end !== undefined; end = next(bytes, at)) {
      this.#take(bytes.subarray(at, end), answers);
      at = end;
    }
    this.#rest = bytes.subarray(at);
    if (answers.length > 0) this.#socket.write(Buffer.concat(answers));
  }

  #take(packet: Buffer, answers: Buffer[]): void {
    const kind = packet[0]! >> 4;
    if (kind === CONNACK || kind === SUBACK) this.#answered.resolve(packet.at(-1)!);
    if (kind !== PUBLISH) return;
    const { topic, packetId, payload } = readPublish(packet);
    if (packetId !== undefined) answers.push(pubackPacket(packetId));
    const said = this.#receive(topic, payload);
    if (said !== undefined) answers.push(publishPacket(this.#nextId(), said.topic, said.payload));
  }
}

/** Where the packet at `at` ends; undefined: it is not all there. */
function next(bytes: Buffer, at: number): number | undefined {
  const end = at < bytes.length ? endOfPacket(bytes, at) : undefined;
  return end !== undefined && end <= bytes.length ? end : undefined;
}
