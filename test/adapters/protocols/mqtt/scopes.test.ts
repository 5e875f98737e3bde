import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DevicePermissions } from '../../../../adapters/protocols/mqtt/permissions.ts';
import { type Downlink, RECEIVES } from '../../../../contracts/downlinks.ts';
import { DEVICE_SCOPES, type DeviceScope } from '../../../../contracts/permissions.ts';
import type { UplinkKind } from '../../../../contracts/uplinks.ts';
import { ownDevice } from '../../../support/principals.ts';
import { connectRaw } from '../../../support/raw-client.ts';
import { startMqtt, until } from './running-mqtt.ts';

const ALL = Object.keys(DEVICE_SCOPES) as DeviceScope[];
const PUBLISHING: readonly (readonly [string, UplinkKind, DeviceScope])[] = [
  ['devices/d1/telemetry', 'telemetry', 'telemetry:publish'],
  ['devices/d1/state', 'state', 'state:publish'],
  ['devices/d1/events', 'events', 'events:publish'],
  ['devices/d1/commands/ack', 'ack', 'commands:receive'],
  ['devices/d1/state/get', 'get', 'twin:read'],
  ['gateways/d1/devices/c1/telemetry', 'other', 'telemetry:publish'],
  ['gateways/d1/devices/c1/state', 'other', 'state:publish'],
  ['gateways/d1/devices/c1/commands/ack', 'other', 'commands:receive'],
];
for (const [topic, kind, scope] of PUBLISHING)
  test(`${topic} takes ${scope} and no other scope`, () => {
    assert.equal(new DevicePermissions('d1', [scope]).kindOf(topic), kind);
    const others = ALL.filter(it => it !== scope);
    assert.equal(new DevicePermissions('d1', others).kindOf(topic), undefined);
  });

test('what no scope is about takes a credential without scopes', () => {
  assert.equal(new DevicePermissions('d1', null).kindOf('devices/d1/firmware/progress'), 'other');
  assert.equal(new DevicePermissions('d1', ALL).kindOf('devices/d1/firmware/progress'), undefined);
});

const SUBSCRIBING: readonly (readonly [string, readonly DeviceScope[], boolean])[] = [
  ['devices/d1/commands', ['twin:read'], false],
  ['devices/d1/commands', ['commands:receive'], true],
  ['devices/d1/commands/#', ['twin:read'], false],
  ['devices/d1/state/desired', ['commands:receive'], false],
  ['devices/d1/state/+', ['commands:receive'], false],
  ['devices/d1/state/get/response', ['twin:read'], true],
  ['devices/d1/#', ['commands:receive'], true],
  ['devices/d1/#', ['telemetry:publish'], false],
  ['devices/d1/telemetry', ['telemetry:publish'], true],
];
for (const [filter, scopes, may] of SUBSCRIBING)
  test(`with ${scopes} a device may${may ? '' : ' not'} subscribe to ${filter}`, () =>
    assert.equal(new DevicePermissions('d1', scopes).maySubscribe(filter), may));

const limitedTo = (scopes: readonly DeviceScope[]) => ({
  authenticate: async () => ({ ...ownDevice(1, 'default', 'd1'), scopes }),
});

test('a publish without its scope is kept as a dead letter and refused, and 3.1.1 is closed', async t => {
  const { port, ingress } = await startMqtt(t, limitedTo(['telemetry:publish']));
  const client = await connectRaw(t, port, 5);
  client.publish('devices/d1/telemetry', '1');
  assert.equal((await client.nextOf('puback')).reasonCode ?? 0, 0);
  client.publish('devices/d1/state', '{}');
  assert.equal((await client.nextOf('puback')).reasonCode, 0x87);
  const old = await connectRaw(t, port, 4);
  old.publish('devices/d1/events', '{}');
  await old.closed();
  assert.deepEqual(
    ingress.received.map(it => [it.topic, it.refused?.reason]),
    [
      ['devices/d1/telemetry', undefined],
      ['devices/d1/state', 'topic_forbidden'],
      ['devices/d1/events', 'topic_forbidden'],
    ],
  );
});

test('a wildcard takes what the scopes allow: its actor hears of no commands, and none goes out', async t => {
  const { port, ingress, protocol } = await startMqtt(t, limitedTo(['twin:read']));
  const client = await connectRaw(t, port, 5);
  client.subscribe(['devices/d1/#', 'devices/d1/commands']);
  assert.deepEqual((await client.nextOf('suback')).granted, [1, 0x87]);
  await until(() => ingress.told.length > 0);
  assert.deepEqual(ingress.toldTexts, [`receiving 1 {"receives":${RECEIVES.desired}}`]);
  const down = (kind: Downlink['kind']): Downlink => ({
    tenant: 'default',
    device: 'd1',
    session: 1,
    kind,
    payload: '{}',
    attempt: null,
  });
  assert.equal(protocol.deliver(down('command')), 'not_receiving');
  assert.equal(protocol.deliver(down('desired')), 'sent');
  assert.equal((await client.nextOf('publish')).topic, 'devices/d1/state/desired');
});
