import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { connectRaw, VERSIONS } from '../../../support/raw-client.ts';
import { COMMANDS, command, DESIRED, downlink, idsOf, payloadsOf, published, TWIN, unsubscribe } from './downlinks.ts';
import { startMqtt, until } from './running-mqtt.ts';

for (const version of VERSIONS) {
  test(`MQTT ${version}: each kind goes to its topic, as it was given, and is not retained`, async t => {
    const { port, protocol } = await startMqtt(t);
    const device = await connectRaw(t, port, version);
    device.subscribe(['devices/d1/#']);
    await device.nextOf('suback');
    const kinds = ['command', 'desired', 'twin'] as const;
    const payload = '{"text":"Grüße 🌡"}';
    for (const kind of kinds) assert.equal(protocol.deliver(downlink({ kind, payload })), 'sent');
    await until(() => published(device).length === 3);
    assert.deepEqual(
      published(device).map(({ topic, qos, retain, dup }) => [topic, qos, retain, dup]),
      [COMMANDS, DESIRED, TWIN].map(topic => [topic, 1, false, false]),
    );
    assert.deepEqual(payloadsOf(device), [payload, payload, payload]);
    for (const { properties } of published(device))
      assert.equal(properties?.contentType, version === 5 ? 'application/json' : undefined);
  });

  test(`MQTT ${version}: a kind that no subscription takes is not sent, and neither are other kinds for it`, async t => {
    const { port, protocol } = await startMqtt(t);
    const device = await connectRaw(t, port, version);
    assert.equal(protocol.deliver(downlink()), 'not_receiving');
    device.subscribe([DESIRED]);
    await device.nextOf('suback');
    assert.equal(protocol.deliver(downlink()), 'not_receiving');
    assert.equal(protocol.deliver(downlink({ kind: 'twin' })), 'not_receiving');
    assert.equal(protocol.deliver(downlink({ kind: 'desired' })), 'sent');
    await until(() => published(device).length === 1);
    unsubscribe(device, [DESIRED]);
    await device.nextOf('unsuback');
    assert.equal(protocol.deliver(downlink({ kind: 'desired' })), 'not_receiving');
    await device.ping();
    assert.equal(published(device).length, 1);
  });

  test(`MQTT ${version}: nothing leaves with more than the granted QoS, nor with more than 1`, async t => {
    const { port, protocol } = await startMqtt(t);
    const device = await connectRaw(t, port, version);
    for (const [qos, filter] of [COMMANDS, DESIRED, TWIN].entries()) {
      device.subscribe([filter], qos);
      assert.deepEqual((await device.nextOf('suback')).granted, [qos]);
    }
    for (const kind of ['command', 'desired', 'twin'] as const) protocol.deliver(downlink({ kind }));
    await until(() => published(device).length === 3);
    assert.deepEqual(
      published(device).map(({ qos }) => qos),
      [0, 1, 1],
    );
  });

  test(`MQTT ${version}: a real client over a clean session or not gets commands in order, and answers them`, async t => {
    const { port, protocol, ingress } = await startMqtt(t, { limits: { deviceBurstMessages: 1e6 } });
    for (const [at, clean] of [true, false].entries()) {
      const device = await connectAsync(`mqtt://127.0.0.1:${port}`, {
        protocolVersion: version,
        username: 'd1',
        password: 'device',
        clientId: 'c',
        clean,
        ...(version === 5 && !clean ? { properties: { sessionExpiryInterval: 3600 } } : {}),
      });
      const seen: string[] = [];
      device.on('message', (topic, payload) => {
        seen.push(JSON.parse(`${payload}`).id);
        device.publish(`${topic}/ack`, payload, { qos: 1 });
      });
      await device.subscribeAsync(COMMANDS, { qos: 1 });
      const ids = Array.from({ length: 200 }, (_, i) => `${at}-${i}`);
      for (const id of ids) assert.equal(protocol.deliver(command(id, { session: at + 1 })), 'sent');
      await until(() => ingress.received.length === 200 && ingress.told.length === 201);
      assert.deepEqual(seen, ids);
      assert.deepEqual(
        [...new Set(ingress.received.map(({ kind, session }) => `${kind} ${session}`))],
        [`ack ${at + 1}`],
      );
      ingress.received.length = ingress.told.length = 0;
      await device.endAsync();
    }
  });
}

test('only the session that it is for gets it: any other number, device or tenant is gone', async t => {
  const { port, protocol } = await startMqtt(t);
  const older = await connectRaw(t, port);
  older.subscribe([COMMANDS]);
  await older.nextOf('suback');
  assert.equal(protocol.deliver(command('a', { session: 1 })), 'sent');
  await until(() => published(older).length === 1);
  const device = await connectRaw(t, port);
  device.subscribe([COMMANDS]);
  await device.nextOf('suback');
  for (const other of [{ session: 1 }, { session: 3 }, { session: 2, device: 'd2' }, { session: 2, tenant: 'other' }])
    assert.equal(protocol.deliver(command('b', other)), 'gone');
  assert.equal(protocol.deliver(command('c', { session: 2 })), 'sent');
  await until(() => published(device).length === 1);
  assert.deepEqual([idsOf(older), idsOf(device)], [['a'], ['c']]);
});

test('an application that has the same name as a device gets nothing of it', async t => {
  const { port, protocol } = await startMqtt(t);
  const application = await connectRaw(t, port, 4, { key: 'application', username: 'd1', clientId: 'd1' });
  application.subscribe(['devices/#']);
  await application.nextOf('suback');
  const device = await connectRaw(t, port, 4, { clientId: 'd1' });
  device.subscribe([COMMANDS]);
  await device.nextOf('suback');
  protocol.deliver(command('a'));
  await until(() => published(device).length === 1);
  await application.ping();
  assert.equal(published(application).length, 0);
});

test('a session that ended is gone, from the moment that the server closes it', async t => {
  const { port, protocol } = await startMqtt(t);
  const device = await connectRaw(t, port);
  device.subscribe([COMMANDS]);
  await device.nextOf('suback');
  protocol.revoked({ kind: 'device', tenant: 'default', subject: 'd1' });
  assert.equal(protocol.deliver(command('a')), 'gone');
  await device.closed();
  assert.equal(protocol.deliver(command('a')), 'gone');
  assert.equal(published(device).length, 0);
});

test('a device does not get the commands of another one, whose topics it can not subscribe to', async t => {
  const { port, protocol, ingress } = await startMqtt(t);
  const device = await connectRaw(t, port, 5, { username: 'd2' });
  device.subscribe([COMMANDS, 'devices/+/commands', 'devices/d1/#', 'devices/d2/commands']);
  assert.deepEqual((await device.nextOf('suback')).granted, [0x87, 0x87, 0x87, 1]);
  const target = await connectRaw(t, port, 5);
  assert.equal(protocol.deliver(command('a', { session: 2 })), 'not_receiving');
  assert.equal(protocol.deliver(command('b', { device: 'd2', session: 1 })), 'sent');
  await until(() => published(device).length === 1);
  await target.ping();
  assert.deepEqual([idsOf(device), idsOf(target)], [['b'], []]);
  assert.deepEqual(ingress.toldTexts, ['receiving 1 {"receives":1}']);
});

test('MQTT 5: one copy, with the identifiers of all subscriptions that match, and the highest of their QoS', async t => {
  const { port, protocol } = await startMqtt(t);
  const device = await connectRaw(t, port, 5);
  for (const [filter, qos, subscriptionIdentifier] of [
    [COMMANDS, 0, 7],
    ['devices/d1/#', 1, 300],
    [DESIRED, 1, 9],
  ] as const) {
    device.subscribe([filter], qos, { subscriptionIdentifier });
    await device.nextOf('suback');
  }
  protocol.deliver(command('a'));
  const { qos, properties } = await device.nextOf('publish');
  assert.deepEqual([qos, properties.subscriptionIdentifier], [1, [7, 300]]);
  await device.ping();
  assert.equal(published(device).length, 1);
});

test('state/get is a question of the device: its payload may be empty, and it needs no subscription to be asked', async t => {
  const { port, ingress } = await startMqtt(t);
  const device = await connectRaw(t, port);
  device.publish('devices/d1/state/get', '');
  assert.equal((await device.nextOf('puback')).messageId, 1);
  assert.deepEqual(
    ingress.received.map(({ kind, payload, refused }) => [kind, payload.length, refused]),
    [['get', 0, undefined]],
  );
});
