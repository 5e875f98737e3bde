/** Names that mean something elsewhere (wildcards, slashes, line ends, escapes) mean nothing here, and lead to nobody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkeinError } from '../../../../contracts/errors.ts';
import { ownDevice } from '../../../support/principals.ts';
import { connectRaw } from '../../../support/raw-client.ts';
import { keys, startMqtt, until } from './running-mqtt.ts';

/** As access does it: the username must be the device of the key. */
const strict = async (key: string, username: string) => {
  if (key === 'application') return keys(key, 'a');
  const [tenant, device] = key.split(':') as [string, string];
  if (username !== device && username !== `${tenant}/${device}`) throw new SkeinError('unauthorized', 'No');
  return ownDevice(tenant === 'default' ? 1 : 2, tenant, device);
};

for (const username of [
  'd2',
  'd1/',
  'd1\r\nd2',
  'd1\n',
  ' d1',
  'D1',
  'd%31',
  'default%2fd1',
  'default/d2',
  'other/d1',
  'default/default/d1',
  'default/+',
  '+',
  '#',
  '../default/d1',
  '__proto__',
  'd1\u0085',
  'ｄ1',
])
  test(`the key of d1 does not fit the username ${JSON.stringify(username)}`, async t => {
    const { port, ingress } = await startMqtt(t, { authenticate: strict });
    const client = await connectRaw(t, port, 5, { username, key: 'default:d1' });
    assert.equal(client.connack.reasonCode, 0x86);
    assert.equal(ingress.sessions.length, 0);
  });

const STRANGE_IDS = [
  '+',
  '#',
  '$SYS',
  'a/b',
  '../x',
  'x 1',
  'device default/d1',
  'a\r\nb',
  '%2f',
  '__proto__',
  '💧',
  '\ufeffx',
];

test('client ids of any characters name one connection each, and nobody else', async t => {
  const { port, protocol } = await startMqtt(t, { authenticate: strict });
  const device = await connectRaw(t, port, 5, { username: 'd1', key: 'default:d1', clientId: 'd1' });
  const clients = [];
  for (const clientId of STRANGE_IDS)
    clients.push(await connectRaw(t, port, 5, { username: 'a', key: 'application', clientId }));
  for (const client of [device, ...clients]) await client.ping();
  assert.equal(protocol.health().figures.connections, 1 + STRANGE_IDS.length);
  const again = await connectRaw(t, port, 5, { username: 'a', key: 'application', clientId: 'x 1' });
  assert.equal((await clients[STRANGE_IDS.indexOf('x 1')]!.nextOf('disconnect')).reasonCode, 0x8e);
  await again.ping();
  await device.ping();
});

for (const topic of [
  'devices/d1%2f../d2/telemetry',
  'devices/d1/../d2/telemetry',
  'devices/d1%2ftelemetry',
  'devices/d2/telemetry',
  'devices//telemetry',
  'devices/d1/telemetry\r\n',
  'devices/D1/telemetry',
  'devices/d1 /telemetry',
  'other/devices/d1/telemetry',
  '/devices/d1/telemetry',
  '$share/g/devices/d1/telemetry',
])
  test(`a publish to ${JSON.stringify(topic)} is kept as a dead letter of its sender and shown to nobody`, async t => {
    const { port, ingress } = await startMqtt(t, { authenticate: strict });
    const application = await connectRaw(t, port, 5, { username: 'a', key: 'application', clientId: 'a' });
    application.subscribe(['devices/#', 'devices/d2/+']);
    await application.nextOf('suback');
    const device = await connectRaw(t, port, 5, { username: 'd1', key: 'default:d1' });
    device.publish(topic, 'x');
    assert.equal((await device.nextOf('puback')).reasonCode, 0x87);
    await until(() => ingress.received.length === 1);
    const [uplink] = ingress.received;
    assert.deepEqual([uplink!.address.key, uplink!.refused?.reason], ['default/d1', 'topic_forbidden']);
    await application.ping();
    assert.equal(
      application.packets.some(it => it.cmd === 'publish'),
      false,
    );
  });

for (const filter of [
  'devices/d2/#',
  'devices/+/commands',
  'devices/d1%2f../d2/#',
  'devices/d',
  '#',
  '+/d1/#',
  'devices/d1+',
])
  test(`d1 may not subscribe to ${filter}`, async t => {
    const { port } = await startMqtt(t, { authenticate: strict });
    const device = await connectRaw(t, port, 5, { username: 'd1', key: 'default:d1' });
    device.subscribe([filter]);
    const answer = await device.next();
    // What is no filter at all ends the connection.
    if (answer?.cmd === 'suback') assert.deepEqual(answer.granted, [0x87]);
    else await device.closed();
  });
