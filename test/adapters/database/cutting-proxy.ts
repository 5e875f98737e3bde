/** A TCP proxy to a database that can fail at an exact moment of a commit, as networks and servers do. */
import { connect, createServer, type Socket } from 'node:net';

/**
 * `before-steps`: the connection is cut when the statements of a transaction arrive, and they get lost.
 * `before-commit`: when COMMIT arrives, and it gets lost. `after-commit`: COMMIT passes, and its answer gets lost.
 * `silence`: COMMIT passes, and nothing comes back any more, but the connection stays.
 */
export type Fault = 'none' | 'before-steps' | 'before-commit' | 'after-commit' | 'silence';

export type CuttingProxy = {
  readonly port: number;
  fault: Fault;
  /** How often the fault happened. */
  faults: number;
  close(): Promise<void>;
};

export async function startCuttingProxy(targetPort: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    const target = connect(targetPort, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    let answersLost = false;
    client.on('data', bytes => {
      const lost = hit(bytes);
      if (lost === undefined) target.write(bytes);
      else if (lost) client.destroy();
      else {
        answersLost = true;
        target.write(bytes);
      }
    });
    target.on('data', bytes => {
      if (!answersLost) client.write(bytes);
      else if (proxy.fault === 'after-commit') client.destroy();
    });
  });
  /** Undefined: nothing happens. True: the bytes are lost. False: their answer will be. */
  const hit = (bytes: Buffer): boolean | undefined => {
    const steps = proxy.fault === 'before-steps' && bytes.includes('PGCOPY');
    const commit = proxy.fault !== 'none' && proxy.fault !== 'before-steps' && bytes.includes('COMMIT\0');
    if (!steps && !commit) return undefined;
    proxy.faults++;
    return proxy.fault === 'before-steps' || proxy.fault === 'before-commit';
  };
  const proxy: CuttingProxy = {
    port: 0,
    fault: 'none',
    faults: 0,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(proxy, { port: (server.address() as { port: number }).port });
}
