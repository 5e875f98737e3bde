import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { DUPLICATE, type Outcome, OVERLOADED, STORED, UNKNOWN } from '../../../../contracts/uplinks.ts';
import { connectRaw, VERSIONS } from '../../../support/raw-client.ts';
import { startMqtt, until } from './running-mqtt.ts';

for (const version of VERSIONS) {
  test(`MQTT ${version}: a real client publishes with each QoS, and each message arrives once, as what it is`, async t => {
    const { port, ingress } = await startMqtt(t);
    const client = await connectAsync({
      port,
      host: '127.0.0.1',
      protocolVersion: version,
      username: 'd1',
      password: 'device',
    });
    for (const qos of [0, 1, 2] as const)
      for (const topic of ['telemetry', 'state', 'events', 'commands/ack', 'state/get'])
        await client.publishAsync(`devices/d1/${topic}`, `${topic} ${qos}`, { qos });
    await client.endAsync();
    const kinds = ['telemetry', 'state', 'events', 'ack', 'get'];
    assert.deepEqual(
      ingress.received.map(it => it.kind),
      [...kinds, ...kinds, ...kinds],
    );
    assert.equal(ingress.texts[14], 'state/get 2');
    const { address, topic, contentType, refused, receivedAtMs, session } = ingress.received[0]!;
    assert.deepEqual(address, { tenant: 'default', device: 'd1', key: 'default/d1', shard: address.shard });
    assert.deepEqual(
      { topic, contentType, refused },
      { topic: 'devices/d1/telemetry', contentType: '', refused: undefined },
    );
    assert.ok(receivedAtMs > 1_600_000_000_000 && session > 0);
  });

  test(`MQTT ${version}: nothing is acknowledged before it is settled, and then everything, in order`, async t => {
    const { port, ingress } = await startMqtt(t);
    ingress.outcomeOf = () => undefined;
    const client = await connectRaw(t, port, version);
    const packets = [1, 2, 3].map(messageId =>
      client.bytesOf({
        cmd: 'publish',
        topic: 'devices/d1/telemetry',
        payload: `${messageId}`,
        qos: messageId === 2 ? 2 : 1,
        messageId,
      }),
    );
    client.socket.write(Buffer.concat(packets));
    await until(() => ingress.held.length === 3);
    await wait(50);
    assert.equal(client.packets.length, 1, 'only CONNACK');
    ingress.settle();
    const acks = [await client.next(), await client.next(), await client.next()];
    assert.deepEqual(
      acks.map(it => [it.cmd, it.messageId]),
      [
        ['puback', 1],
        ['pubrec', 2],
        ['puback', 3],
      ],
    );
  });

  const rejected: Outcome = { state: 'rejected', reason: 'invalid_json', detail: 'for the test' };
  for (const outcome of [STORED, DUPLICATE, rejected])
    test(`MQTT ${version}: what is ${outcome.state} is acknowledged`, async t => {
      const { port, ingress } = await startMqtt(t);
      ingress.outcomeOf = () => outcome;
      const client = await connectRaw(t, port, version);
      client.publish('devices/d1/telemetry', 'x');
      const ack = await client.next();
      assert.deepEqual([ack.cmd, ack.messageId, ack.reasonCode ?? 0], ['puback', 1, 0]);
    });

  for (const [outcome, reason] of [
    [OVERLOADED, 0x97],
    [UNKNOWN, 0x89],
    [{ state: 'moved' }, 0x89],
    [{ state: 'not_owner' }, 0x89],
  ] as const)
    test(`MQTT ${version}: ${outcome.state} closes the connection without an acknowledgement`, async t => {
      const { port, ingress, protocol } = await startMqtt(t);
      ingress.outcomeOf = ({ payload }) => (Buffer.from(payload).toString() === 'bad' ? outcome : STORED);
      const client = await connectRaw(t, port, version);
      const texts = ['good', 'bad', 'good'].map((payload, i) =>
        client.bytesOf({ cmd: 'publish', topic: 'devices/d1/telemetry', payload, qos: 1, messageId: i + 1 }),
      );
      client.socket.write(Buffer.concat(texts));
      assert.equal((await client.next()).messageId, 1);
      assert.deepEqual((await client.next())?.reasonCode, version === 5 ? reason : undefined);
      await client.closed();
      assert.equal(client.packets.length, version === 5 ? 3 : 2, 'the third was not acknowledged either');
      assert.equal(protocol.health().figures.cutOff, 1);
    });

  test(`MQTT ${version}: what was stored before is acknowledged before the connection is closed`, async t => {
    const { port, ingress } = await startMqtt(t);
    ingress.outcomeOf = () => undefined;
    const client = await connectRaw(t, port, version);
    const packets = [1, 2].map(messageId =>
      client.bytesOf({ cmd: 'publish', topic: 'devices/d1/telemetry', payload: 'x', qos: 1, messageId }),
    );
    client.socket.write(Buffer.concat(packets));
    await until(() => ingress.held.length === 2);
    for (const [i, settled] of ingress.held.entries()) settled(i === 0 ? STORED : UNKNOWN);
    assert.deepEqual(await client.next().then(it => [it.cmd, it.messageId]), ['puback', 1]);
    await client.closed();
  });

  test(`MQTT ${version}: a Will is never published, and a retained message is a message like others`, async t => {
    const { port, ingress } = await startMqtt(t);
    const will = { topic: 'devices/d1/telemetry', payload: Buffer.from('will'), qos: 1 as const, retain: true };
    const client = await connectRaw(t, port, version, { will });
    client.publish('devices/d1/telemetry', 'kept', { retain: true });
    await client.next();
    client.socket.destroy();
    const application = await connectRaw(t, port, version, { key: 'application', username: 'a' });
    application.subscribe(['devices/#']);
    await application.next();
    await application.ping();
    assert.deepEqual(ingress.texts, ['kept']);
    assert.ok(application.packets.every(it => it.cmd !== 'publish'));
  });
}

test('QoS 0 is stored too; when the ingress is half full it is dropped and counted, and QoS 1 is not', async t => {
  const { port, ingress, protocol } = await startMqtt(t);
  const client = await connectRaw(t, port, 4);
  client.publish('devices/d1/telemetry', 'first', { qos: 0, messageId: undefined });
  await client.ping();
  assert.equal(protocol.health().condition, 'healthy');
  ingress.fill = 0.51;
  client.publish('devices/d1/telemetry', 'dropped', { qos: 0, messageId: undefined });
  client.publish('devices/d1/telemetry', 'kept');
  await client.next();
  await client.ping();
  assert.deepEqual(ingress.texts, ['first', 'kept']);
  const { condition, figures } = protocol.health();
  assert.deepEqual([condition, figures.qos0Dropped], ['degraded', 1]);
});

test('QoS 0 that could not be stored is counted, and the connection stays', async t => {
  const { port, ingress, protocol } = await startMqtt(t);
  ingress.outcomeOf = () => UNKNOWN;
  const client = await connectRaw(t, port, 5);
  client.publish('devices/d1/telemetry', 'x', { qos: 0, messageId: undefined });
  await client.ping();
  await until(() => protocol.health().figures.qos0Dropped === 1);
  await client.ping();
});

test('the content type of MQTT 5 is told on; one that is none counts as not told', async t => {
  const { port, ingress } = await startMqtt(t);
  const client = await connectRaw(t, port, 5);
  for (const contentType of ['application/cbor', 'x'.repeat(300), 'a\0b'])
    client.publish('devices/d1/telemetry', '1', { properties: { contentType } });
  for (let i = 0; i < 3; i++) await client.next();
  assert.deepEqual(
    ingress.received.map(it => it.contentType),
    ['application/cbor', '', ''],
  );
});

test('while its messages are not settled, a sender is not read on; then it is', async t => {
  const { port, ingress } = await startMqtt(t);
  ingress.outcomeOf = () => undefined;
  const client = await connectRaw(t, port, 4);
  client.publish('devices/d1/telemetry', '0', { messageId: 1 });
  await until(() => ingress.received.length === 1);
  for (let i = 1; i < 40; i++) {
    client.publish('devices/d1/telemetry', `${i}`, { messageId: i + 1 });
    await wait(2);
  }
  assert.equal(ingress.received.length, 1);
  ingress.outcomeOf = () => STORED;
  ingress.settle();
  for (let messageId = 1; messageId <= 40; messageId++) assert.equal((await client.next()).messageId, messageId);
});
