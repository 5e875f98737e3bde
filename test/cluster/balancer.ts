/** What stands before the nodes in production: one address, behind which each connection goes to the next node that takes it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Balancer = { readonly port: number; stop(): Promise<void> };

/** @param ports of all nodes, running or not */
export async function startBalancer(ports: () => readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let next = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  };
  const lead = async (device: Socket) => {
    const all = ports();
    const first = next++;
    for (let i = 0; i < all.length && !device.destroyed; i++) {
      const node = connect(all[(first + i) % all.length]!, '127.0.0.1');
      keep(node);
      if (await isConnected(node)) return join(device, node);
    }
    device.destroy();
  };
  const server = createServer({ pauseOnConnect: true }, device => {
    keep(device);
    void lead(device);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise(resolve => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const isConnected = (socket: Socket): Promise<boolean> =>
  new Promise(resolve => {
    socket.once('connect', () => resolve(true));
    socket.once('close', () => resolve(false));
  });

function join(one: Socket, other: Socket): void {
  one.once('close', () => other.destroy());
  other.once('close', () => one.destroy());
  one.pipe(other);
  other.pipe(one);
}
