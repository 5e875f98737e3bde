import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRaw, openRaw, VERSIONS } from '../../../support/raw-client.ts';
import { startMqtt, until } from './running-mqtt.ts';

for (const version of VERSIONS) {
  test(`MQTT ${version}: a second connection of a device closes the first, whatever its client id`, async t => {
    const { port, ingress, protocol } = await startMqtt(t);
    const numbers: number[] = [];
    let before = await connectRaw(t, port, version, { clientId: 'c0' });
    for (let i = 1; i <= 3; i++) {
      const client = await connectRaw(t, port, version, { clientId: i === 3 ? 'c2' : `c${i}` });
      const said = await before.next();
      assert.equal(said?.reasonCode, version === 5 ? 0x8e : undefined);
      await before.closed();
      client.publish('devices/d1/telemetry', '1');
      assert.equal((await client.next()).cmd, 'puback');
      numbers.push(ingress.received.at(-1)!.session);
      before = client;
    }
    assert.ok(numbers[0]! < numbers[1]! && numbers[1]! < numbers[2]!, `${numbers}`);
    assert.equal(protocol.health().figures.connections, 1);
  });

  test(`MQTT ${version}: the same client id in two tenants, and for two devices, disturbs nobody`, async t => {
    const { port, protocol } = await startMqtt(t);
    const clients = [];
    for (const username of ['d1', 'd2', 'other/d1', 'other/d2'])
      clients.push(await connectRaw(t, port, version, { username, clientId: 'same' }));
    for (const username of ['x', 'other/x'])
      clients.push(await connectRaw(t, port, version, { username, clientId: 'same', key: 'application' }));
    for (const client of clients) await client.ping();
    assert.equal(protocol.health().figures.connections, 6);
  });

  test(`MQTT ${version}: applications of one tenant with the same client id: the older is closed`, async t => {
    const { port } = await startMqtt(t);
    const connecting = { clientId: 'same', key: 'application' };
    const older = await connectRaw(t, port, version, connecting);
    const newer = await connectRaw(t, port, version, connecting);
    assert.equal((await older.next())?.reasonCode, version === 5 ? 0x8e : undefined);
    await older.closed();
    await newer.ping();
  });

  test(`MQTT ${version}: a CONNECT with a wrong key takes no session over`, async t => {
    const { port } = await startMqtt(t);
    const owner = await connectRaw(t, port, version, { clientId: 'c' });
    const thief = await connectRaw(t, port, version, { clientId: 'c', key: 'guessed' });
    await thief.closed();
    await owner.ping();
  });

  test(`MQTT ${version}: revoked keys close the connections of that device, and of no other`, async t => {
    const { port, protocol } = await startMqtt(t);
    const clients = [];
    for (const username of ['d1', 'd2', 'other/d1']) clients.push(await connectRaw(t, port, version, { username }));
    protocol.revoked({ kind: 'device', tenant: 'default', subject: 'd1' });
    assert.equal((await clients[0]!.next())?.reasonCode, version === 5 ? 0x98 : undefined);
    await clients[0]!.closed();
    await clients[1]!.ping();
    await clients[2]!.ping();
    assert.equal((await connectRaw(t, port, version)).connack.cmd, 'connack');
  });

  test(`MQTT ${version}: stop tells every client, closes every connection, and listens no more`, async t => {
    const { port, protocol } = await startMqtt(t);
    const device = await connectRaw(t, port, version);
    const application = await connectRaw(t, port, version, { key: 'application' });
    const silent = await openRaw(t, port);
    await protocol.stop();
    for (const client of [device, application]) {
      assert.equal((await client.next())?.reasonCode, version === 5 ? 0x8b : undefined);
      await client.closed();
    }
    await silent.closed();
    await assert.rejects(openRaw(t, port), { code: 'ECONNREFUSED' });
  });
}

test('many connections of one device at the same time leave exactly one', async t => {
  const { port, protocol } = await startMqtt(t, { limits: { clientBurstConnects: 30 } });
  const clients = await Promise.all(Array.from({ length: 30 }, () => connectRaw(t, port, 4)));
  await until(() => clients.filter(client => !client.isClosed).length === 1);
  assert.equal(protocol.health().figures.connections, 1);
  await clients.find(client => !client.isClosed)!.ping();
});

test('when a connection ends its place is free: nothing is kept of it', async t => {
  const { port, protocol } = await startMqtt(t);
  for (let i = 0; i < 20; i++) {
    const client = await connectRaw(t, port, 5, {
      username: `d${i}`,
      will: { topic: 'a', payload: Buffer.from('b'), qos: 1, retain: true },
    });
    client.socket.destroy();
  }
  await until(() => protocol.health().figures.connections === 0);
});
