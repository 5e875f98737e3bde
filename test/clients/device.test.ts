import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { DEVICE_LIMITS, RefusedError, SkeinDevice } from '../../clients/device/skein-device.ts';
import { freePort } from '../support/free-port.ts';
import { connectedDevice, newFolder, startDevice } from './running-device.ts';
import { SmallBroker } from './small-broker.ts';

test('telemetry, reports and events arrive on their topics, in order, with what makes a repetition known', async t => {
  const broker = await SmallBroker.start(t);
  const { device } = await connectedDevice(t, {
    url: broker.url,
    nowMs: () => 1_767_268_800_000,
    newMessageId: () => 'm',
  });
  await device.telemetry({ temperature: 21.5 });
  await device.telemetry({ temperature: 22 }, 5);
  await device.report({ intervalMs: 1000 });
  await device.event('door', { open: true });
  await broker.until(() => broker.received.length === 4);
  assert.deepEqual(broker.received, [
    {
      topic: 'devices/d1/telemetry',
      content: { ts: 1_767_268_800_000, values: { temperature: 21.5 }, messageId: 'm' },
    },
    { topic: 'devices/d1/telemetry', content: { ts: 5, values: { temperature: 22 }, messageId: 'm' } },
    { topic: 'devices/d1/state', content: { intervalMs: 1000 } },
    {
      topic: 'devices/d1/events',
      content: { timestamp: '2026-01-01T12:00:00.000Z', messageId: 'm', open: true, type: 'door' },
    },
  ]);
});

test('a device connects by MQTT 5 with its key, and with its name behind that of its tenant', async t => {
  const broker = await SmallBroker.start(t);
  await connectedDevice(t, { url: broker.url, tenant: 'acme', deviceId: 'd1' });
  await connectedDevice(t, { url: broker.url, deviceId: 'd2', key: 'other' });
  assert.deepEqual(broker.connects, [
    { username: 'acme/d1', key: 'key', version: 5 },
    { username: 'd2', key: 'other', version: 5 },
  ]);
});

test('what was spooled without a server arrives when there is one, in order', async t => {
  const port = await freePort();
  const { device } = await startDevice(t, { url: `mqtt://127.0.0.1:${port}` });
  await Promise.all(Array.from({ length: 100 }, (_, n) => device.telemetry({ n })));
  assert.equal(device.figures.spooledMessages, 100);
  const broker = await SmallBroker.start(t, port);
  await broker.until(() => broker.received.length >= 100);
  const numbers = broker.of('/telemetry').map(it => (it.values as { n: number }).n);
  assert.deepEqual(
    numbers,
    Array.from({ length: 100 }, (_, n) => n),
  );
});

test('connections that are cut in the middle lose nothing', async t => {
  const broker = await SmallBroker.start(t);
  const { device } = await connectedDevice(t, { url: broker.url });
  for (let n = 0; n < 300; n++) {
    await device.telemetry({ n });
    if (n % 50 === 25) broker.cut();
  }
  const arrived = () => new Set(broker.of('/telemetry').map(it => (it.values as { n: number }).n));
  await broker.until(() => arrived().size === 300);
  const ids = new Map(broker.of('/telemetry').map(it => [(it.values as { n: number }).n, it.messageId]));
  assert.equal(new Set(ids.values()).size, 300);
  for (const { values, messageId } of broker.of('/telemetry'))
    assert.equal(ids.get((values as { n: number }).n), messageId);
});

test('a refused message is dropped with an error, and blocks nothing', async t => {
  const broker = await SmallBroker.start(t);
  broker.refuses = ({ content }) => 'bad' in content;
  const { device, errors } = await connectedDevice(t, { url: broker.url });
  await device.report({ good: 1 });
  await device.report({ bad: 1 });
  await device.report({ good: 2 });
  await broker.until(() => broker.received.length === 2);
  assert.deepEqual(broker.of('/state'), [{ good: 1 }, { good: 2 }]);
  const [error] = errors as RefusedError[];
  assert.ok(error instanceof RefusedError);
  assert.deepEqual([error.kind, error.reasonCode, error.payload.toString()], ['report', 0x87, '{"bad":1}']);
});

test('a message for which the server closes the connection is found, dropped, and the only one', async t => {
  const broker = await SmallBroker.start(t);
  broker.closesFor = ({ content }) => content.n === 10;
  const { device, errors } = await connectedDevice(t, { url: broker.url });
  await Promise.all(Array.from({ length: 20 }, (_, n) => device.report({ n })));
  const arrived = () => new Set(broker.of('/state').map(it => it.n));
  await broker.until(() => arrived().size === 19);
  assert.equal(arrived().has(10), false);
  const refused = errors.filter(it => it instanceof RefusedError);
  assert.deepEqual(
    refused.map(it => [it.reasonCode, it.payload.toString()]),
    [[0x95, '{"n":10}']],
  );
});

test('a message that is larger than the server takes is not even sent', async t => {
  const broker = await SmallBroker.start(t, 0, { maximumPacketSize: 4_096 });
  const { device, errors } = await connectedDevice(t, { url: broker.url });
  await device.report({ text: 'x'.repeat(4_096) });
  await device.report({ n: 1 });
  await broker.until(() => broker.received.length === 1);
  assert.deepEqual(broker.of('/state'), [{ n: 1 }]);
  assert.equal((errors[0] as RefusedError).reasonCode, 0x95);
});

test('a server that says nothing keeps no device from stopping, and what it did not acknowledge stays', async t => {
  const broker = await SmallBroker.start(t);
  broker.ignores = () => true;
  const { device } = await connectedDevice(t, { url: broker.url, limits: { stopTimeoutMs: 50 } });
  await device.report({ n: 1 });
  await device.stop();
  assert.equal(device.figures.spooledMessages, 1);
});

test('desired is applied and reported; an older version is ignored, a failure reports nothing', async t => {
  const broker = await SmallBroker.start(t);
  const applyDesired = (delta: object) => {
    if ('bad' in delta) throw new Error('can not');
    return { ...delta, applied: true };
  };
  const { errors } = await connectedDevice(t, { url: broker.url, applyDesired });
  for (const [version, delta] of [
    [3, { a: 1 }],
    [2, { a: 2 }],
    [4, { bad: 1 }],
    [5, { a: 5 }],
  ] as const)
    await broker.send('devices/d1/state/desired', { version, delta });
  await broker.until(() => broker.received.length === 2);
  assert.deepEqual(broker.of('/state'), [
    { a: 1, applied: true },
    { a: 5, applied: true },
  ]);
  assert.deepEqual(
    errors.map(it => it.message),
    ['can not'],
  );
});

test('applying that returns nothing reports nothing', async t => {
  const broker = await SmallBroker.start(t);
  const { device, errors } = await connectedDevice(t, { url: broker.url, applyDesired: async () => undefined });
  const applied = once(device, 'desired');
  await broker.send('devices/d1/state/desired', { version: 1, delta: { a: 1 } });
  await applied;
  await device.report({ last: true });
  await broker.until(() => broker.received.length === 1);
  assert.deepEqual([broker.of('/state'), errors], [[{ last: true }], []]);
});

test('after a reconnect an older version counts again: it is what the server has', async t => {
  const broker = await SmallBroker.start(t);
  const { device } = await connectedDevice(t, { url: broker.url });
  await broker.send('devices/d1/state/desired', { version: 7, delta: { a: 7 } });
  await broker.until(() => broker.of('/state').length === 1);
  const again = once(device, 'connected');
  broker.cut();
  await again;
  await broker.send('devices/d1/state/desired', { version: 1, delta: { a: 1 } });
  await broker.until(() => broker.of('/state').some(it => it.a === 1));
});

test('a device that asks for its twin gets it, and an error when the connection ends before', async t => {
  const broker = await SmallBroker.start(t);
  const { device } = await connectedDevice(t, { url: broker.url });
  const both = Promise.all([device.twin(), device.twin()]);
  await broker.until(() => broker.of('/state/get').length === 1);
  await broker.send('devices/d1/state/get/response', { reported: { a: 1 } });
  assert.deepEqual(await both, [{ reported: { a: 1 } }, { reported: { a: 1 } }]);
  const lost = assert.rejects(device.twin(), /Not connected/);
  await broker.until(() => broker.of('/state/get').length === 2);
  broker.cut();
  await lost;
});

test('a wrong option is refused at once', async t => {
  const folder = await newFolder(t);
  const make = (more: object) => () => new SkeinDevice({ url: 'mqtt://x', deviceId: 'd1', key: 'k', folder, ...more });
  assert.throws(make({ limits: { spoolMaxBytes: 1 } }), /spoolMaxBytes is 1/);
  assert.throws(make({ limits: { spoolBytes: 1 } }), /no limit "spoolBytes"/);
  assert.throws(make({ limits: { reconnectMinMs: 60_000, reconnectMaxMs: 1 } }), /reconnectMinMs is above/);
  assert.throws(make({ limits: { spoolMaxBytes: 2 ** 30 } }), /spoolMaxBytes is above 256 times/);
  assert.throws(make({ url: 'skein.example' }), /not an address/);
  assert.throws(make({ deviceId: 'a/b' }), /can not be a part of a topic/);
});

test('an error that nobody listens for does not end the process', async t => {
  const folder = await newFolder(t);
  const device = new SkeinDevice({ url: `mqtt://127.0.0.1:${await freePort()}`, deviceId: 'd1', key: 'k', folder });
  await device.start();
  await device.telemetry({ a: 1 });
  await device.stop();
  assert.equal(device.figures.spooledMessages, 1);
});

test('the page of the library has every limit with its default, its least and its most', async () => {
  const page = await readFile(new URL('../../clients/device/README.md', import.meta.url), 'utf8');
  const units: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
  const bare = (text: string) =>
    text.replace(/^(\d+) (\w+)$/, (_, n, unit) => String(Number(n) * (units[unit] ?? Number.NaN)));
  for (const [name, range] of Object.entries(DEVICE_LIMITS)) {
    const row = page.split('\n').find(line => line.startsWith('|') && line.includes(`\`${name}\``));
    assert.ok(row, name);
    const cells = row
      .split('|')
      .map(cell => cell.trim())
      .slice(1, 5);
    const place = cells[0]!.split(', ').indexOf(`\`${name}\``);
    const said = cells.slice(1).map(cell => bare(cell.split(', ')[place] ?? cell.split(', ')[0]!));
    assert.deepEqual(said, [range.default, range.min, range.max].map(String), name);
  }
});
