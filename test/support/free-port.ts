import { createServer } from 'node:net';

/**
 * A TCP port of 127.0.0.1 that nothing listened on a moment ago. For servers that must come back at the same port; what can
 * listen at port 0 should.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
