import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effects } from '../../../contracts/store.ts';
import type { UplinkKind } from '../../../contracts/uplinks.ts';
import { NOW_MS } from '../runtime/uplinks.ts';
import { around, newActor } from './new-actor.ts';

const address = { tenant: 'default', device: 'd', key: 'default/d', shard: 0 };
const CONNECTION = { instanceId: 'i', address: 'a', nodeId: 'n', protocol: 'mqtt', peer: 'p' };
const uplink = (kind: UplinkKind, content: unknown, session = 0) => ({
  address,
  session,
  receivedAtMs: NOW_MS,
  kind,
  topic: '',
  contentType: 'application/json',
  payload: Buffer.from(JSON.stringify(content)),
});

const connected = uplink('connected', CONNECTION);
const reading = uplink('telemetry', { t: 1 });
const activates = (effects: Effects) => effects.activates === true;

for (const state of ['registered', 'provisioned'] as const)
  for (const [what, first] of [
    ['connection', connected],
    ['reading', reading],
    ['report', uplink('state', { a: 1 })],
  ] as const)
    test(`the first ${what} of a device that is ${state} makes it active, once`, () => {
      const actor = newActor({ state });
      assert.equal(activates(actor.receive(first, around)), true);
      for (const it of [connected, reading]) assert.equal(activates(actor.receive(it, around)), false);
    });

for (const state of ['active', 'suspended', 'decommissioned'] as const)
  test(`nothing that comes makes a device active that is ${state}`, () => {
    const actor = newActor({ state });
    for (const it of [connected, reading]) assert.equal(activates(actor.receive(it, around)), false);
  });

test('what can not be stored, and what others ask of it, is no sign of a device', () => {
  const actor = newActor({ state: 'registered' });
  for (const it of [
    uplink('telemetry', 5),
    uplink('get', {}),
    uplink('request', { type: 'desired', patch: { a: 1 }, version: null }),
    uplink('tick', {}),
    uplink('disconnected', { reason: 'x' }),
  ])
    assert.equal(activates(actor.receive(it, around)), false, it.kind);
  assert.equal(activates(actor.receive(reading, around)), true);
});
