import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Effects } from '../../../contracts/store.ts';
import { CONNECTED, Commanded, downlinks } from './commanded-actor.ts';

const told = (effects: Effects) => downlinks(effects).map(({ kind, payload }) => [kind, JSON.parse(payload)]);
const desire = (device: Commanded, patch: object) => told(device.tell('request', { type: 'desired', patch }));
const report = (device: Commanded, patch: object) => told(device.tell('state', patch, device.session));
const OFFLINE = { session: { ...CONNECTED, connected: false } };

describe('A device is told what is desired', () => {
  it('at each change, with the version, and only what differs', () => {
    const device = new Commanded();
    report(device, { mode: 'eco', wifi: { channel: 1 } });
    assert.deepEqual(desire(device, { mode: 'eco', wifi: { channel: 6, ssid: 'x' } }), [
      ['desired', { version: 1, delta: { wifi: { channel: 6, ssid: 'x' } } }],
    ]);
    assert.deepEqual(desire(device, { level: 3 }), [
      ['desired', { version: 2, delta: { wifi: { channel: 6, ssid: 'x' }, level: 3 } }],
    ]);
  });

  it('not when nothing differs, nor when nothing changed', () => {
    const device = new Commanded();
    report(device, { mode: 'eco' });
    assert.deepEqual(desire(device, { mode: 'eco' }), []);
    desire(device, { mode: 'heat' });
    assert.deepEqual(desire(device, { mode: 'heat' }), []);
  });

  it('after each connect, when something differs', () => {
    const device = new Commanded(OFFLINE);
    assert.deepEqual(desire(device, { mode: 'heat' }), []);
    for (let i = 0; i < 2; i++)
      assert.deepEqual(told(device.connects()), [['desired', { version: 1, delta: { mode: 'heat' } }]]);
    report(device, { mode: 'heat' });
    assert.deepEqual(told(device.connects()), []);
  });

  it('only over a connection that takes it', () => {
    const device = new Commanded(OFFLINE);
    desire(device, { mode: 'heat' });
    assert.deepEqual(told(device.connects(1)), []);
    assert.deepEqual(told(device.tell('receiving', { receives: 3 }, device.session)).length, 1);
  });

  it('again when it reports something else than what is desired, and not while it comes closer', () => {
    const device = new Commanded();
    desire(device, { a: 1, b: 2 });
    assert.deepEqual(report(device, { a: 1 }), []);
    assert.deepEqual(report(device, { other: true }), []);
    assert.deepEqual(report(device, { a: 9 }), [['desired', { version: 1, delta: { a: 1, b: 2 } }]]);
  });

  it('again when its actor was loaded, because nobody knows whether it was told', () => {
    const first = new Commanded();
    const { twin } = first.tell('request', { type: 'desired', patch: { mode: 'heat' } });
    const next = new Commanded({ twin: twin!.record });
    assert.equal(next.actor.isUnfinished, true);
    assert.equal(told(next.tick()).length, 1);
    assert.deepEqual([told(next.tick(60_000)), next.actor.dueAtMs], [[], Number.POSITIVE_INFINITY]);
    assert.equal(new Commanded({ twin: twin!.record, ...OFFLINE }).actor.isUnfinished, false);
  });

  it('again a while after it may not have been told, if it is still the same connection', () => {
    const device = new Commanded();
    desire(device, { mode: 'heat' });
    device.actor.desiredNotTold(device.session - 1, device.atMs + 5);
    assert.equal(device.actor.dueAtMs, Number.POSITIVE_INFINITY);
    device.actor.desiredNotTold(device.session, device.atMs + 5);
    assert.deepEqual([device.actor.dueAtMs, told(device.tick(4))], [device.atMs + 1, []]);
    assert.equal(told(device.tick(1)).length, 1);
  });
});

describe('A device that asks for its twin', () => {
  it('is told all of it, whatever it has subscribed to', () => {
    const device = new Commanded({ session: { ...CONNECTED, receives: 0 } });
    report(device, { a: 1 });
    desire(device, { a: 2 });
    assert.deepEqual(told(device.tell('get', {}, device.session)), [
      ['twin', { reported: { a: 1 }, reportedVersion: 1, desired: { a: 2 }, desiredVersion: 1, delta: { a: 2 } }],
    ]);
  });

  it('is told of an empty one when it has none', () => {
    const nothing = { reported: {}, reportedVersion: 0, desired: {}, desiredVersion: 0, delta: {} };
    const device = new Commanded();
    assert.deepEqual(told(device.tell('get', {}, device.session)), [['twin', nothing]]);
  });
});

describe('What happens to a device', () => {
  it('is told as events: connections, and changes of its twin with their patch', () => {
    const device = new Commanded();
    const kinds = (effects: Effects) => effects.events.map(it => [it.kind, it.data]);
    assert.deepEqual(kinds(device.disconnects()), [
      ['device.status', { status: 'offline', session: 4, reason: 'connection_lost' }],
    ]);
    const opened = device.tell('connected', {
      instanceId: 'i',
      address: 'f',
      nodeId: 'n',
      protocol: 'mqtt',
      peer: 'p',
    });
    assert.deepEqual(kinds(opened), [['device.status', { status: 'online', session: 5, reason: null }]]);
    assert.deepEqual(kinds(device.tell('state', { a: 1 }, 5)), [
      ['device.update', { document: 'reported', version: 1, patch: { a: 1 } }],
    ]);
    assert.deepEqual(kinds(device.tell('state', { a: 1 }, 5)), []);
  });
});
