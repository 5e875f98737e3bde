import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { ProtocolHost } from '../../../../adapters/protocols/protocol.ts';
import type { Principal } from '../../../../contracts/access.contract.ts';
import { type ErrorType, SkeinError } from '../../../../contracts/errors.ts';
import { connectPacket, connectRaw, openRaw, VERSIONS } from '../../../support/raw-client.ts';
import { keys, startMqtt, until } from './running-mqtt.ts';

const codeOf = (connack: { returnCode?: number; reasonCode?: number }) => connack.reasonCode ?? connack.returnCode;
const rejects = (type: ErrorType) => async () => {
  throw new SkeinError(type, 'for the test');
};

for (const version of VERSIONS) {
  for (const [what, connecting, v4, v5] of [
    ['nothing', { username: undefined, key: undefined }, 5, 0x87],
    ['no key', { key: undefined }, 5, 0x87],
    ['a wrong key', { key: 'guessed' }, 4, 0x86],
    ['a client id that is too long', { clientId: 'x'.repeat(129) }, 2, 0x85],
  ] as const)
    test(`MQTT ${version}: a CONNECT with ${what} is refused`, async t => {
      const { port, protocol } = await startMqtt(t);
      const client = await connectRaw(t, port, version, connecting);
      assert.equal(codeOf(client.connack), version === 5 ? v5 : v4);
      await client.closed();
      assert.equal(protocol.health().figures.connections, 0);
      assert.equal(protocol.health().figures.refusedConnects, 1);
    });

  for (const [type, v4, v5] of [
    ['unavailable', 3, 0x88],
    ['internal', 3, 0x88],
    ['forbidden', 5, 0x87],
    ['overloaded', 3, 0x89],
  ] as const)
    test(`MQTT ${version}: when checking the key fails with ${type}, the refusal says so`, async t => {
      const { port } = await startMqtt(t, { authenticate: rejects(type) });
      const client = await connectRaw(t, port, version);
      assert.equal(codeOf(client.connack), version === 5 ? v5 : v4);
      await client.closed();
    });

  test(`MQTT ${version}: beyond the limit of connections the next one is refused, and a free place is taken again`, async t => {
    const { port, protocol } = await startMqtt(t, { limits: { connectionsMax: 1 } });
    const first = await connectRaw(t, port, version);
    assert.equal(codeOf(first.connack), 0);
    const second = await connectRaw(t, port, version, { username: 'd2' });
    assert.equal(codeOf(second.connack), version === 5 ? 0x97 : 3);
    first.socket.destroy();
    await until(() => protocol.health().figures.connections === 0);
    assert.equal(codeOf((await connectRaw(t, port, version, { username: 'd2' })).connack), 0);
  });

  test(`MQTT ${version}: beyond the limit of keys being checked a CONNECT is told to come again`, async t => {
    let checked: (principal: Principal) => void = () => {};
    const authenticate = () =>
      new Promise<Principal>(resolve => {
        checked = resolve;
      });
    const { port } = await startMqtt(t, { authenticate, limits: { authenticationsUnderWay: 1 } });
    const first = await openRaw(t, port, version);
    first.send(connectPacket(version, { username: 'd1', key: 'device' }));
    await wait(20);
    const second = await connectRaw(t, port, version, { username: 'd2' });
    assert.equal(codeOf(second.connack), version === 5 ? 0x89 : 3);
    checked(await keys('device', 'd1'));
    assert.equal(codeOf(await first.next()), 0);
  });

  test(`MQTT ${version}: a session never outlives its connection, whatever the client asks for`, async t => {
    const { port } = await startMqtt(t);
    const connecting = { clean: false, properties: version === 5 ? { sessionExpiryInterval: 600 } : undefined };
    for (let i = 0; i < 2; i++) {
      const client = await connectRaw(t, port, version, connecting);
      assert.equal(client.connack.sessionPresent, false);
      if (version === 5) assert.equal(client.connack.properties.sessionExpiryInterval, 0);
      client.subscribe(['devices/d1/#']);
      assert.deepEqual((await client.next()).granted, [1]);
      client.socket.destroy();
      await client.closed();
    }
  });
}

test('a connection on which no CONNECT comes is closed', async t => {
  const { port } = await startMqtt(t, { limits: { connectTimeoutSeconds: 1 } });
  await (await openRaw(t, port)).closed();
});

test('bytes that are not MQTT, and a PUBLISH before CONNECT, close the connection and store nothing', async t => {
  const { port, ingress } = await startMqtt(t);
  const noise = await openRaw(t, port);
  noise.socket.write('GET / HTTP/1.1\r\n\r\n');
  await noise.closed();
  const early = await openRaw(t, port);
  early.publish('devices/d1/telemetry', '1');
  await early.closed();
  assert.equal(ingress.received.length, 0);
});

test('what is sent behind a CONNECT is handled after it was let in, in order', async t => {
  const { port, ingress } = await startMqtt(t);
  const client = await openRaw(t, port);
  const packets = [connectPacket(4, { username: 'd1', key: 'device' })];
  for (let messageId = 1; messageId <= 20; messageId++)
    packets.push({ cmd: 'publish', topic: 'devices/d1/telemetry', payload: `${messageId}`, qos: 1, messageId });
  client.socket.write(Buffer.concat(packets.map(packet => client.bytesOf(packet))));
  assert.equal((await client.next()).cmd, 'connack');
  for (let messageId = 1; messageId <= 20; messageId++) assert.equal((await client.next()).messageId, messageId);
  assert.deepEqual(
    ingress.texts,
    Array.from({ length: 20 }, (_, i) => `${i + 1}`),
  );
});

test('what is sent behind a CONNECT that is refused is never handled', async t => {
  const { port, ingress } = await startMqtt(t);
  const client = await openRaw(t, port);
  const publish = { cmd: 'publish', topic: 'devices/d1/telemetry', payload: 'x', qos: 1, messageId: 1 };
  client.socket.write(
    Buffer.concat([connectPacket(4, { username: 'd1', key: 'guessed' }), publish].map(it => client.bytesOf(it))),
  );
  assert.equal((await client.next()).returnCode, 4);
  await client.closed();
  assert.equal(ingress.received.length, 0);
});

test('a device whose keys are revoked while its key is being checked is not let in; another one is', async t => {
  const waiting: (() => void)[] = [];
  const authenticate: ProtocolHost['authenticate'] = async (key, username, _presented, isFresh) => {
    if (isFresh) throw new SkeinError('unauthorized', 'It was revoked');
    await new Promise<void>(resolve => waiting.push(resolve));
    return keys(key, username);
  };
  const { port, protocol } = await startMqtt(t, { authenticate });
  const clients = await Promise.all([openRaw(t, port), openRaw(t, port)]);
  for (const [i, client] of clients.entries()) client.send(connectPacket(4, { username: `d${i + 1}`, key: 'device' }));
  await until(() => waiting.length === 2);
  protocol.revoked({ kind: 'device', tenant: 'default', subject: 'd1' });
  for (const goOn of waiting) goOn();
  assert.equal((await clients[0].next()).returnCode, 4);
  assert.equal((await clients[1].next()).returnCode, 0);
});
