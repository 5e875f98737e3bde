import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTcpProxy } from './tcp-proxy.ts';

/** How long nothing has to come through before a test believes that nothing does. */
const SILENCE_MS = 100;

/** An echo server, with what it got, behind a proxy. */
async function startEcho(t: TestContext) {
  const sockets = new Set<Socket>();
  const got: string[] = [];
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', chunk => {
      got.push(chunk.toString());
      socket.write(chunk);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const proxy = await startTcpProxy((server.address() as { port: number }).port);
  t.after(async () => {
    await proxy.stop();
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  });
  return { proxy, got, sockets };
}

function openClient(t: TestContext, port: number) {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let heard = '';
  let failure: string | undefined;
  socket.on('data', chunk => {
    heard += chunk;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code;
  });
  return {
    socket,
    say: (text: string) => socket.write(text),
    heard: () => heard,
    failure: () => failure,
    closed: async () => {
      if (!socket.closed) await new Promise(resolve => socket.once('close', resolve));
    },
    hears: async (text: string) => {
      while (heard !== text) await sleep(2);
    },
  };
}

test('bytes go through in both directions, and so does the end of a connection', async t => {
  const { proxy } = await startEcho(t);
  const client = openClient(t, proxy.port);
  client.say('a');
  await client.hears('a');
  client.socket.end();
  await client.closed();
  while (proxy.connections() > 0) await sleep(2);
});

test('in a black hole connections stay, new ones hang, and what was sent arrives when it is healed', async t => {
  const { proxy, got } = await startEcho(t);
  const old = openClient(t, proxy.port);
  old.say('a');
  await old.hears('a');
  proxy.cut();
  old.say('b');
  const young = openClient(t, proxy.port);
  await once(young.socket, 'connect');
  young.say('c');
  await sleep(SILENCE_MS);
  assert.deepEqual([got, old.heard(), young.heard()], [['a'], 'a', '']);
  assert.deepEqual([old.failure(), young.failure()], [undefined, undefined]);
  await proxy.heal();
  await old.hears('ab');
  await young.hears('c');
});

test('a hole for answers lets what is said through, and keeps the answers back', async t => {
  const { proxy, got } = await startEcho(t);
  const client = openClient(t, proxy.port);
  client.say('a');
  await client.hears('a');
  proxy.cut('down');
  client.say('b');
  while (got.length < 2) await sleep(2);
  await sleep(SILENCE_MS);
  assert.equal(client.heard(), 'a');
  await proxy.heal();
  await client.hears('ab');
});

test('a hole for what is said lets the other side speak', async t => {
  const { proxy, got, sockets } = await startEcho(t);
  const client = openClient(t, proxy.port);
  client.say('a');
  await client.hears('a');
  proxy.cut('up');
  client.say('b');
  for (const socket of sockets) socket.write('z');
  await client.hears('az');
  assert.deepEqual(got, ['a']);
});

test('a closed connection behind a black hole is noticed only when it is healed', async t => {
  const { proxy, sockets } = await startEcho(t);
  const client = openClient(t, proxy.port);
  client.say('a');
  await client.hears('a');
  proxy.cut();
  for (const socket of sockets) socket.end('last');
  await sleep(SILENCE_MS);
  assert.equal(client.socket.readableEnded, false);
  await proxy.heal();
  await client.hears('alast');
  await client.closed();
});

test('a reset ends all connections and refuses new ones until it is healed', async t => {
  const { proxy } = await startEcho(t);
  const old = openClient(t, proxy.port);
  old.say('a');
  await old.hears('a');
  await proxy.reset();
  await old.closed();
  assert.equal(old.failure(), 'ECONNRESET');
  const refused = openClient(t, proxy.port);
  await refused.closed();
  assert.equal(refused.failure(), 'ECONNREFUSED');
  await proxy.heal();
  const client = openClient(t, proxy.port);
  client.say('b');
  await client.hears('b');
});
