import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { countAcknowledged, isAcknowledgedIn } from '../../../bench/load/ack-ledger.ts';
import { endOfPacket } from '../../../bench/load/packet-scanner.ts';
import { type Load, startLoad } from '../../support/mqtt-load.ts';

type Publish = { readonly id: number; readonly dup: boolean; readonly ts: number };

/** A server that lets everyone in and leaves it to the test what is answered. */
async function startServer(t: TestContext, onPublish: (publish: Publish, socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', chunk => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = endOfPacket(rest, 0); end !== undefined && end <= rest.length; end = endOfPacket(rest, 0)) {
        const packet = rest.subarray(0, end);
        rest = rest.subarray(end);
        if (packet[0]! >> 4 === 1) socket.write(Buffer.from([0x20, 2, 0, 0]));
        else if (packet[0]! >> 4 === 3) onPublish(publishIn(packet), socket);
      }
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  });
  return (server.address() as { port: number }).port;
}

function publishIn(packet: Buffer): Publish {
  const text = packet.toString('latin1');
  const payloadAt = text.indexOf('{');
  return {
    id: packet.readUInt16BE(payloadAt - 2),
    dup: (packet[0]! & 0x08) !== 0,
    ts: JSON.parse(text.slice(payloadAt)).ts,
  };
}
const puback = (socket: Socket, id: number) => socket.write(Buffer.from([0x40, 2, id >> 8, id & 0xff]));

async function oneDevice(t: TestContext, port: number, window: number): Promise<Load> {
  const device = { deviceId: 'd1', username: 'd1', password: 'x', payload: 'timestamp' } as const;
  const load = await startLoad({ port, devices: [device], window, reconnectDelayMs: 10 });
  t.after(() => load.stop());
  return load;
}

test('what was not acknowledged is sent again after a reconnect, as itself, and only then is anything new', async t => {
  const seen: Publish[] = [];
  const WINDOW = 4;
  const port = await startServer(t, (publish, socket) => {
    seen.push(publish);
    // The first two of the first window are answered; then the connection is lost.
    if (seen.length === WINDOW) {
      for (const { id } of seen.slice(0, 2)) puback(socket, id);
      setTimeout(() => socket.destroy(), 50);
    } else if (publish.dup) puback(socket, publish.id);
  });
  const load = await oneDevice(t, port, WINDOW);
  await load.begin({ pace: { kind: 'closed' }, baseMs: 1_000_000_000_000 });
  while (seen.filter(it => it.dup).length < WINDOW) await sleep(5);
  const again = seen.filter(it => it.dup).slice(0, WINDOW);
  const lost = new Set(again.map(it => it.ts));
  assert.deepEqual([...lost], [1_000_000_000_002, 1_000_000_000_003, 1_000_000_000_004, 1_000_000_000_005]);
  for (const { ts, id } of again) assert.equal(seen.find(it => it.ts === ts)?.id, id);
});

test('the ledger has what was acknowledged and nothing else', async t => {
  const port = await startServer(t, (publish, socket) => {
    if (publish.ts % 2 === 0) puback(socket, publish.id);
  });
  const load = await oneDevice(t, port, 10);
  await load.begin({ pace: { kind: 'closed' }, baseMs: 1_000_000_000_000 });
  assert.equal(await load.drain(300), false, 'every second one is never answered');
  const ledger = await load.ledger();
  const [entry] = ledger;
  for (let sequence = 0; sequence < entry!.sent; sequence++)
    assert.equal(isAcknowledgedIn(entry!, sequence), sequence % 2 === 0);
  assert.equal(countAcknowledged(ledger), Math.ceil(entry!.sent / 2));
  const { acknowledged, inFlight } = await load.report();
  assert.equal(acknowledged, countAcknowledged(ledger));
  assert.equal(acknowledged + inFlight, entry!.sent);
});

test('in an open loop a message that waits for the server is measured from when it was due', async t => {
  let silent = true;
  const held: (() => void)[] = [];
  const port = await startServer(t, (publish, socket) => {
    const answer = () => puback(socket, publish.id);
    if (silent) held.push(answer);
    else answer();
  });
  const load = await oneDevice(t, port, 1);
  await load.begin({ pace: { kind: 'open', messagesPerSecond: 100, whenFull: 'delay' }, baseMs: 1_000_000_000_000 });
  await sleep(500);
  silent = false;
  for (const answer of held) answer();
  while ((await load.report()).acknowledged < 40) await sleep(5);
  // With a window of one nothing could be sent in the silence; a loop that waited would know of one slow message only.
  const { latency } = await load.report();
  assert.ok(latency.p50 > 100, `a median of ${latency.p50} ms hides the silence`);
});

test('an open loop that skips gives up what can not leave, and says how much', async t => {
  const port = await startServer(t, () => {});
  const load = await oneDevice(t, port, 5);
  const pace = { kind: 'open', messagesPerSecond: 1_000, whenFull: 'skip' } as const;
  await load.begin({ pace, baseMs: 1_000_000_000_000 });
  await sleep(300);
  await load.drain(0);
  const { sent, skipped } = await load.report();
  assert.equal(sent, 5);
  assert.ok(skipped > 0);
});
