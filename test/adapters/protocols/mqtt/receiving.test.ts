import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOVED, OVERLOADED, STORED, UNKNOWN } from '../../../../contracts/uplinks.ts';
import { connectRaw, VERSIONS } from '../../../support/raw-client.ts';
import { COMMANDS, DESIRED, unsubscribe } from './downlinks.ts';
import { startMqtt, until } from './running-mqtt.ts';

for (const version of VERSIONS) {
  for (const [filters, receives] of [
    [[COMMANDS], 1],
    [[DESIRED], 2],
    [[COMMANDS, DESIRED], 3],
    [['devices/d1/#'], 3],
    [['devices/d1/+'], 1],
    [['devices/d1/state/+'], 2],
    [['devices/d1/+/desired', 'devices/d1/commands/#'], 3],
  ] as const)
    test(`MQTT ${version}: of a device that subscribes to ${filters} is told once that it takes ${receives}`, async t => {
      const { port, ingress } = await startMqtt(t);
      const device = await connectRaw(t, port, version);
      device.subscribe(filters);
      await device.nextOf('suback');
      device.subscribe(filters, 0);
      await device.nextOf('suback');
      await device.ping();
      assert.deepEqual(ingress.toldTexts, [`receiving 1 {"receives":${receives}}`]);
    });

  test(`MQTT ${version}: unsubscribing takes it back, to the last`, async t => {
    const { port, ingress } = await startMqtt(t);
    const device = await connectRaw(t, port, version);
    device.subscribe([COMMANDS, 'devices/d1/#']);
    await device.nextOf('suback');
    for (const filter of ['devices/d1/#', COMMANDS, COMMANDS]) {
      unsubscribe(device, [filter]);
      await device.nextOf('unsuback');
    }
    await until(() => ingress.told.length === 3);
    await device.ping();
    assert.deepEqual(
      ingress.toldTexts,
      [3, 1, 0].map(it => `receiving 1 {"receives":${it}}`),
    );
  });

  test(`MQTT ${version}: filters that match neither commands nor what is desired tell nothing, nor do those that are refused`, async t => {
    const { port, ingress } = await startMqtt(t);
    const device = await connectRaw(t, port, version);
    device.subscribe(['devices/d1/state/get/response', 'devices/d1/commandsx', 'devices/d2/commands', 'devices/+/#']);
    await device.nextOf('suback');
    unsubscribe(device, [COMMANDS]);
    await device.nextOf('unsuback');
    await device.ping();
    assert.deepEqual(ingress.told, []);
  });

  test(`MQTT ${version}: SUBACK does not wait until that is stored`, async t => {
    const { port, ingress } = await startMqtt(t);
    ingress.toldOutcomeOf = () => undefined;
    const device = await connectRaw(t, port, version);
    device.subscribe([COMMANDS]);
    assert.deepEqual((await device.nextOf('suback')).granted, [1]);
    assert.equal(ingress.held.length, 1);
    ingress.settle();
  });
}

test('one is under way at a time, and after it only the newest is told', async t => {
  const { port, ingress } = await startMqtt(t);
  ingress.toldOutcomeOf = () => undefined;
  const device = await connectRaw(t, port);
  device.subscribe([COMMANDS]);
  await device.nextOf('suback');
  for (const filters of [['devices/d1/#'], [DESIRED]]) {
    device.subscribe(filters);
    await device.nextOf('suback');
  }
  unsubscribe(device, [COMMANDS, 'devices/d1/#']);
  await device.nextOf('unsuback');
  assert.deepEqual(ingress.toldTexts, ['receiving 1 {"receives":1}']);
  ingress.settle();
  assert.deepEqual(ingress.toldTexts, ['receiving 1 {"receives":1}', 'receiving 1 {"receives":2}']);
  unsubscribe(device, [DESIRED]);
  await device.nextOf('unsuback');
  device.subscribe([DESIRED]);
  await device.nextOf('suback');
  ingress.settle();
  await device.ping();
  assert.equal(ingress.told.length, 2);
});

for (const [outcome, code, reason] of [
  [UNKNOWN, 0x89, 'not_settled'],
  [MOVED, 0x89, 'not_settled'],
  [OVERLOADED, 0x97, 'overloaded'],
  [{ state: 'rejected', reason: 'quarantined', detail: '' }, 0x89, 'not_settled'],
] as const)
  test(`a device whose actor can not be told (${outcome.state}) is disconnected, so that it subscribes anew`, async t => {
    const { port, ingress } = await startMqtt(t);
    ingress.toldOutcomeOf = () => outcome;
    const device = await connectRaw(t, port, 5);
    device.subscribe([COMMANDS]);
    assert.equal((await device.nextOf('disconnect')).reasonCode, code);
    await until(() => ingress.ended.length === 1);
    assert.deepEqual(ingress.ended, [`1 ${reason}`]);
  });

for (const end of ['disconnect', 'destroy'] as const)
  test(`a session that ends by ${end} tells its end, and not that it takes nothing any more`, async t => {
    const { port, ingress } = await startMqtt(t);
    ingress.toldOutcomeOf = () => undefined;
    const device = await connectRaw(t, port);
    device.subscribe(['devices/d1/#']);
    await device.nextOf('suback');
    if (end === 'disconnect') device.send({ cmd: 'disconnect' });
    else device.socket.destroy();
    await until(() => ingress.ended.length === 1);
    ingress.settle(UNKNOWN);
    assert.equal(ingress.told.length, 1);
  });

test('of the next session nothing is assumed: it has to subscribe, and is told of with its own number', async t => {
  const { port, ingress } = await startMqtt(t);
  for (let session = 1; session <= 2; session++) {
    const device = await connectRaw(t, port);
    await device.ping();
    assert.equal(ingress.told.length, session - 1);
    device.subscribe([COMMANDS]);
    await device.nextOf('suback');
    await until(() => ingress.told.length === session);
  }
  assert.deepEqual(
    ingress.told.map(({ session }) => session),
    [1, 2],
  );
});

test('a defect while that is told closes the connection, and no more than that', async t => {
  const { port, ingress, errors } = await startMqtt(t);
  ingress.toldOutcomeOf = () => {
    throw new Error('planted');
  };
  const device = await connectRaw(t, port);
  device.subscribe([COMMANDS]);
  await device.closed();
  ingress.toldOutcomeOf = () => STORED;
  assert.equal(errors.splice(0).length, 1);
  assert.equal((await connectRaw(t, port)).connack.returnCode, 0);
});
