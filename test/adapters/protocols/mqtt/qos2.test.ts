import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRaw, VERSIONS } from '../../../support/raw-client.ts';
import { startMqtt, until } from './running-mqtt.ts';

const TOPIC = 'devices/d1/telemetry';

for (const version of VERSIONS) {
  test(`MQTT ${version}: a QoS 2 message sent again on its connection is stored once, before and after its PUBREC`, async t => {
    const { port, ingress } = await startMqtt(t);
    ingress.outcomeOf = () => undefined;
    const client = await connectRaw(t, port, version);
    const twice = [false, true].map(dup =>
      client.bytesOf({ cmd: 'publish', topic: TOPIC, payload: 'a', qos: 2, messageId: 7, dup }),
    );
    client.socket.write(Buffer.concat(twice));
    await until(() => ingress.held.length === 1);
    ingress.settle();
    assert.deepEqual(await client.next().then(it => [it.cmd, it.messageId]), ['pubrec', 7]);
    client.publish(TOPIC, 'a', { qos: 2, messageId: 7, dup: true });
    assert.deepEqual(await client.next().then(it => [it.cmd, it.messageId]), ['pubrec', 7]);
    client.send({ cmd: 'pubrel', messageId: 7 });
    assert.deepEqual(await client.next().then(it => [it.cmd, it.messageId]), ['pubcomp', 7]);
    assert.deepEqual(ingress.texts, ['a']);
  });

  test(`MQTT ${version}: after PUBREL the same packet identifier is another message`, async t => {
    const { port, ingress } = await startMqtt(t);
    const client = await connectRaw(t, port, version);
    for (const payload of ['a', 'b']) {
      client.publish(TOPIC, payload, { qos: 2, messageId: 7 });
      assert.equal((await client.next()).cmd, 'pubrec');
      client.send({ cmd: 'pubrel', messageId: 7 });
      assert.equal((await client.next()).cmd, 'pubcomp');
    }
    assert.deepEqual(ingress.texts, ['a', 'b']);
  });

  test(`MQTT ${version}: a PUBREL for nothing is answered all the same`, async t => {
    const { port } = await startMqtt(t);
    const client = await connectRaw(t, port, version);
    client.send({ cmd: 'pubrel', messageId: 9 });
    const { cmd, messageId, reasonCode } = await client.next();
    assert.deepEqual([cmd, messageId, reasonCode], ['pubcomp', 9, version === 5 ? 0x92 : undefined]);
  });
}

test('without PUBREL two thousand packet identifiers are remembered, each', async t => {
  const { port, ingress } = await startMqtt(t, { limits: { deviceBurstMessages: 10_000 } });
  const client = await connectRaw(t, port, 4);
  const all = Array.from({ length: 2_000 }, (_, i) =>
    client.bytesOf({ cmd: 'publish', topic: TOPIC, payload: `${i}`, qos: 2, messageId: i + 1 }),
  );
  for (let round = 0; round < 2; round++) {
    client.socket.write(Buffer.concat(all));
    for (let i = 0; i < 2_000; i++) assert.equal((await client.next()).cmd, 'pubrec');
  }
  assert.equal(ingress.received.length, 2_000);
});

test('QoS 1 with the same packet identifier twice is two messages: only the database can tell', async t => {
  const { port, ingress } = await startMqtt(t);
  const client = await connectRaw(t, port, 4);
  for (let i = 0; i < 2; i++) {
    client.publish(TOPIC, 'a', { messageId: 7 });
    await client.next();
  }
  assert.equal(ingress.received.length, 2);
});
