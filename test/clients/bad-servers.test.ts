import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkeinDevice } from '../../clients/device/skein-device.ts';
import { type Answering, good, RawServer } from './raw-server.ts';
import { connectedDevice, newFolder, startDevice } from './running-device.ts';

const FAST = { connectTimeoutMs: 100, acknowledgementTimeoutMs: 100, stopTimeoutMs: 50 };

/** Wrong for the first three connections. */
const WRONG: Record<string, Answering> = {
  'closes at once': (_, _send, socket) => socket.destroy(),
  'says goodbye at once': (_, _send, socket) => socket.end(),
  'never answers CONNECT': () => {},
  'refuses, and leaves the connection open': (packet, send) => {
    if (packet.cmd === 'connect') send({ cmd: 'connack', reasonCode: 0x87, sessionPresent: false });
  },
  'answers CONNECT with what is no MQTT': (_, send) => send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
  'never answers SUBSCRIBE': (packet, send, socket) => {
    if (packet.cmd !== 'subscribe') good(packet, send, socket);
  },
  'closes after SUBSCRIBE': (packet, send, socket) => {
    if (packet.cmd === 'subscribe') socket.destroy();
    else good(packet, send, socket);
  },
  'never acknowledges': (packet, send, socket) => {
    if (packet.cmd !== 'publish') good(packet, send, socket);
  },
  'acknowledges with what is no MQTT': (packet, send, socket) => {
    if (packet.cmd === 'publish') send(Buffer.from([0xf0, 0xff, 0xff, 0xff, 0xff, 0xff]));
    else good(packet, send, socket);
  },
  'answers CONNECT twice': (packet, send, socket) => {
    good(packet, send, socket);
    if (packet.cmd === 'connect') good(packet, send, socket);
  },
  'acknowledges what was not sent': (packet, send) => {
    if (packet.cmd === 'publish') send({ cmd: 'puback', messageId: 60_000, reasonCode: 0 });
    else good(packet, send, undefined as never);
  },
};

for (const [what, wrong] of Object.entries(WRONG)) {
  test(`a server that ${what}: the device comes back, and what waits arrives when the server does well`, async t => {
    const server = await RawServer.start(t, (...args) => (server.connections > 3 ? good : wrong)(...args));
    const { device } = await startDevice(t, { url: server.url, limits: FAST });
    await device.report({ n: 1 });
    await server.until(() => server.connections > 3 && server.of('publish').length > 0);
    while (device.figures.spooledMessages > 0) await new Promise(setImmediate);
  });

  test(`a server that ${what}: the device can be stopped, which is no error`, async t => {
    const server = await RawServer.start(t, wrong);
    const { device, errors } = await startDevice(t, { url: server.url, limits: FAST });
    await device.report({ n: 1 });
    await server.until(() => server.connections > 0);
    const before = errors.length;
    await device.stop();
    assert.ok(errors.slice(before).every(it => !/Not subscribed/.test(it.message)));
    assert.equal(device.figures.spooledMessages, 1);
  });
}

test('a server that takes nothing any more keeps no device from stopping', async t => {
  const server = await RawServer.start(t, good);
  const { device } = await connectedDevice(t, { url: server.url, limits: FAST });
  // The goodbye arrives, and is not answered by an end of the connection.
  await device.stop();
  assert.equal(device.isConnected, false);
});

test('of a server that takes few at a time, one place is left for the question for the twin', async t => {
  let most = 0;
  const waiting: (() => void)[] = [];
  const server = await RawServer.start(t, (packet, send, socket) => {
    if (packet.cmd === 'connect')
      send({ cmd: 'connack', reasonCode: 0, sessionPresent: false, properties: { receiveMaximum: 3 } });
    else if (packet.cmd === 'publish') {
      waiting.push(() => good(packet, send, socket));
      most = Math.max(most, waiting.length);
      if (packet.topic.endsWith('state/get')) for (const answer of waiting.splice(0)) answer();
    } else good(packet, send, socket);
  });
  const { device } = await connectedDevice(t, {
    url: server.url,
    limits: { ...FAST, acknowledgementTimeoutMs: 60_000 },
  });
  await Promise.all(Array.from({ length: 10 }, (_, n) => device.report({ n })));
  await server.until(() => waiting.length === 2);
  const asked = assert.rejects(device.twin());
  await server.until(() => server.of('publish').length > 4);
  assert.equal(most, 3);
  await device.stop();
  await asked;
});

test('a message that is alone on its way when too much is on its way is not taken for a wrong one', async t => {
  const server = await RawServer.start(t, (packet, send, socket) => {
    if (packet.cmd === 'publish' && server.connections === 1) {
      send({ cmd: 'disconnect', reasonCode: 0x93 });
      socket.end();
    } else good(packet, send, socket);
  });
  const { device, errors } = await startDevice(t, { url: server.url });
  await device.report({ n: 1 });
  await server.until(() => server.connections > 1 && server.of('publish').length > 1);
  assert.deepEqual(
    errors.filter(it => it.name === 'RefusedError'),
    [],
  );
});

test('stopped at any time while it starts and connects, a device ends, and nothing of it goes on', async t => {
  const server = await RawServer.start(t, good);
  for (let turns = 0; turns < 60; turns++) {
    const folder = await newFolder(t);
    const device = new SkeinDevice({ url: server.url, deviceId: 'd1', key: 'k', folder, limits: FAST });
    const started = device.start();
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    await Promise.all([device.stop(), device.stop()]);
    await started;
    const { connections } = server;
    assert.equal(device.isConnected, false);
    await assert.rejects(device.telemetry({ a: 1 }), /not running/);
    await assert.rejects(device.start(), /started once/);
    const next = await startDevice(t, { url: server.url, folder });
    await next.device.stop();
    assert.ok(server.connections <= connections + 1);
  }
});
