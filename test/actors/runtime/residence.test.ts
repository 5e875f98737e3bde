import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Host } from '../../../actors/runtime/host.ts';
import { decode } from '../../../adapters/codecs/index.ts';
import { jsonPayload } from '../../../contracts/json.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { Connection } from '../../../contracts/sessions.ts';
import type { Outcome, Uplink } from '../../../contracts/uplinks.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryStore } from './memory-store.ts';
import { NOW_MS, uplink } from './uplinks.ts';

const SHARD = uplink('a', {}).address.shard;
const here = (epoch: number) => [{ shard: SHARD, epoch, holder: 'me' }];

function setUp() {
  const store = new MemoryStore();
  store.addDevice(uplink('a', {}).address);
  const time = new ManualTime();
  let ids = 0;
  const host = new Host({
    store,
    decode,
    clock: time,
    scheduler: time,
    random: { uuid: () => `id-${++ids}`, fraction: () => 0 },
    limits: { ...LIMITS, lanes: 1 },
    onFenced: () => {},
    onDefect: error => assert.fail(String(error)),
  });
  host.start();
  const outcomes: Outcome[] = [];
  const send = (up: Uplink, epoch?: number) => host.receive(up, outcome => outcomes.push(outcome), epoch);
  const states = () => outcomes.map(it => it.state);
  return { store, time, host, send, outcomes, states };
}
const at = (ms: number, more: Partial<Uplink> = {}) => uplink('a', { ts: NOW_MS + ms, values: { t: ms } }, more);

describe('a host and its shards', () => {
  it('takes nothing for a shard that it does not have, nor in another epoch than it has it', async () => {
    const { time, host, send, states, store } = setUp();
    send(at(0), 1);
    host.admit(here(4));
    send(at(1), 3);
    send(at(2), 5);
    send(at(3), 4);
    await time.settle();
    assert.deepEqual(states(), ['not_owner', 'not_owner', 'not_owner', 'stored']);
    assert.equal(store.points.size, 1);
  });

  it('lets what is in a lane be stored before the shard leaves, and sends the rest away undone', async () => {
    const { time, host, send, states, store } = setUp();
    host.admit(here(1));
    send(at(0));
    await time.settle();
    const open = store.hold();
    send(at(1));
    await time.settle();
    let isReleased = false;
    const released = host.release([SHARD]).then(() => {
      isReleased = true;
    });
    send(at(2));
    await time.pass(500);
    assert.equal(isReleased, false, 'it waits for the commit');
    open();
    await time.pass(100);
    await released;
    send(at(3));
    assert.deepEqual(states(), ['stored', 'moved', 'stored', 'not_owner']);
  });

  it('sends away what waits for an actor to be loaded when its shard leaves', async () => {
    const { time, host, send, states, store } = setUp();
    store.failLoads = 1_000;
    host.admit(here(1));
    send(at(0));
    send(at(1));
    await time.pass(300);
    const released = host.release([SHARD]);
    await time.pass(100);
    await released;
    assert.deepEqual(states(), ['moved', 'moved']);
    await time.pass(1_000);
    assert.deepEqual(states(), ['moved', 'moved'], 'and only once');
  });

  it('handles nothing again for a shard that leaves: what was before it has gone back already', async () => {
    const { time, host, send, states, store } = setUp();
    host.admit(here(1));
    send(at(0));
    await time.settle();
    const open = store.hold();
    store.refuses = point => point.value === 1;
    // 1 is in the lane and will be refused, 2 gathers behind it; once it is refused the actor has to be loaded again.
    send(at(1));
    await time.settle();
    send(at(2));
    const released = host.release([SHARD]);
    open();
    await time.pass(200);
    await released;
    assert.deepEqual(states(), ['stored', 'rejected', 'moved']);
    assert.equal(store.points.size, 1);
  });

  it('does not let a shard go while nobody knows what became of its last transaction', async () => {
    const { time, host, send, store, states } = setUp();
    host.admit(here(1));
    send(at(0));
    await time.settle();
    store.failures = ['stored_but_unknown', 'unavailable', 'unavailable'];
    send(at(1));
    await time.settle();
    assert.deepEqual(states(), ['stored', 'unknown']);
    let isReleased = false;
    const released = host.release([SHARD]).then(() => {
      isReleased = true;
    });
    await time.pass(150);
    assert.equal(isReleased, false);
    await time.pass(1_000);
    await released;
  });

  it('lets everything go when it is fenced while nobody knows what became of its last transaction', async () => {
    const { time, host, send, store, states } = setUp();
    host.admit(here(1));
    send(at(0));
    await time.settle();
    store.failures = ['stored_but_unknown', 'unavailable', 'fenced'];
    send(at(1));
    await time.settle();
    send(at(2, { session: 2 }));
    const released = host.release([SHARD]);
    await time.pass(1_000);
    await released;
    assert.deepEqual(states(), ['stored', 'unknown', 'moved']);
  });

  it('forgets what it knew of a device when its shard was away: another may have changed it since', async () => {
    const { time, host, send, store, states } = setUp();
    host.admit(here(1));
    send(at(0));
    await time.settle();
    const released = host.release([SHARD]);
    await time.pass(10);
    await released;
    assert.equal(store.loads, 1);
    host.admit(here(3));
    send(at(0), 3);
    await time.settle();
    assert.equal(store.loads, 2);
    assert.deepEqual(states(), ['stored', 'duplicate']);
  });
});

const place: Connection = {
  instanceId: 'front',
  address: 'front-1',
  nodeId: 'f',
  protocol: 'mqtt',
  peer: '10.0.0.1:5',
};
const connect = (from: Partial<Connection> = {}) =>
  uplink('a', jsonPayload({ ...place, ...from }), { kind: 'connected', session: 0, topic: '' });
const disconnect = (session: number) =>
  uplink('a', jsonPayload({ reason: 'closed' }), { kind: 'disconnected', session, topic: '' });

describe('the sessions of a device', () => {
  it('are numbered by its actor, and each replaces the one before it', async () => {
    const { time, host, send, outcomes, store } = setUp();
    host.admit(here(1));
    send(connect());
    send(connect({ instanceId: 'other', address: 'other-1' }));
    await time.settle();
    assert.deepEqual(outcomes, [
      { state: 'opened', session: 1, replaced: null },
      { state: 'opened', session: 2, replaced: { session: 1, instanceId: 'front', address: 'front-1' } },
    ]);
    assert.equal(store.sessions.get(1)!.session, 2);
  });

  it('go on counting when the actor was dropped, and after the device was offline', async () => {
    const { time, host, send, outcomes } = setUp();
    host.admit(here(1));
    send(connect());
    send(disconnect(1));
    await time.settle();
    host.changed('default/a');
    send(connect());
    await time.settle();
    assert.deepEqual(outcomes.at(-1), { state: 'opened', session: 2, replaced: null });
  });

  it('a late end of an older one changes nothing', async () => {
    const { time, host, send, states, store } = setUp();
    host.admit(here(1));
    send(connect());
    send(connect());
    send(disconnect(1));
    await time.settle();
    assert.deepEqual(states(), ['opened', 'opened', 'duplicate']);
    assert.equal(store.sessions.get(1)!.connected, true);
    send(disconnect(2));
    send(disconnect(2));
    await time.settle();
    assert.deepEqual(states().slice(3), ['stored', 'duplicate']);
    assert.equal(store.sessions.get(1)!.connected, false);
  });

  it('nothing that came by an older one is stored after a newer one began', async () => {
    const { time, host, send, states, store } = setUp();
    host.admit(here(1));
    send(connect());
    send(at(0, { session: 1 }));
    send(connect());
    send(at(1, { session: 1 }));
    send(at(2, { session: 2 }));
    await time.settle();
    assert.deepEqual(states().toSorted(), ['opened', 'opened', 'stored', 'stored', 'unknown']);
    assert.equal(store.points.size, 2);
  });

  it('a device that is suspended opens none, and leaves no dead letter for trying', async () => {
    const { time, host, send, outcomes, store } = setUp();
    store.addDevice(uplink('a', {}).address, 'suspended');
    host.admit(here(1));
    send(connect());
    await time.settle();
    assert.equal(outcomes[0]!.state === 'rejected' && outcomes[0]!.reason, 'device_inactive');
    assert.deepEqual([store.deadLetters.size, store.sessions.size], [0, 0]);
  });
});
