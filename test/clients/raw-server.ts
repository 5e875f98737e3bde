/** A server that answers each packet as a test says, however wrong that is. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import mqttPacket, { type Packet } from 'mqtt-packet';

export type Answering = (packet: Packet, send: (answer: Packet | Buffer) => void, socket: Socket) => void;

export class RawServer {
  readonly packets: Packet[] = [];
  connections = 0;
  answer: Answering;
  readonly #sockets = new Set<Socket>();
  readonly url: string;
  #wakers: (() => void)[] = [];

  private constructor(port: number, answer: Answering) {
    this.url = `mqtt://127.0.0.1:${port}`;
    this.answer = answer;
  }

  static async start(t: TestContext, answer: Answering): Promise<RawServer> {
    const listener = createServer({ allowHalfOpen: true }, socket => server.#connected(socket));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const server = new RawServer((listener.address() as AddressInfo).port, answer);
    t.after(() => {
      listener.close();
      for (const socket of server.#sockets) socket.destroy();
    });
    return server;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>(resolve => this.#wakers.push(resolve));
  }

  of(cmd: Packet['cmd']): Packet[] {
    return this.packets.filter(it => it.cmd === cmd);
  }

  #connected(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    const parser = mqttPacket.parser({ protocolVersion: 5 });
    const send = (it: Packet | Buffer) =>
      void socket.write(Buffer.isBuffer(it) ? it : mqttPacket.generate(it, { protocolVersion: 5 }));
    parser.on('packet', packet => {
      this.packets.push(packet);
      this.answer(packet, send, socket);
      this.#wake();
    });
    socket.on('data', bytes => parser.parse(bytes));
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }
}

/** As a server should. */
export const good: Answering = (packet, send) => {
  const { messageId } = packet;
  if (packet.cmd === 'connect') send({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
  else if (packet.cmd === 'subscribe') send({ cmd: 'suback', messageId: messageId!, granted: [1, 1, 1] });
  else if (packet.cmd === 'publish' && packet.qos === 1) send({ cmd: 'puback', messageId: messageId!, reasonCode: 0 });
  else if (packet.cmd === 'pingreq') send({ cmd: 'pingresp' });
};
