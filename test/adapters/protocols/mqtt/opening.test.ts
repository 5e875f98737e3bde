import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { readJsonPayload } from '../../../../contracts/json.ts';
import type { Connection } from '../../../../contracts/sessions.ts';
import { type Outcome, OVERLOADED, STORED, UNKNOWN } from '../../../../contracts/uplinks.ts';
import { connectPacket, connectRaw, openRaw, VERSIONS } from '../../../support/raw-client.ts';
import { PLACE, type Running, startMqtt, until } from './running-mqtt.ts';

const codeOf = (connack: { returnCode?: number; reasonCode?: number }) => connack.reasonCode ?? connack.returnCode;
const rejected = (reason: 'device_inactive' | 'device_unknown' | 'actor_failed'): Outcome => ({
  state: 'rejected',
  reason,
  detail: '',
});

/** The next connects stay open until `settle`. */
const hold = ({ ingress }: Running) => {
  ingress.sessionOutcomeOf = uplink => (uplink.kind === 'connected' ? undefined : ingress.track(uplink));
};

for (const version of VERSIONS) {
  test(`MQTT ${version}: CONNACK comes after the session is stored, and its number is the stored one`, async t => {
    const running = await startMqtt(t);
    const { ingress, port } = running;
    hold(running);
    const client = await openRaw(t, port, version);
    client.send(connectPacket(version, { username: 'd1', key: 'device' }));
    await until(() => ingress.held.length === 1);
    assert.equal(client.packets.length, 0);
    ingress.settle({ state: 'opened', session: 4711, replaced: null });
    assert.equal(codeOf(await client.next()), 0);
    client.publish('devices/d1/telemetry', '1');
    assert.equal((await client.next()).cmd, 'puback');
    assert.equal(ingress.received[0]!.session, 4711);
    const [{ kind, session, topic, contentType, payload, address }] = ingress.sessions as [
      Running['ingress']['sessions'][0],
    ];
    assert.deepEqual([kind, session, topic, contentType, address.key], ['connected', 0, '', '', 'default/d1']);
    const peer = `127.0.0.1:${client.socket.localPort}`;
    assert.deepEqual(readJsonPayload<Connection>(payload), { ...PLACE, protocol: 'mqtt', peer });
  });

  for (const [what, outcome, v4, v5] of [
    ['a device that is suspended', rejected('device_inactive'), 5, 0x87],
    ['a device that was removed', rejected('device_unknown'), 5, 0x87],
    ['a system that is overloaded', OVERLOADED, 3, 0x89],
    ['an outcome that nobody knows', UNKNOWN, 3, 0x88],
    ['a defect of the actor', rejected('actor_failed'), 3, 0x88],
  ] as const)
    test(`MQTT ${version}: a CONNECT of ${what} is refused`, async t => {
      const { ingress, port, protocol } = await startMqtt(t);
      ingress.sessionOutcomeOf = () => outcome;
      const client = await connectRaw(t, port, version);
      assert.equal(codeOf(client.connack), version === 5 ? v5 : v4);
      await client.closed();
      assert.equal(protocol.health().figures.connections, 0);
      assert.deepEqual(ingress.ended, []);
    });

  test(`MQTT ${version}: a session that was replaced elsewhere is closed; a newer one that is here stays`, async t => {
    const { ingress, port, protocol } = await startMqtt(t);
    const client = await connectRaw(t, port, version);
    const device = { tenant: 'default', device: 'd1' };
    protocol.closeReplaced({ ...device, session: ingress.lastSession - 1 });
    protocol.closeReplaced({ tenant: 'other', device: 'd1', session: ingress.lastSession });
    await client.ping();
    protocol.closeReplaced({ ...device, session: ingress.lastSession });
    assert.equal((await client.next())?.reasonCode, version === 5 ? 0x8e : undefined);
    await client.closed();
    await until(() => ingress.ended.length === 1);
    assert.deepEqual(ingress.ended, [`${ingress.lastSession} taken_over`]);
  });

  test(`MQTT ${version}: how a session ended is told, behind all that it had sent`, async t => {
    const { ingress, port, protocol } = await startMqtt(t);
    const order: string[] = [];
    ingress.outcomeOf = ({ payload }) => {
      order.push(Buffer.from(payload).toString());
      return STORED;
    };
    ingress.sessionOutcomeOf = uplink => {
      order.push(uplink.kind);
      return ingress.track(uplink);
    };
    const polite = await connectRaw(t, port, version, { username: 'polite' });
    polite.publish('devices/polite/telemetry', 'last words');
    polite.send({ cmd: 'disconnect', reasonCode: 0 });
    await until(() => ingress.ended.length === 1);
    assert.deepEqual(order, ['connected', 'last words', 'disconnected']);
    (await connectRaw(t, port, version, { username: 'rude' })).socket.destroy();
    await until(() => ingress.ended.length === 2);
    await connectRaw(t, port, version, { username: 'revoked' });
    protocol.revoked({ kind: 'device', tenant: 'default', subject: 'revoked' });
    await until(() => ingress.ended.length === 3);
    assert.deepEqual(ingress.ended, ['1 client_disconnected', '2 connection_lost', '3 revoked']);
  });
}

test('a session that another node has is closed there, and one of this node here', async t => {
  const { ingress, port, closedElsewhere } = await startMqtt(t);
  const elsewhere = { session: 7, instanceId: 'run-2', address: 'node-2-run-2' };
  ingress.sessionOutcomeOf = () => ({ state: 'opened', session: 8, replaced: elsewhere });
  const first = await connectRaw(t, port, 5);
  assert.deepEqual(closedElsewhere, ['node-2-run-2 default/d1 7']);
  const here = { session: 8, instanceId: PLACE.instanceId, address: PLACE.address };
  ingress.sessionOutcomeOf = ({ kind }) =>
    kind === 'connected' ? { state: 'opened', session: 9, replaced: here } : STORED;
  await connectRaw(t, port, 5);
  assert.equal((await first.next()).reasonCode, 0x8e);
  assert.equal(closedElsewhere.length, 1);
});

test('a connection that ends while its session is being opened leaves none', async t => {
  const running = await startMqtt(t);
  const { ingress, port, protocol } = running;
  hold(running);
  const client = await openRaw(t, port);
  client.send(connectPacket(4, { username: 'd1', key: 'device' }));
  await until(() => ingress.held.length === 1);
  client.socket.destroy();
  await client.closed();
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve));
  ingress.settle({ state: 'opened', session: 5, replaced: null });
  assert.deepEqual(ingress.ended, ['5 connection_lost']);
  assert.equal(protocol.health().figures.connections, 0);
});

test('a session that was replaced while it was being opened is not let in, and its device can come again', async t => {
  const running = await startMqtt(t);
  const { ingress, port, protocol } = running;
  hold(running);
  const client = await openRaw(t, port);
  client.send(connectPacket(4, { username: 'd1', key: 'device' }));
  await until(() => ingress.held.length === 1);
  protocol.closeReplaced({ tenant: 'default', device: 'd1', session: 5 });
  ingress.settle({ state: 'opened', session: 5, replaced: null });
  assert.equal((await client.next()).returnCode, 3);
  assert.deepEqual(ingress.ended, ['5 taken_over']);
  ingress.lastSession = 5;
  ingress.sessionOutcomeOf = uplink => ingress.track(uplink);
  assert.equal((await connectRaw(t, port)).connack.returnCode, 0);
});

test('keys that are revoked while the session is being opened let nobody in', async t => {
  const running = await startMqtt(t);
  const { ingress, port, protocol } = running;
  hold(running);
  const client = await openRaw(t, port);
  client.send(connectPacket(4, { username: 'd1', key: 'device' }));
  await until(() => ingress.held.length === 1);
  protocol.revoked({ kind: 'device', tenant: 'default', subject: 'd1' });
  ingress.settle({ state: 'opened', session: 5, replaced: null });
  assert.equal((await client.next()).returnCode, 4);
  assert.deepEqual(ingress.ended, ['5 revoked']);
});

test('after stopListening nobody new is let in, and live connections stay; stop waits until their ends are stored', async t => {
  const { ingress, port, protocol } = await startMqtt(t);
  const live = await connectRaw(t, port, 5);
  const late = await openRaw(t, port, 5);
  await until(() => protocol.health().figures.connections === 1);
  // The socket of the late one is open on the client's side; a refused one shows that the server has accepted it.
  const refused = await connectRaw(t, port, 5, { key: 'guessed' });
  await refused.closed();
  protocol.stopListening();
  await assert.rejects(openRaw(t, port), { code: 'ECONNREFUSED' });
  late.send(connectPacket(5, { username: 'd2', key: 'device' }));
  assert.equal((await late.next()).reasonCode, 0x88);
  live.publish('devices/d1/telemetry', '1');
  assert.equal((await live.next()).cmd, 'puback');
  ingress.sessionOutcomeOf = () => undefined;
  let isStopped = false;
  const stopped = protocol.stop().then(() => {
    isStopped = true;
  });
  await until(() => ingress.held.length === 1);
  assert.equal((await live.next()).reasonCode, 0x8b);
  await live.closed();
  assert.equal(isStopped, false);
  ingress.settle();
  await stopped;
  assert.deepEqual(ingress.ended, ['1 shutting_down']);
});

test('a device that connects over WebSocket is told as such', async t => {
  const http = createServer();
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  t.after(() => http.close());
  const { ingress } = await startMqtt(t, { http });
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/mqtt`;
  const client = await connectAsync(url, { username: 'd1', password: 'device' });
  const { protocol, peer } = readJsonPayload<Connection>(ingress.sessions[0]!.payload);
  assert.equal(protocol, 'ws');
  assert.match(peer, /^127\.0\.0\.1:\d+$/);
  await client.endAsync();
});
