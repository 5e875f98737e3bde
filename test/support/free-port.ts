import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections (Linux: from 32768, RFC 6335: from 49152). Of those, one could be
 * taken by a connection while its server is down; even by a client that tries to reach that very server: TCP lets it connect
 * to itself (RFC 9293, section 3.5, simultaneous open), and the port is taken for good.
 */
const PORTS = { from: 12_000, to: 32_000 };
const TRIES = 50;

/**
 * A TCP port of 127.0.0.1 that nothing listened on a moment ago. For servers that must come back at the same port; what can
 * listen at port 0 should. Rejects when no port was found in 50 tries.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port in ${TRIES} tries`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
