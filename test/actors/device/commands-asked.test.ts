import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Effects } from '../../../contracts/store.ts';
import { NOW_MS } from '../runtime/uplinks.ts';
import {
  answerOf,
  CONNECTED,
  Commanded,
  downlinks,
  HOUR_MS,
  recordOf,
  refusalOf,
  sent,
  written,
} from './commanded-actor.ts';
import { around } from './new-actor.ts';

const OFFLINE = { session: { ...CONNECTED, connected: false } };
const reason = ({ outcome }: Effects) => (outcome.state === 'rejected' ? outcome.reason : outcome.state);

describe('Somebody who asks', () => {
  it('for the same again gets the same, and for another thing with the same key a refusal', () => {
    const device = new Commanded(OFFLINE);
    device.order('c1', { idempotencyKey: 'k', requestHash: 'h' });
    const again = device.order('c2', { idempotencyKey: 'k', requestHash: 'h' });
    assert.deepEqual(
      [answerOf(again), again.commands],
      [{ progress: (answerOf(device.order('c1', { requestHash: 'h' })) as { progress: unknown }).progress }, []],
    );
    assert.equal(
      refusalOf(device.order('c3', { idempotencyKey: 'k', requestHash: 'other' })),
      'idempotency_key_reused',
    );
    assert.equal(refusalOf(device.order('c4', { idempotencyKey: 'other', requestHash: 'h' })), 'none');
  });

  it('too late is refused', () => {
    const effects = new Commanded().order('c1', { deadlineMs: NOW_MS });
    assert.deepEqual([refusalOf(effects), effects.commands], ['deadline_passed', []]);
  });

  it('cancels what was not sent; what was sent becomes unknown, and is not repeated', () => {
    const device = new Commanded();
    device.order('c1');
    device.order('c2');
    assert.deepEqual(written(device.cancel('c2')), ['c2 cancelled 0']);
    const effects = device.cancel('c1');
    assert.deepEqual(written(effects), ['c1 unknown 1']);
    assert.equal(recordOf(effects, 'c1').transitions.at(-1)?.reason, 'not needed');
    assert.equal(refusalOf(device.cancel('c1')), 'not_open');
    assert.deepEqual(sent(device.tick(HOUR_MS / 2)), []);
  });

  it('lets the next one go when he cancels', () => {
    const device = new Commanded();
    device.order('c1');
    device.order('c2');
    assert.deepEqual(sent(device.cancel('c1')), ['c2 1']);
  });

  it('something of a decommissioned device is refused, and what was open ends', () => {
    const device = new Commanded();
    const open = [recordOf(device.order('c1'), 'c1'), recordOf(device.order('c2'), 'c2')];
    const ended = new Commanded({ state: 'decommissioned', commands: open });
    assert.equal(refusalOf(ended.order('c3')), 'lifecycle_conflict');
    assert.ok(ended.actor.isUnfinished);
    assert.deepEqual(written(ended.tick()), ['c1 unknown 1', 'c2 cancelled 0']);
  });

  it('something of a suspended device waits', () => {
    const device = new Commanded({ state: 'suspended', ...OFFLINE });
    assert.deepEqual(written(device.order('c1')), ['c1 queued 0']);
  });

  it('and nothing that is asked for goes to one whose connection is not closed yet', () => {
    const [first] = new Commanded(OFFLINE).order('c0').commands;
    const device = new Commanded({ state: 'suspended', commands: [first!.record] });
    const told = [device.tick(), device.order('c1'), device.tell('request', { type: 'desired', patch: { a: 1 } })];
    assert.deepEqual(told.map(downlinks), [[], [], []]);
    const resumed = new Commanded({ commands: [first!.record] });
    assert.deepEqual(sent(resumed.tick()), ['c0 1']);
  });
});

describe('An answer that does not fit', () => {
  it('becomes a dead letter, unless it only repeats what is stored', () => {
    const device = new Commanded();
    device.order('c1');
    device.ack('c1');
    for (const [id, status] of [
      ['c1', 'succeeded'],
      ['c1', 'failed'],
      ['of-another-device', 'succeeded'],
    ] as const) {
      const effects = device.ack(id, status);
      assert.equal(reason(effects), 'command_not_open');
      assert.deepEqual(effects.deadLetter?.unless, { commandId: id, state: status });
      assert.deepEqual(effects.commands, []);
    }
  });

  it('of a command that was never sent ends nothing', () => {
    const device = new Commanded(OFFLINE);
    device.order('c1');
    device.connects(0);
    assert.equal(reason(device.ack('c1')), 'command_not_open');
    assert.deepEqual(sent(device.tell('receiving', { receives: 1 }, device.session)), ['c1 1'], 'it is still open');
  });

  it('is kept as what it is when it is no answer at all', () => {
    const device = new Commanded();
    for (const payload of [[], 'x', {}, { id: 7, status: 'failed' }, { id: 'c1' }, { id: 'c1', status: 'done' }])
      assert.equal(reason(device.tell('ack', payload, device.session)), 'invalid_ack');
  });
});

describe('An actor that was loaded', () => {
  it('goes on where the one before it was, and not earlier than that one would have', () => {
    const device = new Commanded();
    const stored = recordOf(device.order('c1'), 'c1');
    const next = new Commanded({ commands: [stored] });
    next.atMs = NOW_MS + 5_000;
    assert.deepEqual([next.actor.isUnfinished, sent(next.tick())], [true, []]);
    assert.deepEqual(sent(next.tick(5_000)), ['c1 2']);
  });

  it('sends what waits for nothing but its owner', () => {
    const stored = recordOf(new Commanded(OFFLINE).order('c1'), 'c1');
    assert.deepEqual(sent(new Commanded({ commands: [stored] }).tick()), ['c1 1']);
  });

  it('is not dropped while its device is there and has open commands', () => {
    const device = new Commanded();
    assert.equal(device.actor.isBusy, false);
    device.order('c1');
    assert.equal(device.actor.isBusy, true);
    device.disconnects();
    assert.equal(device.actor.isBusy, false, 'then the database knows when to look again');
    device.connects();
    device.ack('c1');
    assert.deepEqual([device.actor.isBusy, device.actor.isUnfinished], [false, false]);
  });
});

describe('The pace of all devices', () => {
  it('makes commands wait for a turn of their priority, one for each turn', () => {
    const pace = { allowed: 0, given: 0, take: () => pace.allowed-- > 0, giveBack: () => pace.given++ };
    const device = new Commanded({ commandWindow: 10 }, { pace });
    assert.deepEqual([sent(device.order('c1')), device.actor.wantsTurn], [[], 2]);
    device.order('c2', { priority: 0 });
    assert.equal(device.actor.wantsTurn, 0);
    assert.deepEqual(sent(device.turn()), ['c2 1']);
    assert.equal(device.actor.wantsTurn, 2);
    assert.deepEqual([sent(device.turn()), device.actor.wantsTurn], [['c1 1'], -1]);
    device.turn();
    assert.equal(pace.given, 1, 'a turn that is not used is given back');
  });

  it('counts repetitions too', () => {
    let allowed = 1;
    const device = new Commanded({}, { pace: { ...around.pace, take: () => allowed-- > 0 } });
    device.order('c1');
    assert.deepEqual([sent(device.tick(10_000)), device.actor.wantsTurn], [[], 2]);
    assert.deepEqual(sent(device.turn()), ['c1 2']);
  });
});
