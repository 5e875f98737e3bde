/** An MQTT client that sends exactly what a test says, also what no honest client would. */
import { connect, type Socket } from 'node:net';
import mqtt from 'mqtt-packet';

export type RawClient = {
  send(packet: mqtt.Packet): void;
  /** The next packet of this kind. Rejects when the connection ends first. */
  next<K extends mqtt.Packet['cmd']>(cmd: K): Promise<Extract<mqtt.Packet, { cmd: K }>>;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  end(): void;
};

export type RawLogin = {
  readonly port: number;
  readonly version: 4 | 5;
  readonly username: string;
  readonly password: string;
  readonly clientId?: string;
};

/** Connects and waits for CONNACK. Rejects with its code when it is not zero. */
export async function rawConnect({
  port,
  version,
  username,
  password,
  clientId = 'raw',
}: RawLogin): Promise<RawClient> {
  const client = rawClient(connect({ host: '127.0.0.1', port, noDelay: true }), version);
  client.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: version,
    clean: true,
    clientId,
    keepalive: 60,
    username,
    password: Buffer.from(password),
  });
  const { returnCode, reasonCode } = await client.next('connack');
  const code = version === 5 ? reasonCode : returnCode;
  if (code !== 0) throw Object.assign(new Error(`CONNACK ${code}`), { code });
  return client;
}

function rawClient(socket: Socket, version: 4 | 5): RawClient {
  const parser = mqtt.parser({ protocolVersion: version });
  const received: mqtt.Packet[] = [];
  let waiting: { cmd: string; resolve(packet: mqtt.Packet): void; reject(error: Error): void } | undefined;
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()));
  void closed.then(() => waiting?.reject(new Error(`the connection was closed before ${waiting.cmd}`)));
  parser.on('packet', packet => {
    if (waiting?.cmd !== packet.cmd) return void received.push(packet);
    waiting.resolve(packet);
    waiting = undefined;
  });
  socket.on('data', chunk => parser.parse(chunk));
  socket.on('error', () => {});
  return {
    closed,
    send: packet => void socket.write(mqtt.generate(packet, { protocolVersion: version })),
    end: () => socket.destroy(),
    next: cmd => {
      const at = received.findIndex(packet => packet.cmd === cmd);
      if (at >= 0) return Promise.resolve(received.splice(at, 1)[0] as never);
      return new Promise((resolve, reject) => {
        if (socket.destroyed) reject(new Error(`the connection is closed; no ${cmd}`));
        waiting = { cmd, resolve: resolve as never, reject };
      });
    },
  };
}
