import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadOptions } from '../../../bench/load/load.ts';
import { endOfPacket } from '../../../bench/load/packet-scanner.ts';
import { startLoad } from '../../support/mqtt-load.ts';

/** A server that acknowledges everything while `answers`, and is silent otherwise, also to a CONNECT. */
async function startServer(t: TestContext) {
  const sockets = new Set<Socket>();
  const state = { answers: true };
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', chunk => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = endOfPacket(rest, 0); end !== undefined && end <= rest.length; end = endOfPacket(rest, 0)) {
        const packet = rest.subarray(0, end);
        rest = rest.subarray(end);
        if (!state.answers) continue;
        if (packet[0]! >> 4 === 1) socket.write(Buffer.from([0x20, 2, 0, 0]));
        const idAt = packet.indexOf('{') - 2;
        if (packet[0]! >> 4 === 3) socket.write(Buffer.from([0x40, 2, packet[idAt]!, packet[idAt + 1]!]));
      }
    });
  });
  const close = async () => {
    const closed = new Promise(resolve => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => (server.listening ? close() : undefined));
  return { port: (server.address() as { port: number }).port, sockets, state, close };
}
type Server = Awaited<ReturnType<typeof startServer>>;

async function loadOn(t: TestContext, servers: readonly Server[], more: Partial<LoadOptions> = {}) {
  const devices = ['d1', 'd2', 'd3', 'd4'].map(deviceId => ({
    deviceId,
    username: deviceId,
    password: 'x',
    payload: 'timestamp' as const,
  }));
  const port = servers.map(server => server.port);
  const load = await startLoad({ port, devices, window: 2, reconnectDelayMs: 10, ...more });
  t.after(() => load.stop());
  await load.begin({
    pace: { kind: 'open', messagesPerSecond: 400, whenFull: 'delay' },
    baseMs: 1_000_000_000_000,
  });
  const portsAre = async (...wanted: Server[]) => {
    const ports = wanted.map(server => server.port);
    for (;;) {
      const devices = await load.devices();
      if (devices.every((it, i) => it.connected && it.port === ports[i])) return;
      await sleep(5);
    }
  };
  return { load, portsAre };
}

test('devices begin at different nodes, and go to the next when theirs is gone', async t => {
  const [a, b] = [await startServer(t), await startServer(t)];
  const { load, portsAre } = await loadOn(t, [a, b]);
  await portsAre(a, b, a, b);
  await a.close();
  await portsAre(b, b, b, b);
  const { lost, timeouts } = await load.report();
  assert.deepEqual([lost, timeouts], [2, 0]);
});

test('a device whose node falls silent goes to the next and sends again what it was not acknowledged', async t => {
  const [a, b] = [await startServer(t), await startServer(t)];
  const { load, portsAre } = await loadOn(t, [a, b], { connectTimeoutMs: 200, silenceTimeoutMs: 300 });
  await portsAre(a, b, a, b);
  a.state.answers = false;
  await portsAre(b, b, b, b);
  assert.equal(await load.drain(5_000), true);
  assert.ok((await load.report()).timeouts >= 2);
});

test('a device with nothing to wait for does not take silence for an end', async t => {
  const a = await startServer(t);
  const { load } = await loadOn(t, [a], { silenceTimeoutMs: 300 });
  await load.drain(5_000);
  await sleep(600);
  const { connected, lost } = await load.report();
  assert.deepEqual([connected, lost], [4, 0]);
});

test('a silence is in the waits of the devices until the next mark', async t => {
  const SILENT_MS = 300;
  const a = await startServer(t);
  const { load } = await loadOn(t, [a]);
  await load.mark();
  a.state.answers = false;
  await sleep(SILENT_MS);
  for (const { longestGapMs, longestWaitMs } of await load.devices()) {
    // What was answered last and what was asked first are at most a few turns away from the begin of the silence.
    assert.ok(longestGapMs > SILENT_MS / 2, `a gap of ${longestGapMs} ms`);
    assert.ok(longestWaitMs > SILENT_MS / 2, `a wait of ${longestWaitMs} ms`);
  }
  a.state.answers = true;
  for (const socket of a.sockets) socket.destroy();
  await load.drain(5_000);
  await load.mark();
  for (const { longestWaitMs } of await load.devices()) assert.equal(longestWaitMs, 0);
});
