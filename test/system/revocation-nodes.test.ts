/** What one node revokes closes connections of another one: by the bus, and without it by the table alone. Real processes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { connectPacket, RawClient } from '../support/raw-client.ts';
import { registerDevice } from '../support/skein.ts';

let cluster: Cluster;
let adminKey: string;
const sockets: ReturnType<typeof connect>[] = [];
before(async () => {
  cluster = await startCluster({ nodes: 2, postgres: { fsync: false } });
  ({ adminKey } = cluster.nodes[0]!.skein);
  // Until the nodes know of each other nothing goes over the bus.
  while ((await ask('/health/services', 'GET')).mqtt.figures.otherNodes !== 1) await sleep(100);
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  await cluster?.stop();
});

async function ask(path: string, method: string, body?: object) {
  const response = await fetch(`http://127.0.0.1:${cluster.nodes[0]!.httpPort}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** To the second node. */
async function connectThere(username: string, key: string): Promise<RawClient> {
  const socket = connect({ port: cluster.nodes[1]!.mqttPort, host: '127.0.0.1' });
  sockets.push(socket);
  await once(socket, 'connect');
  const client = new RawClient(socket, 5);
  client.send(connectPacket(5, { username, key, clientId: username }));
  assert.equal((await client.next()).reasonCode, 0);
  await client.ping();
  return client;
}

const idOf = (key: string): string => key.split('_')[1]!;

/** A device and a program at the second node; both are revoked at the first. Answers how long each connection lived on. */
async function revokeThere(device: string, connected = () => {}): Promise<number[]> {
  const { apiKey } = await registerDevice(cluster.nodes[0]!.skein, device);
  const program = await ask('/api-keys', 'POST', { name: `program ${device}`, roles: ['viewer'] });
  const clients = [await connectThere(device, apiKey), await connectThere(`program-${device}`, program.key)];
  connected();
  const beginMs = performance.now();
  const told = clients.map(async client => {
    assert.equal((await client.nextOf('disconnect')).reasonCode, 0x98);
    return performance.now() - beginMs;
  });
  await ask(`/devices/${device}/keys/${idOf(apiKey)}`, 'DELETE');
  await ask(`/api-keys/${idOf(program.key)}`, 'DELETE');
  const livedMs = await Promise.all(told);
  await assert.rejects(connectThere(device, apiKey), 'what was revoked does not come back');
  return livedMs;
}

const shown = (times: readonly number[]) => times.map(it => `${Math.round(it)} ms`).join(' and ');

test('what is revoked at one node closes connections at another', async t => {
  t.diagnostic(`a device and a program, by the bus: ${shown(await revokeThere('d1'))}`);
});

test('so it does while the bus is cut', async t => {
  const livedMs = await revokeThere('d2', () => cluster.nodes[1]!.cutFrom('nats'));
  t.diagnostic(`a device and a program, by the table alone: ${shown(livedMs)}`);
});
