import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { UNKNOWN } from '../../../../contracts/uplinks.ts';
import { connectRaw, type RawClient, VERSIONS } from '../../../support/raw-client.ts';
import { COMMANDS, command, downlink, idsOf, payloadsOf, published } from './downlinks.ts';
import { type ScriptedIngress, startMqtt, until } from './running-mqtt.ts';

const deliveredOf = ({ told }: ScriptedIngress): string[] =>
  told.filter(({ kind }) => kind === 'delivered').map(({ session, payload }) => `${session} ${Buffer.from(payload)}`);

async function subscribed(device: RawClient, qos = 1): Promise<void> {
  device.subscribe(['devices/d1/#'], qos);
  await device.nextOf('suback');
}

for (const version of VERSIONS) {
  test(`MQTT ${version}: a command is delivered when its own PUBACK comes, once, whatever else is acknowledged`, async t => {
    const { port, protocol, ingress } = await startMqtt(t);
    const device = await connectRaw(t, port, version);
    await subscribed(device);
    for (const id of ['a', 'b']) protocol.deliver(command(id, { attempt: { id, attempt: 3 } }));
    protocol.deliver(downlink({ kind: 'desired' }));
    await until(() => published(device).length === 3);
    const [a, b, desired] = published(device).map(({ messageId }) => messageId);
    device.send({ cmd: 'puback', messageId: 40_000 });
    device.send({ cmd: 'puback', messageId: desired });
    await device.ping();
    assert.deepEqual(deliveredOf(ingress), []);
    // In another order than they were sent: they are told apart by their packet identifiers.
    for (const messageId of [b, b, a, b, a]) device.send({ cmd: 'puback', messageId });
    await device.ping();
    await until(() => deliveredOf(ingress).length === 2);
    await device.ping();
    assert.deepEqual(deliveredOf(ingress), ['1 {"id":"b","attempt":3}', '1 {"id":"a","attempt":3}']);
  });

  test(`MQTT ${version}: with QoS 0 a command is delivered as soon as it was written`, async t => {
    const { port, protocol, ingress } = await startMqtt(t);
    const device = await connectRaw(t, port, version);
    await subscribed(device, 0);
    for (const id of ['a', 'b', 'c']) assert.equal(protocol.deliver(command(id)), 'sent');
    await until(() => published(device).length === 3 && deliveredOf(ingress).length === 3);
    assert.deepEqual(
      deliveredOf(ingress),
      ['a', 'b', 'c'].map(id => `1 {"id":"${id}","attempt":1}`),
    );
  });

  test(`MQTT ${version} over WebSocket: a command comes down, and its acknowledgement goes up`, async t => {
    const http = createServer();
    await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
    t.after(() => http.close());
    const { protocol, ingress } = await startMqtt(t, { http });
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/mqtt`;
    const device = await connectAsync(url, { protocolVersion: version, username: 'd1', password: 'device' });
    const seen: string[] = [];
    device.on('message', (topic, payload) => void seen.push(`${topic} ${payload}`));
    await device.subscribeAsync(COMMANDS, { qos: 1 });
    await until(() => ingress.told.length === 1);
    const text = 'x'.repeat(30_000);
    for (const id of ['a', 'b', 'c']) protocol.deliver(command(id, { payload: text + id }));
    await until(() => deliveredOf(ingress).length === 3);
    assert.deepEqual(
      seen,
      ['a', 'b', 'c'].map(id => `${COMMANDS} ${text}${id}`),
    );
    await device.endAsync();
  });
}

test('MQTT 5: a PUBACK that refuses is not a delivery; what waits behind it goes on', async t => {
  const { port, protocol, ingress } = await startMqtt(t);
  const device = await connectRaw(t, port, 5, { properties: { receiveMaximum: 1 } });
  await subscribed(device);
  for (const id of ['a', 'b']) protocol.deliver(command(id));
  device.send({ cmd: 'puback', messageId: (await device.nextOf('publish')).messageId, reasonCode: 0x83 });
  // 0x10: nobody matched, which is a success.
  device.send({ cmd: 'puback', messageId: (await device.nextOf('publish')).messageId, reasonCode: 0x10 });
  await until(() => deliveredOf(ingress).length > 0);
  assert.deepEqual(deliveredOf(ingress), ['1 {"id":"b","attempt":1}']);
});

test('a command that is never acknowledged tells nothing, and neither does one of a session that ended', async t => {
  const { port, protocol, ingress } = await startMqtt(t);
  const device = await connectRaw(t, port, 5, { properties: { receiveMaximum: 1 } });
  await subscribed(device);
  for (const id of ['a', 'b']) assert.equal(protocol.deliver(command(id)), 'sent');
  const { messageId } = await device.nextOf('publish');
  const next = await connectRaw(t, port, 5);
  await device.closed();
  await subscribed(next);
  next.send({ cmd: 'puback', messageId });
  await next.ping();
  await until(() => ingress.ended.length === 1);
  assert.deepEqual([deliveredOf(ingress), idsOf(device), idsOf(next)], [[], ['a'], []]);
});

test('that a command was delivered is told right before the answer that follows it, and by itself when none does', async t => {
  const { port, protocol, ingress } = await startMqtt(t);
  const device = await connectRaw(t, port, 5);
  await subscribed(device);
  for (const id of ['a', 'b']) protocol.deliver(command(id));
  await until(() => published(device).length === 2);
  device.send({ cmd: 'puback', messageId: published(device)[0]!.messageId });
  device.publish(`${COMMANDS}/ack`, '{"id":"a"}');
  await device.nextOf('puback');
  const kinds = ingress.all.map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(kinds.indexOf('receiving') + 1), ['delivered', 'ack']);
  device.send({ cmd: 'puback', messageId: published(device)[1]!.messageId });
  await until(() => deliveredOf(ingress).length === 2);
});

test('nobody is disconnected when a delivery can not be told: the command is sent again', async t => {
  const { port, protocol, ingress } = await startMqtt(t);
  const device = await connectRaw(t, port);
  await subscribed(device);
  ingress.toldOutcomeOf = () => UNKNOWN;
  protocol.deliver(command('a'));
  device.send({ cmd: 'puback', messageId: (await device.nextOf('publish')).messageId });
  await until(() => deliveredOf(ingress).length === 1);
  await device.ping();
  assert.equal(device.isClosed, false);
});

test('what is desired, and a twin, have no delivery that anybody waits for', async t => {
  const { port, protocol, ingress } = await startMqtt(t);
  const device = await connectRaw(t, port);
  await subscribed(device, 0);
  for (const kind of ['desired', 'twin'] as const) protocol.deliver(downlink({ kind, payload: kind }));
  await until(() => published(device).length === 2);
  await device.ping();
  assert.deepEqual([payloadsOf(device), deliveredOf(ingress)], [['desired', 'twin'], []]);
});
