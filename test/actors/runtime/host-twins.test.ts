import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Host } from '../../../actors/runtime/host.ts';
import { decode } from '../../../adapters/codecs/index.ts';
import { jsonPayload } from '../../../contracts/json.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { Outcome } from '../../../contracts/uplinks.ts';
import { EVERYTHING } from './holdings.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryStore } from './memory-store.ts';
import { uplink } from './uplinks.ts';

function setUp(store = new MemoryStore()) {
  if (store.devices.size === 0) store.addDevice(uplink('a', {}).address);
  const time = new ManualTime();
  /** What was told of twins: device, version of reported, version of desired. */
  const copied: string[] = [];
  const host = new Host({
    store,
    decode,
    clock: time,
    scheduler: time,
    random: { uuid: () => 'id', fraction: () => 0 },
    limits: { ...LIMITS, lanes: 1 },
    onFenced: () => {},
    onDefect: error => assert.fail(String(error)),
    onTwin: ({ device }, { reported, desired }) => copied.push(`${device} ${reported.version} ${desired.version}`),
  });
  host.start();
  host.admit(EVERYTHING);
  const outcomes: Outcome[] = [];
  const report = (payload: unknown) =>
    host.receive(uplink('a', payload, { kind: 'state', session: 0 }), it => outcomes.push(it));
  const desire = (patch: Record<string, unknown>, version?: number) => {
    const payload = jsonPayload({ type: 'desired', patch, ...(version !== undefined && { version }) });
    host.receive(uplink('a', payload, { kind: 'request', session: 0 }), it => outcomes.push(it));
  };
  const states = () => outcomes.map(it => it.state);
  return { store, time, host, outcomes, states, copied, report, desire };
}

describe('a host with twins', () => {
  it('answers a change of desired after the commit, and not before', async () => {
    const { store, time, outcomes, copied, desire } = setUp();
    const open = store.hold();
    desire({ mode: 'heat' });
    await time.settle();
    assert.deepEqual([outcomes, copied, store.twins.size], [[], [], 0]);
    open();
    await time.settle();
    assert.deepEqual(outcomes, [{ state: 'answered', answer: { version: 1 } }]);
    assert.deepEqual([copied, store.twins.get(1)?.desired.document], [['a 0 1'], { mode: 'heat' }]);
  });

  it('tells of every change that is stored, and of nothing else', async () => {
    const { time, states, copied, report, desire, host } = setUp();
    report({ a: 1 });
    report({ a: 1 });
    report([]);
    desire({ b: 1 }, 5);
    desire({ b: 1 });
    await time.settle();
    assert.deepEqual(states(), ['stored', 'duplicate', 'rejected', 'answered', 'answered']);
    assert.deepEqual(copied, ['a 1 0', 'a 1 1']);
    assert.equal(host.figures().unknown, 0);
  });

  it('tells of a twin when its actor is loaded, so that a copy that was lost comes back', async () => {
    const first = setUp();
    first.report({ a: 1 });
    await first.time.settle();
    const { time, copied, report } = setUp(first.store);
    report({ a: 1 });
    await time.settle();
    assert.deepEqual(copied, ['a 1 0']);
  });

  it('does not count on what may not have been stored: it reads the twin again, and the next change is made of that', async () => {
    for (const [failure, version, loaded] of [
      ['outcome_unknown', 1, []],
      ['stored_but_unknown', 2, ['a 1 0']],
    ] as const) {
      const { store, time, states, copied, report } = setUp();
      store.failures = [failure];
      report({ lost: 1 });
      await time.settle();
      assert.deepEqual([states(), copied], [['unknown'], loaded], failure);
      report({ next: 1 });
      await time.settle();
      assert.equal(store.twins.get(1)?.reported.version, version);
      assert.equal(copied.at(-1), `a ${version} 0`);
    }
  });

  it('does not tell of a change that the fence did not let through', async () => {
    const { store, time, states, copied, report } = setUp();
    store.failures = ['fenced'];
    report({ a: 1 });
    await time.settle();
    assert.deepEqual([states(), copied, store.twins.size], [['not_owner'], [], 0]);
  });
});
