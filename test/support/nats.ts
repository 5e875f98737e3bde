/** A real NATS server of its own for a test, at a free port of 127.0.0.1. */
import { connect } from 'node:net';
import { freePort } from './free-port.ts';
import { type LocalServer, startLocalServer } from './local-server.ts';
import { findProgram } from './server-binaries.ts';

export type NatsServer = LocalServer;

/** Resolves when it takes connections. @param args more flags of nats-server */
export async function startNats({
  port,
  args = [],
}: {
  readonly port?: number;
  readonly args?: readonly string[];
} = {}): Promise<NatsServer> {
  const file = findProgram('nats-server');
  if (file === undefined) throw new Error('NATS is not installed: run `node test/support/install-servers.ts`');
  const own = port ?? (await freePort());
  return startLocalServer({
    name: 'NATS',
    file,
    args: ['--addr', '127.0.0.1', '--port', String(own), ...args],
    url: `nats://127.0.0.1:${own}`,
    port: own,
    saysWhenReady: 'Server is ready',
    answers: () => greets(own),
  });
}

/** A NATS server speaks first: `INFO {...}`. https://docs.nats.io/reference/reference-protocols/nats-protocol#info */
const greets = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.once('data', chunk => end(chunk.toString('latin1').startsWith('INFO ')));
  });
