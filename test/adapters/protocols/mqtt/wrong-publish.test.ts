import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../../../contracts/limits.ts';
import { UNKNOWN } from '../../../../contracts/uplinks.ts';
import { connectRaw, VERSIONS } from '../../../support/raw-client.ts';
import { startMqtt, until } from './running-mqtt.ts';

const deep = 'a/'.repeat(LIMITS.topicMaxLevels);
const long = `devices/d1/${'x'.repeat(LIMITS.topicMaxBytes)}`;
/** `answer`: the reason code of PUBACK in MQTT 5; `ends`: that of its DISCONNECT. */
const WRONG = [
  { what: 'of another device', topic: 'devices/d2/telemetry', reason: 'topic_forbidden', answer: 0x87 },
  { what: 'that nobody knows', topic: 'devices/d1/nothing', reason: 'topic_forbidden', answer: 0x87 },
  { what: 'of the server', topic: '$SYS/x', reason: 'topic_forbidden', answer: 0x87 },
  { what: 'with too many levels', topic: deep, reason: 'topic_invalid', answer: 0x90 },
  { what: 'that is too long', topic: long, reason: 'topic_invalid', answer: 0x90 },
  { what: 'with a wildcard', topic: 'devices/+/telemetry', reason: 'topic_invalid', ends: 0x82 },
  { what: 'with a wildcard at its end', topic: 'devices/d1/#', reason: 'topic_invalid', ends: 0x82 },
] as const;

for (const version of VERSIONS) {
  for (const { what, topic, reason, ...codes } of WRONG)
    test(`MQTT ${version}: a publish to a topic ${what} is kept as a dead letter, then refused`, async t => {
      const { port, ingress, protocol } = await startMqtt(t);
      ingress.outcomeOf = () => undefined;
      const client = await connectRaw(t, port, version);
      client.send({ cmd: 'publish', topic, payload: 'kept', qos: 1, messageId: 5 });
      await until(() => ingress.held.length === 1);
      assert.equal(client.packets.length, 1, 'nothing is said before it is kept');
      const [uplink] = ingress.received;
      assert.deepEqual(
        [uplink!.refused?.reason, uplink!.address.key, ingress.texts[0]],
        [reason, 'default/d1', 'kept'],
      );
      assert.equal(uplink!.topic, topic.slice(0, LIMITS.topicMaxBytes));
      ingress.settle({ state: 'rejected', ...uplink!.refused! });
      const said = await client.next();
      if (version === 5 && 'answer' in codes) {
        assert.deepEqual([said.cmd, said.messageId, said.reasonCode], ['puback', 5, codes.answer]);
        await client.ping();
      } else {
        assert.equal(said?.reasonCode, version === 5 ? (codes as { ends: number }).ends : undefined);
        await client.closed();
      }
      assert.equal(protocol.health().figures.refusedPublishes, 1);
    });

  for (const more of [0, LIMITS.packetOverheadMaxBytes * 2, 3 * LIMITS.messageMaxBytes])
    test(`MQTT ${version}: a payload of ${1 + more} bytes more than allowed is a dead letter without payload`, async t => {
      const { port, ingress } = await startMqtt(t);
      const client = await connectRaw(t, port, version);
      client.publish('devices/d1/telemetry', 'x'.repeat(LIMITS.messageMaxBytes + 1 + more));
      assert.equal((await client.next())?.reasonCode, version === 5 ? 0x95 : undefined);
      await client.closed();
      await until(() => ingress.received.length === 1);
      const { refused, payload } = ingress.received[0]!;
      assert.deepEqual([refused?.reason, payload.length], ['packet_too_large', 0]);
      assert.match(refused!.detail, /\d{6} bytes; the limit is \d{6}/);
    });

  test(`MQTT ${version}: a payload of exactly the limit is taken`, async t => {
    const { port, ingress } = await startMqtt(t);
    const client = await connectRaw(t, port, version);
    client.publish('devices/d1/telemetry', 'x'.repeat(LIMITS.messageMaxBytes));
    assert.equal((await client.next()).cmd, 'puback');
    assert.deepEqual(
      [ingress.received[0]!.refused, ingress.received[0]!.payload.length],
      [undefined, LIMITS.messageMaxBytes],
    );
  });

  test(`MQTT ${version}: an application publishes nothing`, async t => {
    const { port, ingress } = await startMqtt(t);
    const client = await connectRaw(t, port, version, { key: 'application' });
    client.publish('devices/d1/telemetry', 'x');
    assert.equal((await client.next())?.reasonCode, version === 5 ? 0x87 : undefined);
    if (version === 5) await client.ping();
    else await client.closed();
    assert.equal(ingress.received.length, 0);
  });

  test(`MQTT ${version}: a wrong publish that could not be kept closes the connection, so that it comes again`, async t => {
    const { port, ingress } = await startMqtt(t);
    ingress.outcomeOf = () => UNKNOWN;
    const client = await connectRaw(t, port, version);
    client.publish('devices/d2/telemetry', 'x');
    assert.equal((await client.next())?.reasonCode, version === 5 ? 0x89 : undefined);
    await client.closed();
  });
}

test('MQTT 5: a wrong QoS 2 publish is refused by its PUBREC, and its packet identifier is free again', async t => {
  const { port, ingress } = await startMqtt(t);
  const client = await connectRaw(t, port, 5);
  for (let i = 1; i <= 2; i++) {
    client.publish('devices/d2/telemetry', 'x', { qos: 2 });
    const { cmd, reasonCode } = await client.next();
    assert.deepEqual([cmd, reasonCode], ['pubrec', 0x87]);
    assert.equal(ingress.received.length, i);
  }
});

test('MQTT 5: a wrong QoS 0 publish is kept as a dead letter, and the connection stays', async t => {
  const { port, ingress } = await startMqtt(t);
  const client = await connectRaw(t, port, 5);
  client.publish('devices/d2/telemetry', 'x', { qos: 0, messageId: undefined });
  await client.ping();
  assert.equal(ingress.received[0]?.refused?.reason, 'topic_forbidden');
});

test('MQTT 5: a topic alias is refused, because none was offered', async t => {
  const { port, ingress } = await startMqtt(t);
  const client = await connectRaw(t, port, 5);
  client.publish('devices/d1/telemetry', 'x', { properties: { topicAlias: 1 } });
  assert.equal((await client.next()).reasonCode, 0x94);
  await client.closed();
  assert.equal(ingress.received.length, 0);
});

test('an empty topic, and one with a null character, are dead letters', async t => {
  const { port, ingress } = await startMqtt(t);
  for (const body of [
    [0, 0, 0, 1],
    [0, 1, 0, 0, 1],
  ]) {
    const client = await connectRaw(t, port, 4);
    client.socket.write(Buffer.from([0x32, body.length, ...body]));
    await client.closed();
  }
  assert.deepEqual(
    ingress.received.map(it => it.refused?.reason),
    ['topic_invalid', 'topic_invalid'],
  );
});

test('an oversized packet that is no publish closes the connection and is no dead letter', async t => {
  const { port, ingress } = await startMqtt(t);
  const client = await connectRaw(t, port, 5);
  client.subscribe([
    'devices/d1/x'.padEnd(60_000, 'x'),
    'devices/d1/y'.padEnd(60_000, 'y'),
    'devices/d1/z'.padEnd(60_000, 'z'),
  ]);
  assert.equal((await client.next()).reasonCode, 0x95);
  await client.closed();
  assert.equal(ingress.received.length, 0);
});
