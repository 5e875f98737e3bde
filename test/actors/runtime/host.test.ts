import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Host } from '../../../actors/runtime/host.ts';
import type { HostParts } from '../../../actors/runtime/host-parts.ts';
import { decode } from '../../../adapters/codecs/index.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import type { Outcome, Uplink } from '../../../contracts/uplinks.ts';
import { EVERYTHING } from './holdings.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryStore } from './memory-store.ts';
import { NOW_MS, uplink } from './uplinks.ts';

function setUp(more: Partial<HostParts> & { only?: Partial<Limits>; devices?: string[] } = {}) {
  const store = new MemoryStore();
  for (const device of more.devices ?? ['a', 'b', 'c']) store.addDevice(uplink(device, {}).address);
  const time = new ManualTime();
  const seen = { fenced: 0, defects: 0 };
  let ids = 0;
  const host = new Host({
    store,
    decode,
    clock: time,
    scheduler: time,
    random: { uuid: () => `id-${++ids}`, fraction: () => 0 },
    limits: { ...LIMITS, lanes: 1, ...more.only },
    onFenced: () => seen.fenced++,
    onDefect: () => seen.defects++,
    ...more,
  });
  host.start();
  host.admit(EVERYTHING);
  const outcomes: string[] = [];
  const send = (up: Uplink, name = up.address.device) =>
    host.receive(up, (outcome: Outcome) =>
      outcomes.push(`${name} ${outcome.state === 'rejected' ? outcome.reason : outcome.state}`),
    );
  return { store, time, host, outcomes, send, seen };
}
const at = (ms: number, value: unknown = 1) => ({ ts: NOW_MS + ms, values: { t: value } });
/** JSON that becomes a value of the word `bad`. */
const BAD = 'bad';
const refusesBad = (store: MemoryStore) => {
  store.refuses = point => point.json === JSON.stringify(BAD);
};

describe('a host', () => {
  it('tells a sender after the commit, and not before', async () => {
    const { store, time, outcomes, send } = setUp();
    const open = store.hold();
    send(uplink('a', at(0)));
    await time.settle();
    assert.deepEqual([outcomes, store.points.size], [[], 0]);
    open();
    await time.settle();
    assert.deepEqual([outcomes, store.points.size], [['a stored'], 1]);
  });

  it('tells a sender too early when it is told to (the control of the test above)', async () => {
    const { store, time, outcomes, send } = setUp({ acknowledgeBeforeCommit: true });
    const open = store.hold();
    send(uplink('a', at(0)));
    await time.settle();
    assert.deepEqual([outcomes, store.points.size], [['a stored'], 0]);
    open();
    await time.settle();
    assert.deepEqual(outcomes, ['a stored'], 'and only once');
  });

  it('loads many actors in one query, and each only once', async () => {
    const { store, time, outcomes, send } = setUp();
    for (const device of ['a', 'b', 'c', 'a']) send(uplink(device, at(0)));
    await time.settle();
    assert.equal(store.loads, 1);
    send(uplink('b', at(1)));
    await time.settle();
    assert.equal(store.loads, 1);
    assert.deepEqual(outcomes, ['a stored', 'a duplicate', 'b stored', 'c stored', 'b stored']);
  });

  it('gathers what comes while a commit is under way into one next commit, in order', async () => {
    const { store, time, outcomes, send } = setUp();
    send(uplink('a', at(0)));
    await time.settle();
    const open = store.hold();
    send(uplink('a', at(1)));
    await time.settle();
    for (let i = 2; i < 6; i++) send(uplink('a', at(i)));
    open();
    await time.settle();
    assert.deepEqual(
      store.commits.map(commit => commit.length),
      [1, 1, 4],
    );
    assert.deepEqual(
      store.commits[2]?.map(one => one.datapoints[0]?.tsUs),
      [2, 3, 4, 5].map(i => (NOW_MS + i) * 1000),
    );
    assert.equal(outcomes.length, 6);
  });

  it('splits what is more than one transaction should have', async () => {
    const { store, time, send } = setUp({ only: { laneMaxDatapoints: 2 } });
    for (let i = 0; i < 5; i++) send(uplink('a', at(i)));
    await time.settle();
    assert.deepEqual(
      store.commits.map(commit => commit.length),
      [2, 2, 1],
    );
  });

  it('says duplicate to what was stored before, also across a reload', async () => {
    const { time, host, outcomes, send } = setUp();
    send(uplink('a', at(0)));
    await time.settle();
    send(uplink('a', at(0)));
    host.changed('default/a');
    send(uplink('a', at(0)));
    send(uplink('a', { x: 1, messageId: 'm' }));
    send(uplink('a', { x: 2, messageId: 'm' }));
    await time.settle();
    assert.deepEqual(outcomes, ['a stored', 'a duplicate', 'a duplicate', 'a stored', 'a duplicate']);
  });

  it('says that there is no such device', async () => {
    const { time, outcomes, send, host } = setUp();
    send(uplink('nobody', at(0)));
    await time.settle();
    assert.deepEqual(outcomes, ['nobody device_unknown']);
    assert.equal(host.figures().actors, 0);
  });

  it('reads a changed device again before it answers for it, even when it was being read just then', async () => {
    const { store, time, host, outcomes, send } = setUp();
    send(uplink('a', at(0)));
    store.devices.get('default/a')!.state = 'decommissioned';
    host.changed('default/a');
    await time.settle();
    store.devices.get('default/a')!.state = 'active';
    send(uplink('a', at(1)), 'late');
    host.changed('default/a');
    send(uplink('a', at(2)), 'new');
    await time.settle();
    assert.deepEqual(outcomes, ['a device_inactive', 'late device_inactive', 'new stored']);
  });
});

describe('when the database does not play along, a host', () => {
  it('waits out an outage that is shorter than its patience', async () => {
    const { store, time, outcomes, send } = setUp();
    store.failures = ['unavailable', 'unavailable', undefined];
    send(uplink('a', at(0)));
    await time.pass(1_000);
    assert.deepEqual(outcomes, ['a stored']);
  });

  it('lets go of senders when its patience ends, and stores again afterwards', async () => {
    const { store, time, outcomes, send } = setUp({ only: { commitPatienceSeconds: 2 } });
    store.failures = Array.from({ length: 15 }, () => 'unavailable' as const);
    send(uplink('a', at(0)));
    await time.pass(10_000);
    assert.deepEqual(outcomes, ['a unknown']);
    send(uplink('a', at(0), { session: 2 }));
    await time.pass(1_000);
    assert.deepEqual(outcomes, ['a unknown', 'a stored']);
  });

  it('writes carefully when a datapoint turns out to exist', async () => {
    const { store, time, outcomes, send } = setUp();
    send(uplink('a', at(0)));
    await time.settle();
    const known = [...store.points.values()][0]!;
    store.points.set(`1 t ${(NOW_MS + 5) * 1000}`, { ...known, tsUs: (NOW_MS + 5) * 1000 });
    send(uplink('a', at(5)));
    send(uplink('b', at(5)));
    await time.settle();
    assert.deepEqual(outcomes, ['a stored', 'a duplicate', 'b stored']);
  });

  it('finds the one message whose content is refused, and stores its neighbours', async () => {
    const { store, time, outcomes, send } = setUp();
    refusesBad(store);
    for (let i = 0; i < 9; i++) send(uplink('a', at(i, i === 4 ? BAD : i)), `a${i}`);
    send(uplink('b', at(0)));
    await time.settle();
    assert.equal(outcomes.length, 10);
    assert.deepEqual(
      outcomes.filter(text => !text.endsWith('stored')),
      ['a4 refused_by_database'],
    );
    assert.equal(store.points.size, 9);
    const [letter] = [...store.deadLetters.values()];
    assert.equal(Buffer.from(letter!.payload).toString(), JSON.stringify(at(4, BAD)));
  });

  it('forgets what a refused message made its actor believe', async () => {
    const { store, time, send } = setUp();
    refusesBad(store);
    send(uplink('a', at(0, BAD)));
    send(uplink('a', at(0, 1)));
    send(uplink('a', at(1, 1)));
    await time.settle();
    assert.deepEqual(
      [...store.measurements.get(1)!],
      ['t'],
      'the measurement is made known by the next message that has it',
    );
    assert.equal(store.points.size, 2);
  });

  it('keeps the order of a device around a refused message', async () => {
    const { store, time, outcomes, send } = setUp();
    refusesBad(store);
    send(uplink('a', at(0)), 'a0');
    await time.settle();
    const open = store.hold();
    for (let i = 1; i < 8; i++) send(uplink('a', at(i, i === 2 ? BAD : i)), `a${i}`);
    open();
    await time.settle();
    send(uplink('a', at(8)), 'a8');
    await time.settle();
    assert.deepEqual(
      outcomes.map(text => text.split(' ')[0]),
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map(i => `a${i}`),
    );
    const order = store.commits.flat().flatMap(one => one.datapoints.map(point => point.tsUs / 1000 - NOW_MS));
    assert.deepEqual(order, [0, 1, 3, 4, 5, 6, 7, 8]);
  });

  for (const [what, failure, again] of [
    ['nothing was stored', 'outcome_unknown', 'stored'],
    ['everything was stored', 'stored_but_unknown', 'duplicate'],
  ] as const)
    it(`says unknown when nobody knows (${what}), reads its actors again, and gets the repetition right`, async () => {
      const { store, time, outcomes, send } = setUp();
      store.failures = [undefined, failure];
      send(uplink('b', at(0)));
      await time.settle();
      send(uplink('a', at(0)));
      await time.settle();
      const { loads } = store;
      send(uplink('b', at(1)));
      send(uplink('a', at(0), { session: 2 }));
      await time.settle();
      assert.deepEqual(outcomes.toSorted(), [`a ${again}`, 'a unknown', 'b stored', 'b stored'].toSorted());
      assert.equal(outcomes.at(1), 'a unknown');
      assert.equal(store.points.size, 3);
      assert.equal(loads, 3, 'b, a, and a again');
    });

  it('reads nothing again before the doubtful transaction has ended', async () => {
    const { store, time, send, outcomes } = setUp();
    send(uplink('a', at(0)));
    await time.settle();
    store.failures = ['outcome_unknown', 'unavailable', 'unavailable', undefined];
    const loads = store.loads;
    send(uplink('a', at(1)));
    await time.settle();
    send(uplink('a', at(1), { session: 2 }));
    await time.pass(300);
    assert.equal(store.loads, loads, 'the fence was not passed yet');
    await time.pass(1_000);
    assert.equal(store.loads, loads + 1);
    assert.deepEqual(outcomes, ['a stored', 'a unknown', 'a stored']);
  });

  it('stores nothing that a cut-off session sent after the doubtful message', async () => {
    const { store, time, outcomes, send } = setUp();
    store.failures = ['outcome_unknown'];
    send(uplink('a', at(0)), 'doubtful');
    await time.settle();
    send(uplink('a', at(1)), 'after');
    send(uplink('a', at(0), { session: 2 }), 'again');
    send(uplink('a', at(1), { session: 2 }), 'again');
    await time.settle();
    assert.deepEqual(outcomes, ['doubtful unknown', 'after unknown', 'again stored', 'again stored']);
  });

  it('ends when another instance took over: nothing was done, and senders are told to look for the owner', async () => {
    const { store, time, outcomes, send, seen } = setUp();
    store.failures = ['fenced'];
    send(uplink('a', at(0)));
    send(uplink('b', at(0)));
    await time.settle();
    send(uplink('c', at(0)));
    await time.settle();
    assert.deepEqual(outcomes, ['a not_owner', 'b not_owner', 'c not_owner']);
    assert.deepEqual([seen.fenced, store.points.size], [1, 0]);
  });

  it('loads actors when the database is back', async () => {
    const { store, time, outcomes, send } = setUp();
    store.failLoads = 3;
    send(uplink('a', at(0)));
    await time.pass(1_000);
    assert.deepEqual(outcomes, ['a stored']);
  });

  it('lets go of those that waited too long for an actor, and refuses more than may wait', async () => {
    const { store, time, outcomes, send } = setUp({ only: { activationQueueMessages: 2, commitPatienceSeconds: 2 } });
    store.failLoads = 1_000;
    for (let i = 0; i < 3; i++) send(uplink('a', at(i)), `a${i}`);
    assert.deepEqual(outcomes, ['a2 overloaded']);
    await time.pass(4_000);
    assert.deepEqual(outcomes, ['a2 overloaded', 'a0 unknown', 'a1 unknown']);
  });
});

describe('an actor that throws', () => {
  const defective = (contentType: string, payload: Uint8Array): unknown => {
    const value = decode(contentType, payload);
    if ((value as { boom?: boolean }).boom) throw new TypeError('a defect');
    return value;
  };

  it('costs its message, which becomes a dead letter, and nothing else', async () => {
    const { store, time, outcomes, send, seen } = setUp({ decode: defective });
    send(uplink('a', at(0)));
    send(uplink('a', { boom: true }));
    send(uplink('a', at(1)));
    await time.settle();
    assert.deepEqual(outcomes, ['a stored', 'a actor_failed', 'a stored']);
    assert.equal(store.loads, 2, 'and the actor is loaded again');
    assert.equal(seen.defects, 1);
  });

  it('again and again is quarantined for a minute', async () => {
    const { time, outcomes, send } = setUp({ decode: defective });
    for (let i = 0; i < 5; i++) {
      send(uplink('a', { boom: true }));
      await time.pass(1_000);
    }
    send(uplink('a', at(0)));
    send(uplink('b', at(0)));
    await time.settle();
    assert.deepEqual(outcomes.slice(5).toSorted(), ['a quarantined', 'b stored']);
    await time.pass(61_000);
    send(uplink('a', at(1)));
    await time.settle();
    assert.equal(outcomes.at(-1), 'a stored');
  });
});

describe('actors in memory', () => {
  it('are dropped when they were idle, and loaded again when they are needed', async () => {
    const { store, time, host, outcomes, send } = setUp({ only: { actorIdleSeconds: 5 } });
    send(uplink('a', at(0)));
    await time.pass(3_000);
    assert.equal(host.figures().actors, 1);
    await time.pass(4_000);
    assert.equal(host.figures().actors, 0);
    send(uplink('a', at(0)));
    await time.settle();
    assert.deepEqual([outcomes, store.loads], [['a stored', 'a duplicate'], 2]);
  });

  it('beyond the cap are dropped, those in use last', async () => {
    const devices = Array.from({ length: 20 }, (_, i) => `d${i}`);
    const { time, host, send, store } = setUp({ only: { actorsMax: 10 }, devices });
    for (const device of devices) send(uplink(device, at(0)));
    for (let i = 1; i < 6; i++) {
      await time.pass(1_000);
      send(uplink('d3', at(i)));
    }
    await time.settle();
    assert.ok(host.figures().actors! <= 10);
    const { loads } = store;
    send(uplink('d3', at(9)));
    await time.settle();
    assert.equal(store.loads, loads, 'd3 was never dropped');
  });

  it('are not dropped while something of them is under way', async () => {
    const { store, time, host, outcomes, send } = setUp({ only: { actorIdleSeconds: 1, commitPatienceSeconds: 100 } });
    send(uplink('a', at(0)));
    await time.settle();
    const open = store.hold();
    send(uplink('a', at(1)));
    await time.pass(10_000);
    assert.equal(host.figures().actors, 1);
    open();
    await time.settle();
    assert.deepEqual(outcomes, ['a stored', 'a stored']);
  });

  it('finish what is under way when the host stops, and take no more', async () => {
    const { store, time, host, outcomes, send } = setUp();
    const open = store.hold();
    send(uplink('a', at(0)));
    await time.settle();
    const stopped = host.stop();
    send(uplink('b', at(0)));
    open();
    await time.pass(100);
    await stopped;
    assert.deepEqual(outcomes, ['b not_owner', 'a stored']);
  });
});
