import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { connect as connectNats } from 'nats';
import { startNats } from './nats.ts';
import { startRedis } from './redis.ts';
import { startServerProcess } from './server-process.ts';

const listens = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

test('NATS carries messages, and after a kill comes back at the same port', async t => {
  const nats = await startNats();
  t.after(() => nats.stop());
  const carries = async () => {
    const connection = await connectNats({ servers: nats.url });
    const answers = connection.subscribe('a', { callback: (_, message) => message.respond('b') });
    const answer = await connection.request('a');
    answers.unsubscribe();
    await connection.close();
    return answer.string();
  };
  assert.equal(await carries(), 'b');
  const { port } = nats;
  await nats.kill('SIGKILL');
  assert.equal(await listens(port), false);
  await nats.restart();
  assert.equal(nats.port, port);
  assert.equal(await carries(), 'b');
});

test('Redis keeps what it is told until it is killed, and comes back empty at the same port', async t => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const ask = async <T>(what: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis(redis.url);
    return what(client).finally(() => client.disconnect());
  };
  await ask(client => client.set('a', 'b'));
  assert.equal(await ask(client => client.get('a')), 'b');
  await redis.kill('SIGKILL');
  assert.equal(await listens(redis.port), false);
  await redis.restart();
  assert.equal(await ask(client => client.get('a')), null);
});

test('a server that can not start says why, also when another one answers at its port', async t => {
  const nats = await startNats();
  t.after(() => nats.stop());
  await assert.rejects(startNats({ port: nats.port }), /NATS ended before it was ready:\n.*address already in use/s);
});

test('servers end with the process that started them, also when it is killed', async t => {
  // Nobody removes the folders of a process that was killed.
  const folder = await mkdtemp(join(tmpdir(), 'skein-starter-'));
  await chmod(folder, 0o755);
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const starter = await startServerProcess({
    nodeArguments: ['test/support/servers-that-stay.ts'],
    env: { PATH: process.env.PATH ?? '', TMPDIR: folder },
    readyTimeoutMs: 30_000,
    readyWhen: output => /ports ([\d ]+)\./.exec(output)?.[1]?.split(' ').map(Number),
  });
  const ports = starter.ready;
  assert.equal(ports.length, 3);
  for (const port of ports) assert.equal(await listens(port), true);
  process.kill(starter.pid, 'SIGKILL');
  for (const port of ports) while (await listens(port)) await sleep(20);
});
