import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MqttProtocol } from '../../../../adapters/protocols/mqtt/mqtt.protocol.ts';
import { type Connecting, connectRaw, type RawClient, VERSIONS } from '../../../support/raw-client.ts';
import { COMMANDS, command, DESIRED, downlink, idsOf, payloadsOf, published } from './downlinks.ts';
import { startMqtt, until } from './running-mqtt.ts';

const LARGE = 'x'.repeat(30_000);

async function device(t: TestContext, port: number, version: 4 | 5, connecting: Connecting = {}): Promise<RawClient> {
  const client = await connectRaw(t, port, version, connecting);
  client.subscribe([COMMANDS], 1);
  client.subscribe([DESIRED], 0);
  for (let i = 0; i < 2; i++) await client.nextOf('suback');
  return client;
}

/** Until no more is taken, and the buffers of the socket take nothing either. Returns the ids of those that were taken. */
async function fill(protocol: MqttProtocol, payloadOf: (id: string) => string): Promise<string[]> {
  const taken: string[] = [];
  for (let refusals = 0; refusals < 100; ) {
    const id = `${taken.length}`;
    const delivery = protocol.deliver(command(id, { payload: payloadOf(id) }));
    if (delivery === 'sent') taken.push(id);
    else assert.equal(delivery, 'full');
    refusals = delivery === 'sent' ? 0 : refusals + 1;
    if (delivery === 'full') await nextTurn();
  }
  return taken;
}

for (const version of VERSIONS)
  test(`MQTT ${version}: a frozen device is full, is not cut off as a frozen application is, and gets all that was taken in the end`, async t => {
    const { port, protocol } = await startMqtt(t, {
      limits: { subscriberDrainTimeoutSeconds: 0.05, deviceBurstMessages: 1e6, subscriberQueueMaxBytes: 1e7 },
    });
    const frozen = await device(t, port, version);
    frozen.socket.pause();
    const taken = await fill(protocol, id => JSON.stringify({ id, text: LARGE }));
    assert.ok(taken.length > 300, `${taken.length}`);
    const application = await connectRaw(t, port, version, { key: 'application', username: 'a' });
    application.subscribe(['devices/#'], 1);
    await application.nextOf('suback');
    application.socket.pause();
    const sender = await connectRaw(t, port, version, { username: 'd2' });
    while (protocol.health().figures.connections === 3) {
      sender.publish('devices/d2/telemetry', LARGE);
      await sender.nextOf('puback');
    }
    assert.equal(protocol.deliver(command('late', { payload: LARGE })), 'full');
    frozen.socket.resume();
    await until(() => published(frozen).length === taken.length);
    assert.deepEqual(idsOf(frozen), taken);
    assert.equal(protocol.deliver(command('z')), 'sent');
    await until(() => idsOf(frozen).at(-1) === 'z');
  });

test('what waits for one device does not keep another one from its commands', async t => {
  const { port, protocol } = await startMqtt(t, { limits: { subscriberQueueMaxBytes: 1_000 } });
  await device(t, port, 5, { properties: { receiveMaximum: 1 } });
  const other = await connectRaw(t, port, 5, { username: 'd2' });
  other.subscribe(['devices/d2/commands']);
  await other.nextOf('suback');
  assert.ok((await fill(protocol, id => id)).length < 10);
  assert.equal(protocol.deliver(command('a', { device: 'd2', session: 2 })), 'sent');
  await until(() => published(other).length === 1);
});

test('MQTT 5: with a Receive Maximum of 1 the next command leaves when the one before it is acknowledged', async t => {
  const { port, protocol } = await startMqtt(t);
  const client = await device(t, port, 5, { properties: { receiveMaximum: 1 } });
  const ids = ['a', 'b', 'c'];
  for (const id of ids) assert.equal(protocol.deliver(command(id)), 'sent');
  for (const [at, id] of ids.entries()) {
    const { messageId } = await client.nextOf('publish');
    await client.ping();
    assert.equal(published(client).length, at + 1);
    // Of nothing that is under way, so it lets nothing out.
    client.send({ cmd: 'puback', messageId: messageId + 1 });
    await client.ping();
    assert.equal(published(client).length, at + 1);
    assert.equal(idsOf(client).at(-1), id);
    client.send({ cmd: 'puback', messageId });
  }
  await client.ping();
  assert.equal(published(client).length, 3);
});

test('MQTT 5: a message as large as the client takes is sent; one byte more is full, and harms nothing behind it', async t => {
  const { port, protocol, errors } = await startMqtt(t);
  const maximumPacketSize = 1_000;
  const client = await device(t, port, 5, { properties: { maximumPacketSize } });
  protocol.deliver(command('a', { payload: 'x'.repeat(900) }));
  const room = maximumPacketSize - ((await client.nextOf('publish')).length + 3) + 900;
  assert.equal(protocol.deliver(command('b', { payload: 'x'.repeat(room + 1) })), 'full');
  assert.equal(protocol.deliver(command('c', { payload: 'x'.repeat(room) })), 'sent');
  assert.equal((await client.nextOf('publish')).length + 3, maximumPacketSize);
  await client.ping();
  assert.deepEqual([published(client).length, client.isClosed, errors.length], [2, false, 0]);
});

for (const version of VERSIONS)
  test(`MQTT ${version}: a thousand messages of QoS 0 and 1 in turns all arrive, in the order in which they were delivered`, async t => {
    const { port, protocol, ingress } = await startMqtt(t, { limits: { subscriberQueueMaxBytes: 10_000_000 } });
    const client = await device(t, port, version, version === 5 ? { properties: { receiveMaximum: 7 } } : {});
    const answer = () => {
      for (const { qos, messageId } of client.packets.splice(0).filter(({ cmd }) => cmd === 'publish'))
        if (qos === 1) client.send({ cmd: 'puback', messageId });
    };
    const seen: string[] = [];
    const ids = Array.from({ length: 1_000 }, (_, i) => `${i}`);
    for (const id of ids) {
      const of = Number(id) % 3 === 0 ? command(id, { payload: id }) : downlink({ kind: 'desired', payload: id });
      assert.equal(protocol.deliver(of), 'sent');
    }
    await until(() => {
      seen.push(...payloadsOf(client));
      answer();
      return seen.length >= ids.length && ingress.told.length === 2 + Math.ceil(ids.length / 3);
    });
    assert.deepEqual(seen, ids);
  });

test('what may go at once does not overtake what waits for a PUBACK', async t => {
  const { port, protocol } = await startMqtt(t);
  const client = await device(t, port, 5, { properties: { receiveMaximum: 1 } });
  for (const id of ['a', 'b']) protocol.deliver(command(id, { payload: id }));
  const { messageId } = await client.nextOf('publish');
  protocol.deliver(downlink({ kind: 'desired', payload: 'c' }));
  await client.ping();
  assert.deepEqual(payloadsOf(client), ['a']);
  client.send({ cmd: 'puback', messageId });
  await until(() => published(client).length === 3);
  assert.deepEqual(payloadsOf(client), ['a', 'b', 'c']);
});
