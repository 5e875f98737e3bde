import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connectAsync } from 'mqtt';
import { generate } from 'mqtt-packet';
import { WebSocket } from 'ws';
import { LIMITS } from '../../../../contracts/limits.ts';
import { connectPacket, VERSIONS } from '../../../support/raw-client.ts';
import { type Running, startMqtt, until } from './running-mqtt.ts';

async function startOnHttp(t: TestContext): Promise<Running & { http: Server; url: string }> {
  const http = createServer((_request, response) => response.end('page'));
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  t.after(() => http.close());
  const running = await startMqtt(t, { http });
  return { ...running, http, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

for (const protocolVersion of VERSIONS)
  test(`MQTT ${protocolVersion} over WebSocket: devices and applications work as over TCP`, async t => {
    const { url, ingress, protocol } = await startOnHttp(t);
    const application = await connectAsync(`${url}/mqtt`, { protocolVersion, username: 'a', password: 'application' });
    const device = await connectAsync(`${url}/mqtt?x=1`, { protocolVersion, username: 'd1', password: 'device' });
    const seen: string[] = [];
    application.on('message', (_topic, payload) => seen.push(payload.toString()));
    await application.subscribeAsync('devices/#', { qos: 1 });
    for (const qos of [0, 1, 2] as const) await device.publishAsync('devices/d1/telemetry', `${qos}`, { qos });
    await until(() => seen.length === 3);
    assert.deepEqual(
      [ingress.texts, seen],
      [
        ['0', '1', '2'],
        ['0', '1', '2'],
      ],
    );
    const closed = new Promise<void>(resolve => device.once('close', resolve));
    device.options.reconnectPeriod = 0;
    application.options.reconnectPeriod = 0;
    await protocol.stop();
    await closed;
    await Promise.all([device.endAsync(true), application.endAsync(true)]);
  });

test('a path that is not /mqtt, and a client that does not offer the subprotocol, are refused; pages are served', async t => {
  const { url } = await startOnHttp(t);
  const refusal = async (address: string, protocols: string[]) => {
    const socket = new WebSocket(address, protocols);
    const [error] = await once(socket, 'error').catch(error => [error]);
    return (error as Error).message;
  };
  assert.match(await refusal(`${url}/other`, ['mqtt']), /404/);
  assert.match(await refusal(`${url}/mqtt`, []), /400/);
  assert.match(await refusal(`${url}/mqtt`, ['chat']), /400/);
  const page = await new Promise<number | undefined>(resolve =>
    get(url.replace('ws', 'http'), response => resolve(response.resume().statusCode)),
  );
  assert.equal(page, 200);
});

test('another listener for upgrades gets its own paths', async t => {
  const { url, http } = await startOnHttp(t);
  http.on('upgrade', (request, socket) => {
    if (request.url === '/other') socket.end('HTTP/1.1 418 Teapot\r\nConnection: close\r\n\r\n');
  });
  const [error] = await once(new WebSocket(`${url}/other`), 'error').catch(error => [error]);
  assert.match((error as Error).message, /418/);
});

async function rawWebSocket(t: TestContext, url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url}/mqtt`, ['mqtt']);
  t.after(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

test('a text message closes the connection, though it holds MQTT', async t => {
  const { url, ingress } = await startOnHttp(t);
  const publish = { cmd: 'publish', topic: 'devices/d1/telemetry', payload: 'x', qos: 1, messageId: 1 } as const;
  const bytes = generate({ ...publish, dup: false, retain: false });
  const socket = await rawWebSocket(t, url);
  socket.send(generate(connectPacket(4, { username: 'd1', key: 'device' }) as never));
  await once(socket, 'message');
  socket.send(bytes);
  await once(socket, 'message');
  socket.send(bytes.toString('latin1'));
  const [code] = await once(socket, 'close');
  assert.ok(code === 1003 || code === 1006, `${code}`);
  assert.equal(ingress.received.length, 1);
});

test('several packets in one WebSocket message, and one packet in several, are taken', async t => {
  const { url, ingress } = await startOnHttp(t);
  const socket = await rawWebSocket(t, url);
  const publish = (messageId: number) =>
    generate({
      cmd: 'publish',
      topic: 'devices/d1/telemetry',
      payload: `${messageId}`,
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    });
  const connect = generate(connectPacket(4, { username: 'd1', key: 'device' }) as never);
  socket.send(Buffer.concat([connect, publish(1), publish(2)]));
  const third = publish(3);
  socket.send(third.subarray(0, 5));
  socket.send(third.subarray(5));
  await until(() => ingress.received.length === 3);
  assert.deepEqual(ingress.texts, ['1', '2', '3']);
});

test('a WebSocket message that is far too large is a dead letter, and ends the connection', async t => {
  const { url, ingress } = await startOnHttp(t);
  const socket = await rawWebSocket(t, url);
  socket.send(generate(connectPacket(4, { username: 'd1', key: 'device' }) as never));
  await once(socket, 'message');
  socket.on('error', () => {});
  socket.send(Buffer.alloc(5 * LIMITS.messageMaxBytes));
  await once(socket, 'close');
  await until(() => ingress.received.length === 1);
  assert.equal(ingress.received[0]!.refused?.reason, 'packet_too_large');
});
