import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DeviceLimit, Grant } from '../../../../contracts/access.contract.ts';
import type { Permission } from '../../../../contracts/permissions.ts';
import { program } from '../../../support/principals.ts';
import { connectRaw, type RawClient } from '../../../support/raw-client.ts';
import { keys, type Options, startMqtt, until } from './running-mqtt.ts';

const GROUP: DeviceLimit = { groups: ['seen'] };
const limited = (permissions: readonly Permission[], limit: DeviceLimit | null = GROUP): Grant => ({
  permissions,
  limit,
});

/** Applications have these grants; a device fits when its name begins with `s`. */
async function start(t: TestContext, grants: readonly Grant[], options: Options = {}) {
  const asked: string[] = [];
  const running = await startMqtt(t, {
    authenticate: async (key, username) =>
      key === 'application' ? program(1, 'default', grants) : keys(key, username),
    fits: async (tenantId, device, limit) => {
      asked.push(`${tenantId} ${device} ${limit}`);
      return device.startsWith('s');
    },
    ...options,
  });
  const application = async (filters: readonly string[], qos = 1) => {
    const client = await connectRaw(t, running.port, 5, { username: 'a', key: 'application', clientId: 'a' });
    client.subscribe(filters, qos);
    assert.deepEqual(
      (await client.nextOf('suback')).granted,
      filters.map(() => qos),
    );
    return client;
  };
  const device = (username: string) => connectRaw(t, running.port, 5, { username, clientId: username });
  return { ...running, asked, application, device };
}

async function send(device: RawClient, topic: string, payload: string): Promise<void> {
  device.publish(topic, payload);
  await device.nextOf('puback');
}

const textsOf = ({ packets }: RawClient) => packets.filter(it => it.cmd === 'publish').map(it => `${it.payload}`);

test('a role that is limited to some devices sees theirs, in order, and each device is looked up once', async t => {
  const { application, device, asked } = await start(t, [limited(['telemetry:read'])]);
  const client = await application(['devices/+/telemetry']);
  const [seen, hidden] = [await device('s1'), await device('h1')];
  for (let i = 0; i < 10; i++) {
    await send(hidden, 'devices/h1/telemetry', `hidden ${i}`);
    await send(seen, 'devices/s1/telemetry', `${i}`);
  }
  await until(() => textsOf(client).length === 10);
  assert.deepEqual(textsOf(client), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  const limit = '{"types":[],"tags":[],"groups":["seen"]}';
  assert.deepEqual(asked, [`1 h1 ${limit}`, `1 s1 ${limit}`]);
});

test('each kind of topic has the limit of the roles that see it', async t => {
  const { application, device } = await start(t, [limited(['telemetry:read']), limited(['events:read'], null)]);
  const client = await application(['devices/+/telemetry', 'devices/+/events']);
  const hidden = await device('h1');
  await send(hidden, 'devices/h1/telemetry', 'hidden');
  await send(hidden, 'devices/h1/events', 'event');
  await until(() => textsOf(client).length === 1);
  assert.deepEqual(textsOf(client), ['event']);
});

test('a role for all devices asks for none', async t => {
  const { application, device, asked } = await start(t, [
    limited(['telemetry:read']),
    limited(['telemetry:read'], null),
  ]);
  const client = await application(['devices/+/telemetry']);
  await send(await device('h1'), 'devices/h1/telemetry', '1');
  await until(() => textsOf(client).length === 1);
  assert.deepEqual(asked, []);
});

test('what comes behind a device that is being looked up waits for it', async t => {
  const held = new Map<string, (fits: boolean) => void>();
  const { application, device, ingress } = await start(t, [limited(['telemetry:read'])], {
    fits: (_tenantId, name) => new Promise(resolve => held.set(name, resolve)),
  });
  const client = await application(['devices/+/telemetry']);
  await send(await device('d1'), 'devices/d1/telemetry', 'first');
  await send(await device('d2'), 'devices/d2/telemetry', 'second');
  held.get('d2')!(true);
  await client.ping();
  assert.deepEqual([textsOf(client), ingress.received.length], [[], 2]);
  held.get('d1')!(true);
  await until(() => textsOf(client).length === 2);
  assert.deepEqual(textsOf(client), ['first', 'second']);
});

test('what is remembered of a device is looked up again after its time', async t => {
  const { application, device, asked } = await start(t, [limited(['telemetry:read'])], {
    limits: { fittingDevicesSeconds: 1 },
  });
  await application(['devices/+/telemetry']);
  const seen = await device('s1');
  const begin = performance.now();
  while (asked.length < 2) await send(seen, 'devices/s1/telemetry', '1');
  assert.ok(performance.now() - begin >= 900, 'the first answer was kept');
});

test('when it can not be found out, nothing is shown, and who asked for QoS 1 is told', async t => {
  for (const qos of [0, 1]) {
    const { application, device } = await start(t, [limited(['telemetry:read'])], {
      fits: () => Promise.reject(new Error('away')),
    });
    const client = await application(['devices/+/telemetry'], qos);
    await send(await device('s1'), 'devices/s1/telemetry', '1');
    if (qos === 1) assert.equal((await client.nextOf('disconnect')).reasonCode, 0x97);
    else await client.ping();
    assert.deepEqual(textsOf(client), []);
  }
});

test('what waits has a limit: QoS 0 is lost beyond it, QoS 1 closes the connection', async t => {
  for (const qos of [0, 1]) {
    const { application, device, protocol } = await start(t, [limited(['telemetry:read'])], {
      fits: () => new Promise(() => {}),
      limits: { subscriberQueueMaxBytes: 1_000 },
    });
    const client = await application(['devices/+/telemetry'], qos);
    const seen = await device('s1');
    for (let i = 0; i < 4; i++) await send(seen, 'devices/s1/telemetry', 'x');
    if (qos === 1) assert.equal((await client.nextOf('disconnect')).reasonCode, 0x97);
    else await until(() => protocol.health().figures.forwardsDropped === 1);
  }
});
