import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'nats';
import { startWatchedNats } from '../../../bench/cluster/nats-traffic.ts';
import { parentOf } from '../../../bench/measure/process-usage.ts';

async function startServer(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'skein-nats-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const server = await startWatchedNats(folder);
  t.after(() => server.stop());
  return server;
}

test('a message counts once as published, and once for each who gets it as delivered, with its bytes', async t => {
  const server = await startServer(t);
  const client = await connect({ servers: server.url });
  t.after(() => client.close());
  const subscribers = [client.subscribe('a'), client.subscribe('a')];
  await client.flush();
  const before = await server.traffic();
  client.publish('a', new Uint8Array(100));
  client.publish('a', new Uint8Array(20));
  // Answers come in order, so behind this one is what the server delivered before.
  await client.flush();
  assert.deepEqual(
    subscribers.map(it => it.getPending()),
    [2, 2],
  );
  const after = await server.traffic();
  const grown = Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - before[name as keyof typeof before]]),
  );
  assert.deepEqual(grown, { inMessages: 2, inBytes: 120, outMessages: 4, outBytes: 240 });
});

test('its process is one that this one started', async t => {
  const server = await startServer(t);
  assert.equal(parentOf(server.pid), process.pid);
});
