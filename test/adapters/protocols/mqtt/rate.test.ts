import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STORED } from '../../../../contracts/uplinks.ts';
import { connectRaw, type RawClient, VERSIONS } from '../../../support/raw-client.ts';
import { startMqtt } from './running-mqtt.ts';

const publishes = (client: RawClient, count: number): Buffer =>
  Buffer.concat(
    Array.from({ length: count }, (_, i) =>
      client.bytesOf({ cmd: 'publish', topic: 'devices/d1/telemetry', payload: `${i}`, qos: 1, messageId: i + 1 }),
    ),
  );

test('a device that is too fast is slowed: every message is handed on, in order, and acknowledged', async t => {
  const { port, ingress } = await startMqtt(t, { limits: { deviceMessagesPerSecond: 100, deviceBurstMessages: 5 } });
  const client = await connectRaw(t, port);
  client.socket.write(publishes(client, 40));
  assert.equal((await client.next()).messageId, 1);
  assert.ok(ingress.received.length < 40, 'the last ones wait');
  for (let messageId = 2; messageId <= 40; messageId++) assert.equal((await client.next()).messageId, messageId);
  assert.deepEqual(
    ingress.texts,
    Array.from({ length: 40 }, (_, i) => `${i}`),
  );
});

test('a message never overtakes one that is still delayed, even when its own time has come', async t => {
  let nowMs = Date.now();
  const coming: number[] = [];
  const { port, ingress } = await startMqtt(t, {
    limits: { deviceMessagesPerSecond: 10, deviceBurstMessages: 1 },
    now: () => {
      nowMs = coming.shift() ?? nowMs;
      return nowMs;
    },
  });
  ingress.outcomeOf = ({ payload }) => {
    // The second is put into the line, which looks at the clock too; the third comes much later, but before the timer.
    if (Buffer.from(payload).toString() === '0') coming.push(nowMs, nowMs, nowMs + 60_000);
    return STORED;
  };
  const client = await connectRaw(t, port);
  client.socket.write(publishes(client, 3));
  for (let messageId = 1; messageId <= 3; messageId++) assert.equal((await client.next()).messageId, messageId);
  assert.deepEqual(ingress.texts, ['0', '1', '2']);
});

for (const version of VERSIONS)
  test(`MQTT ${version}: a device that is far too fast is cut off; what was acknowledged was handed on`, async t => {
    const { port, ingress, protocol } = await startMqtt(t, {
      limits: { deviceMessagesPerSecond: 1, deviceBurstMessages: 5, deviceMaxDelaySeconds: 2 },
    });
    const client = await connectRaw(t, port, version);
    client.socket.write(publishes(client, 40));
    await client.closed();
    const acknowledged = client.packets.filter(it => it.cmd === 'puback').length;
    assert.ok(acknowledged <= ingress.received.length && ingress.received.length <= 5);
    if (version === 5) assert.equal(client.packets.at(-1).reasonCode, 0x96);
    assert.equal(protocol.health().figures.cutOff, 1);
  });

test('connecting anew buys no new burst; another device has its own', async t => {
  const { port, ingress } = await startMqtt(t, {
    limits: { deviceMessagesPerSecond: 1, deviceBurstMessages: 5, deviceMaxDelaySeconds: 1 },
  });
  const first = await connectRaw(t, port);
  first.socket.write(publishes(first, 5));
  for (let i = 0; i < 5; i++) assert.equal((await first.next()).cmd, 'puback');
  first.socket.destroy();
  const again = await connectRaw(t, port);
  again.socket.write(publishes(again, 5));
  await again.closed();
  assert.ok(ingress.received.length < 10);
  const before = ingress.received.length;
  const other = await connectRaw(t, port, 4, { username: 'd2' });
  for (let messageId = 1; messageId <= 5; messageId++) other.publish('devices/d2/telemetry', 'x', { messageId });
  for (let i = 0; i < 5; i++) assert.equal((await other.next()).cmd, 'puback');
  assert.equal(ingress.received.length, before + 5);
});

test('the devices of a tenant together are slowed to its quota, and those of another are not', async t => {
  const quotas: Record<number, number> = { 1: 5, 2: 1_000 };
  let nowMs = 1_000_000;
  const { port, ingress } = await startMqtt(t, {
    limits: { deviceMaxDelaySeconds: 3_600 },
    messageQuota: tenantId => quotas[tenantId]!,
    now: () => nowMs,
  });
  const clients = await Promise.all(['d1', 'd2', 'other/d1'].map(username => connectRaw(t, port, 5, { username })));
  const topics = ['devices/d1/telemetry', 'devices/d2/telemetry', 'devices/d1/telemetry'];
  for (const [i, client] of clients.entries())
    client.socket.write(
      Buffer.concat(
        Array.from({ length: 8 }, (_, n) =>
          client.bytesOf({ cmd: 'publish', topic: topics[i]!, payload: `${n}`, qos: 1, messageId: n + 1 }),
        ),
      ),
    );
  // The burst is for two seconds: 10 of the 16 of the one tenant, and all 8 of the other.
  const handedOn = (tenant: string) => ingress.received.filter(it => it.address.tenant === tenant).length;
  for (let n = 1; n <= 8; n++) assert.equal((await clients[2]!.next()).messageId, n);
  while (handedOn('default') < 10) await new Promise(setImmediate);
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.deepEqual([handedOn('default'), handedOn('other')], [10, 8]);
  nowMs += 60_000;
});
