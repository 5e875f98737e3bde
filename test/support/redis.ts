/** A real Redis server of its own for a test, at a free port of 127.0.0.1. It keeps nothing on the disk. */
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { type LocalServer, startLocalServer } from './local-server.ts';
import { findProgram } from './server-binaries.ts';

export type RedisServer = LocalServer;

/** Resolves when it answers PING. @param args more flags of redis-server */
export async function startRedis({
  port,
  args = [],
}: {
  readonly port?: number;
  readonly args?: readonly string[];
} = {}): Promise<RedisServer> {
  const file = findProgram('redis-server');
  if (file === undefined) throw new Error('Redis is not installed: run `node test/support/install-servers.ts`');
  const own = port ?? (await freePort());
  return startLocalServer({
    name: 'Redis',
    file,
    args: [
      '--bind',
      '127.0.0.1',
      '--port',
      String(own),
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      tmpdir(),
      ...args,
    ],
    url: `redis://127.0.0.1:${own}`,
    port: own,
    saysWhenReady: 'Ready to accept connections',
    answers: () => pongs(own),
  });
}

async function pongs(port: number): Promise<boolean> {
  const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: null, connectTimeout: 1_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
