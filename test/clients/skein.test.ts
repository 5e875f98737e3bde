/** The library against Skein itself. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startServerProcess } from '../support/server-process.ts';
import { registerDevice, type Skein, startSkein } from '../support/skein.ts';
import { connectedDevice, newFolder, startDevice } from './running-device.ts';

async function get(path: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${skein.adminKey}` };
  const response = await fetch(`http://127.0.0.1:${skein.httpPort}/api/v1${path}`, { headers });
  return (await response.json()) as Record<string, unknown>;
}

async function desire(device: string, patch: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${skein.httpPort}/api/v1/devices/${device}/twin/desired`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${skein.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(patch),
  });
  assert.equal(response.ok, true, await response.text());
}

/** Polls: REST has no event to wait for. */
async function eventually<T>(look: () => Promise<T>, holds: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look();
    if (holds(found)) return found;
    await setTimeout(20);
  }
}

let skein: Skein;
before(async () => {
  skein = await startSkein();
});
after(() => skein.stop());
const mqttUrl = () => `mqtt://127.0.0.1:${skein.mqttPort}`;

test('telemetry and reports of a device are in Skein, once each', async t => {
  const { deviceId, apiKey } = await registerDevice(skein, 'd1');
  const url = mqttUrl();
  const startMs = Date.now() - 1_000;
  const { device, errors } = await startDevice(t, { url, deviceId, key: apiKey });
  await Promise.all(Array.from({ length: 100 }, (_, n) => device.telemetry({ temperature: n }, startMs + n)));
  await device.report({ firmware: '1.0.0', battery: { percent: 90 } });
  await eventually(
    async () => device.figures,
    it => it.spooledMessages === 0,
  );
  const { items } = await get('/devices/d1/telemetry?limit=1000');
  assert.deepEqual(
    (items as { value: number }[]).map(it => it.value).sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, n) => n),
  );
  const { reported } = (await get('/devices/d1/twin')) as { reported: Record<string, unknown> };
  assert.match(JSON.stringify(reported), /"firmware":"1.0.0"/);
  assert.deepEqual(errors, []);
});

test('what is desired comes at the connect and at each change, is applied, and is reported', async t => {
  const { apiKey } = await registerDevice(skein, 'd2');
  await desire('d2', { intervalMs: 500 });
  const applied: object[] = [];
  const applyDesired = (delta: Readonly<Record<string, unknown>>) => {
    applied.push(delta);
    return delta;
  };
  await connectedDevice(t, { url: mqttUrl(), deviceId: 'd2', key: apiKey, applyDesired });
  await eventually(
    () => get('/devices/d2/twin'),
    it => JSON.stringify(it.reported).includes('500'),
  );
  await desire('d2', { intervalMs: 700 });
  await eventually(
    () => get('/devices/d2/twin'),
    it => JSON.stringify(it.reported).includes('700'),
  );
  assert.deepEqual(applied[0], { intervalMs: 500 });
  assert.deepEqual(applied.at(-1), { intervalMs: 700 });
});

test('a device that asks for its twin gets it', async t => {
  const { apiKey } = await registerDevice(skein, 'd3');
  const { device } = await connectedDevice(t, {
    url: mqttUrl(),
    deviceId: 'd3',
    key: apiKey,
  });
  await device.report({ a: 1 });
  await eventually(
    async () => device.figures,
    it => it.spooledMessages === 0,
  );
  assert.match(JSON.stringify(await device.twin()), /"a":1/);
});

test('a command is carried out once, and its answer is in Skein', async t => {
  const { apiKey } = await registerDevice(skein, 'd4');
  let runs = 0;
  const commands = {
    add: ({ a, b }: Readonly<Record<string, unknown>>) => ({ sum: Number(a) + Number(b), runs: ++runs }),
  };
  await connectedDevice(t, { url: mqttUrl(), deviceId: 'd4', key: apiKey, commands });
  const response = await fetch(`http://127.0.0.1:${skein.httpPort}/api/v1/devices/d4/commands?wait=20`, {
    method: 'POST',
    headers: { authorization: `Bearer ${skein.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ command: 'add', parameters: { a: 1, b: 2 } }),
  });
  const { state, result } = (await response.json()) as { state: string; result: unknown };
  assert.deepEqual([state, result], ['succeeded', { sum: 3, runs: 1 }]);
});

function startSimulator(folder: string, more: Readonly<Record<string, string>> = {}) {
  const options = {
    url: mqttUrl(),
    api: `http://127.0.0.1:${skein.httpPort}`,
    devices: '3',
    prefix: 'sim-',
    every: '20',
    folder,
    ...more,
  };
  return startServerProcess({
    nodeArguments: [
      'clients/simulator/main.ts',
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    env: { SKEIN_API_KEY: skein.adminKey },
    readyWhen: output => (/\d devices run/.test(output) ? true : undefined),
    readyTimeoutMs: 30_000,
  });
}
const keyIn = async (folder: string, device: string) =>
  JSON.parse(await readFile(join(folder, device, 'key.json'), 'utf8')) as { apiUrl: string; key: string };

test('the simulator registers its devices, sends, and ends when it is told; again it registers none anew', async t => {
  const folder = await newFolder(t);
  for (let run = 1; run <= 2; run++) {
    const simulator = await startSimulator(folder);
    await eventually(
      () => get('/devices/sim-3/telemetry/latest'),
      it => JSON.stringify(it).includes('temperature'),
    );
    const { code } = await simulator.kill('SIGINT');
    assert.equal(code, 0, simulator.output());
    assert.match(simulator.output(), /connected 0\/3, sent \d+, .* errors 0/);
  }
  const { items } = (await get('/devices?type=simulated')) as { items: unknown[] };
  assert.equal(items.length, 3);
});

test('the simulator gets new keys from a server that does not know its own', async t => {
  const folder = await newFolder(t);
  const options = { devices: '1', prefix: 'new-' };
  await mkdir(join(folder, 'new-1'));
  await writeFile(
    join(folder, 'new-1', 'key.json'),
    JSON.stringify({ apiUrl: `http://127.0.0.1:${skein.httpPort}`, key: 'of another server' }),
  );
  const simulator = await startSimulator(folder, options);
  await eventually(
    () => get('/devices/new-1/telemetry/latest'),
    it => JSON.stringify(it).includes('temperature'),
  );
  await assert.rejects(startSimulator(folder, options), /is in use by another/);
  await simulator.kill('SIGINT');
});

test('the simulator says what to do about a key that is refused, a device whose key is not there, and no server; no key is printed', async t => {
  const folder = await newFolder(t);
  const { apiKey } = await registerDevice(skein, 'odd-1');
  const options = { devices: '1', prefix: 'odd-' };
  await assert.rejects(startSimulator(folder, options), /odd-1 exists on .*--prefix/);
  await mkdir(join(folder, 'odd-1'), { recursive: true });
  const apiUrl = `http://127.0.0.1:${skein.httpPort}`;
  await writeFile(join(folder, 'odd-1', 'key.json'), JSON.stringify({ apiUrl, key: `${apiKey}-revoked` }));
  const simulator = await startSimulator(folder, options);
  await eventually(
    async () => simulator.output(),
    it => it.includes('does not know the key'),
  );
  await simulator.kill('SIGTERM');
  assert.ok(!simulator.output().includes(apiKey) && !simulator.output().includes(skein.adminKey));
  await assert.rejects(startSimulator(folder, { api: 'http://127.0.0.1:1' }), /can not be reached/);
  assert.equal((await keyIn(folder, 'odd-1')).key, `${apiKey}-revoked`);
});
