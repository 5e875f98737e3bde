/** A real MQTT broker that has nothing of Skein: what devices send is written down, and commands go out until they are answered. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Aedes, type AedesOptions } from 'aedes';

export type Received = { readonly topic: string; readonly content: Record<string, unknown> };
export type Acknowledgement = { id: string; status: string; result?: unknown; error?: unknown };

type Closing = { disconnect(how: { reasonCode: number }, done: () => void): void };

export class SmallBroker {
  readonly received: Received[] = [];
  readonly connects: {
    readonly username: string | undefined;
    readonly key: string | undefined;
    readonly version: number;
  }[] = [];
  /** Answers PUBACK 0x87 for those where it is true. */
  refuses: (message: Received) => boolean = () => false;
  /** Answers nothing to those. */
  ignores: (message: Received) => boolean = () => false;
  /** Gets what lets a message in. */
  delays: ((go: () => void) => void) | undefined;
  /** Closes the connection with 0x95 for those. */
  closesFor: (message: Received) => boolean = () => false;
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #wakers: (() => void)[] = [];

  private constructor(aedes: Aedes) {
    this.#aedes = aedes;
    this.#server = createServer(socket => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
    aedes.authorizePublish = (client, packet, callback) => {
      const message = { topic: packet.topic, content: JSON.parse(packet.payload.toString()) };
      if (this.ignores(message)) return;
      if (this.closesFor(message)) return (client as unknown as Closing).disconnect({ reasonCode: 0x95 }, () => {});
      if (this.refuses(message)) return callback(new Error('not this one'));
      const letIn = () => {
        this.received.push(message);
        callback(null);
        this.#wake();
      };
      if (this.delays) this.delays(letIn);
      else letIn();
    };
    aedes.authenticate = (client, username, password, done) => {
      this.connects.push({
        username,
        key: password?.toString(),
        version: (client as unknown as { version: number }).version,
      });
      done(null, true);
    };
    aedes.on('subscribe', () => this.#wake());
    aedes.on('clientDisconnect', () => this.#wake());
  }

  static async start(t: TestContext, port = 0, options: AedesOptions = {}): Promise<SmallBroker> {
    const broker = new SmallBroker(await Aedes.createBroker(options));
    broker.#server.listen(port, '127.0.0.1');
    await once(broker.#server, 'listening');
    t.after(() => broker.stop());
    return broker;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Payloads of one topic, in order. */
  of(ending: string): Record<string, unknown>[] {
    return this.received.filter(it => it.topic.endsWith(ending)).map(it => it.content);
  }
  get acknowledgements(): Acknowledgement[] {
    return this.of('/commands/ack') as Acknowledgement[];
  }
  answerTo(id: string): Acknowledgement | undefined {
    return this.acknowledgements.find(it => it.id === id && it.status !== 'accepted');
  }

  send(topic: string, content: unknown): Promise<void> {
    const payload = Buffer.from(JSON.stringify(content));
    return new Promise((resolve, reject) => {
      const packet = { cmd: 'publish', qos: 1, dup: false, retain: false, topic, payload } as const;
      this.#aedes.publish(packet, error => (error ? reject(error) : resolve()));
    });
  }
  command(device: string, id: string, command: string, more: Record<string, unknown> = {}): Promise<void> {
    return this.send(`devices/${device}/commands`, { id, command, parameters: {}, attempt: 1, ...more });
  }

  /** Resolves when it is true; looked at after everything that a client does. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>(resolve => this.#wakers.push(resolve));
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    // A device that comes now would wait for an answer that nobody gives.
    this.cut();
    await closed;
    await new Promise<void>(resolve => this.#aedes.close(resolve));
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}
