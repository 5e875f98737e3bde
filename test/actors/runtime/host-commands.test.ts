import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Host } from '../../../actors/runtime/host.ts';
import type { HostParts } from '../../../actors/runtime/host-parts.ts';
import { undelivered } from '../../../actors/runtime/undelivered.ts';
import { decode } from '../../../adapters/codecs/index.ts';
import type { CommandOrder } from '../../../contracts/commands.ts';
import type { Downlink, Output } from '../../../contracts/downlinks.ts';
import { jsonPayload } from '../../../contracts/json.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import type { Outcome, UplinkKind } from '../../../contracts/uplinks.ts';
import { CONNECTED, HOUR_MS, newOrder } from '../device/commanded-actor.ts';
import { EVERYTHING } from './holdings.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryStore } from './memory-store.ts';
import { NOW_MS, uplink } from './uplinks.ts';

const DEVICES = ['a', 'b', 'c'];
/** What becomes of a downlink that did not leave, or perhaps did not, where everything is in one host. */
const back = (host: Host, downlink: Downlink, why: 'full' | 'unknown') =>
  undelivered({
    ingress: { receive: (up, settle) => host.receive(up, settle), load: () => 0 },
    host,
    clock: { nowMs: () => NOW_MS, elapsedMs: () => 0 },
  })(downlink, why);

function newStore(devices: readonly string[] = DEVICES): MemoryStore {
  const store = new MemoryStore();
  for (const device of devices) store.addDevice(uplink(device, {}).address, 'active');
  return store;
}
const connect = (store: MemoryStore, device = 'a') =>
  store.sessions.set(store.devices.get(`default/${device}`)!.deviceUid, CONNECTED);

function setUp(store = newStore(), only: Partial<Limits> = {}, more: Partial<HostParts> = {}) {
  const time = new ManualTime();
  store.nowMs = () => time.nowMs();
  const out: string[] = [];
  const outputs = (all: readonly Output[]) => {
    for (const it of all)
      out.push(it.to === 'device' ? `${it.downlink.attempt?.id ?? it.downlink.kind}` : `ended ${it.ended.id}`);
  };
  const host = new Host({
    store,
    decode,
    clock: time,
    scheduler: time,
    random: { uuid: () => 'id', fraction: () => 0 },
    limits: { ...LIMITS, lanes: 1, ...only },
    onFenced: () => {},
    onDefect: error => assert.fail(String(error)),
    onOutputs: outputs,
    ...more,
  });
  host.start();
  host.admit(EVERYTHING);
  const outcomes: Outcome[] = [];
  const tell = (device: string, kind: UplinkKind, payload: unknown, session = 0) =>
    host.receive(
      uplink(device, jsonPayload(payload), { kind, session, receivedAtMs: time.nowMs() }),
      it => void outcomes.push(it),
    );
  const order = (id: string, more: Partial<CommandOrder> = {}, device = 'a') =>
    tell(device, 'request', {
      type: 'command',
      order: newOrder(id, { createdAtMs: time.nowMs(), ...more }),
      notify: null,
    });
  const stateOf = (id: string) => store.commands.get(id)?.record.state;
  return { store, time, host, out, outcomes, tell, order, stateOf };
}

describe('A host with commands', () => {
  it('lets a command out after the commit of its attempt, and not before', async () => {
    const store = newStore();
    connect(store);
    const { time, out, outcomes, order } = setUp(store);
    const open = store.hold();
    order('c1');
    await time.settle();
    assert.deepEqual([out, outcomes, store.commands.size], [[], [], 0]);
    open();
    await time.settle();
    assert.deepEqual([out, outcomes.length, store.commands.get('c1')?.record.attempt], [['c1'], 1, 1]);
  });

  it('lets nothing out of a commit of which nobody knows, and sends again only what may be sent again', async () => {
    for (const [mode, failure, expected] of [
      ['retry', 'outcome_unknown', undefined],
      ['retry', 'stored_but_unknown', ['c1']],
      ['once', 'stored_but_unknown', []],
    ] as const) {
      const store = newStore();
      connect(store);
      const { time, out, outcomes, order, stateOf } = setUp(store);
      store.failures = [failure];
      order('c1', { mode });
      await time.settle();
      assert.deepEqual([outcomes.map(it => it.state), out], [['unknown'], []]);
      await time.pass(LIMITS.commandRetryMs + 1_000);
      assert.deepEqual(out, expected ?? []);
      if (failure === 'outcome_unknown') assert.equal(stateOf('c1'), undefined);
      await time.pass(HOUR_MS);
      if (failure !== 'outcome_unknown') assert.equal(stateOf('c1'), 'unknown');
    }
  });

  it('makes one command of an id, or of a key, that exists already', async () => {
    const store = newStore();
    const { time, outcomes, order } = setUp(store);
    order('c1', { idempotencyKey: 'k', requestHash: 'h' }, 'a');
    await time.settle();
    order('c2', { idempotencyKey: 'k', requestHash: 'h' }, 'b');
    order('c1', {}, 'c');
    await time.settle();
    const reasons = outcomes.map(it => (it.state === 'rejected' ? it.reason : it.state));
    assert.deepEqual(reasons, ['answered', 'refused_by_database', 'refused_by_database']);
    assert.deepEqual([...store.commands.keys()], ['c1']);
    assert.equal(store.deadLetters.size, 0, 'who asked was told, so there is nothing to keep');
    order('c3', {}, 'b');
    await time.settle();
    assert.equal(outcomes.at(-1)?.state, 'answered', 'and the device goes on');
  });

  it('wakes an actor for its next attempt and for its deadline', async () => {
    const store = newStore();
    connect(store);
    const { time, out, order, stateOf } = setUp(store);
    order('c1', { deadlineMs: NOW_MS + 25_000 });
    await time.pass(10_200);
    assert.deepEqual(out, ['c1', 'c1']);
    await time.pass(15_000);
    assert.deepEqual([out.length, stateOf('c1')], [2, 'unknown']);
  });

  it('ends commands of devices that are not in memory at their deadline', async () => {
    const store = newStore();
    const first = setUp(store);
    first.order('c1', { deadlineMs: NOW_MS + 5_000 });
    await first.time.settle();
    const { time, host, stateOf } = setUp(store);
    await time.pass(4_000);
    assert.deepEqual([stateOf('c1'), host.figures().actors], ['queued', 0]);
    await time.pass(3_000);
    assert.equal(stateOf('c1'), 'expired');
  });

  it('looks for what waits for nothing but its owner, when shards come here', async () => {
    const store = newStore();
    const first = setUp(store);
    for (const device of DEVICES) first.order(`c-${device}`, {}, device);
    await first.time.settle();
    connect(store, 'a');
    store.devices.get('default/c')!.state = 'decommissioned';
    const { time, out, stateOf } = setUp(store);
    await time.pass(1_500);
    assert.deepEqual([out, stateOf('c-b'), stateOf('c-c')], [['c-a'], 'queued', 'cancelled']);
  });

  it('keeps an actor with open commands while its device is there, and drops it otherwise', async () => {
    const store = newStore();
    connect(store, 'a');
    const { time, host, order } = setUp(store, { actorIdleSeconds: 5, commandRetryMs: 60_000 });
    order('c1', {}, 'a');
    order('c2', {}, 'b');
    await time.pass(20_000);
    assert.equal(host.figures().actors, 1);
  });

  it('takes back an attempt that did not leave, and sends it again', async () => {
    const store = newStore();
    connect(store);
    let isFull = true;
    const { time, host, out, order, stateOf } = setUp(
      store,
      {},
      {
        onOutputs: all => {
          for (const it of all) {
            if (it.to !== 'device') continue;
            if (isFull) back(host, it.downlink, 'full');
            else out.push(it.downlink.attempt!.id);
          }
        },
      },
    );
    order('c1', { mode: 'once' });
    await time.settle();
    assert.deepEqual([stateOf('c1'), store.commands.get('c1')?.record.attempt], ['queued', 0]);
    isFull = false;
    await time.pass(LIMITS.commandRetryMs + 500);
    assert.deepEqual([out, stateOf('c1')], [['c1'], 'sent']);
  });

  it('does not take back what perhaps did leave', async () => {
    const store = newStore();
    connect(store);
    const { time, host, order, stateOf } = setUp(
      store,
      {},
      {
        onOutputs: all => {
          for (const it of all) if (it.to === 'device') back(host, it.downlink, 'unknown');
        },
      },
    );
    order('c1', { mode: 'once' });
    await time.pass(60_000);
    assert.deepEqual([stateOf('c1'), store.commands.get('c1')?.record.attempt], ['sent', 1]);
  });

  it('sends to many devices at once no faster than the pace, the most urgent first', async () => {
    const devices = Array.from({ length: 60 }, (_, i) => `d${i}`);
    const store = newStore(devices);
    for (const device of devices) connect(store, device);
    const { time, out, order } = setUp(store, { commandsPerSecond: 20 });
    devices.forEach(
      (device, i) => void order(`${i < 30 ? 'low' : 'critical'} ${device}`, { priority: i < 30 ? 3 : 0 }, device),
    );
    await time.settle();
    assert.ok(out.length <= 2, `${out.length} at once`);
    await time.pass(900);
    assert.ok(out.length <= 20, `${out.length} in a second`);
    await time.pass(3_500);
    assert.equal(out.length, 60);
    const firstLow = out.findIndex((id, i) => i > 2 && id.startsWith('low'));
    const lastCritical = out.findLastIndex(id => id.startsWith('critical'));
    assert.ok(lastCritical < firstLow, 'nothing less urgent goes before what is more so');
  });

  it('loads an actor again that failed while it was woken, and goes on with the device', async () => {
    const store = newStore();
    connect(store);
    let defects = 0;
    const random = { uuid: () => 'id', fraction: () => 0 };
    const { time, out, outcomes, order, tell, stateOf } = setUp(store, {}, { random, onDefect: () => defects++ });
    order('c1');
    await time.settle();
    random.fraction = () => {
      random.fraction = () => 0;
      throw new Error('planted');
    };
    await time.pass(10_200);
    assert.deepEqual([defects, out], [1, ['c1', 'c1']], 'the repetition was made by the actor that was loaded again');
    tell('a', 'ack', { id: 'c1', status: 'succeeded' }, CONNECTED.session);
    await time.settle();
    assert.deepEqual([outcomes.at(-1)?.state, stateOf('c1')], ['stored', 'succeeded']);
  });

  it('ends the commands of a device whose actor did not hear that it was decommissioned', async () => {
    const store = newStore();
    connect(store);
    const { time, order, stateOf } = setUp(store);
    order('c1');
    await time.settle();
    store.devices.get('default/a')!.state = 'decommissioned';
    await time.pass(62_000);
    assert.equal(stateOf('c1'), 'unknown');
  });

  it('wakes no actor of an epoch that is over', async () => {
    const store = newStore();
    connect(store);
    const { time, host, out, order } = setUp(store);
    order('c1');
    await time.settle();
    const shards = EVERYTHING.map(it => it.shard);
    await host.release(shards);
    host.admit(EVERYTHING.map(it => ({ ...it, epoch: it.epoch + 1 })));
    await time.pass(30_500);
    assert.deepEqual(out, ['c1', 'c1', 'c1'], 'after 10 and 30 seconds, each time once');
  });

  it('tells the stored twin, while the actor may be ahead of it', async () => {
    const { store, time, host, tell } = setUp();
    const { address } = uplink('a', {});
    assert.equal(host.twinOf(address), undefined);
    tell('a', 'request', { type: 'desired', patch: { mode: 'eco' } });
    await time.settle();
    assert.deepEqual(host.twinOf(address)?.desired.document, { mode: 'eco' });
    const open = store.hold();
    tell('a', 'request', { type: 'desired', patch: { mode: 'heat' } });
    await time.settle();
    assert.deepEqual(host.twinOf(address)?.desired.document, { mode: 'eco' });
    open();
    await time.settle();
    assert.deepEqual(host.twinOf(address)?.desired.document, { mode: 'heat' });
    await host.release(EVERYTHING.map(it => it.shard));
    assert.equal(host.twinOf(address), undefined, 'another node may have changed it');
  });
});
