import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connectRaw, type RawClient } from '../../../support/raw-client.ts';
import { type Running, startMqtt, until } from './running-mqtt.ts';

const PAYLOAD = 'x'.repeat(10_000);

/** An application that subscribes to everything and then reads nothing any more. */
async function frozen(t: TestContext, port: number, qos: number): Promise<RawClient> {
  const application = await connectRaw(t, port, 4, { key: 'application', clientId: 'frozen' });
  application.subscribe(['devices/#'], qos);
  await application.next();
  application.socket.pause();
  return application;
}

/** Publishes, one after the other, each answered, until it is told to stop. */
async function publishUntil(device: RawClient, qos: number, stop: () => boolean): Promise<number> {
  for (let count = 0; ; count++) {
    if (stop()) return count;
    device.publish('devices/d1/telemetry', PAYLOAD, qos === 0 ? { qos, messageId: undefined } : { qos });
    if (qos === 0) await device.ping();
    else assert.equal((await device.next()).cmd, 'puback');
  }
}

const fast = { deviceMessagesPerSecond: 1e9, deviceBurstMessages: 1e9 };
const connections = ({ protocol }: Running) => protocol.health().figures.connections;

test('a subscriber that reads nothing holds back no PUBACK, and is disconnected', async t => {
  const running = await startMqtt(t, {
    limits: { ...fast, subscriberDrainTimeoutSeconds: 1, subscriberQueueMaxBytes: 1e9 },
  });
  await frozen(t, running.port, 1);
  const device = await connectRaw(t, running.port, 4);
  const count = await publishUntil(device, 1, () => connections(running) === 1);
  // Far more than the socket's buffers hold: had one waited for the subscriber, none would have come after it.
  assert.ok(count * PAYLOAD.length > 3_000_000, `${count}`);
});

test('a subscriber that falls behind by more than its queue loses QoS 0, and is disconnected for QoS 1', async t => {
  const running = await startMqtt(t, {
    limits: { ...fast, subscriberQueueMaxBytes: 100_000, subscriberDrainTimeoutSeconds: 60 },
  });
  await frozen(t, running.port, 1);
  const device = await connectRaw(t, running.port, 4);
  await publishUntil(device, 0, () => Number(running.protocol.health().figures.forwardsDropped) > 100);
  assert.equal(connections(running), 2);
  await publishUntil(device, 1, () => connections(running) === 1);
  assert.equal(running.protocol.health().figures.cutOff, 1);
});

test('a subscriber that never answers is disconnected when its queue is full, though it reads', async t => {
  const running = await startMqtt(t, {
    limits: { ...fast, subscriberQueueMaxBytes: 100_000, subscriberDrainTimeoutSeconds: 60 },
  });
  const application = await connectRaw(t, running.port, 5, { key: 'application', properties: { receiveMaximum: 1 } });
  application.subscribe(['devices/#']);
  await application.next();
  const device = await connectRaw(t, running.port, 4);
  await publishUntil(device, 1, () => connections(running) === 1);
  await until(() => application.isClosed);
  assert.equal(application.packets.at(-1).reasonCode, 0x97);
  await nextTurn();
});
