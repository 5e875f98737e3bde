import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PRIORITIES } from '../../../contracts/commands.ts';
import { LIMITS } from '../../../contracts/limits.ts';
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

const OFFLINE = { session: { ...CONNECTED, connected: false } };
const statesOf = (effects: Effects, id: string) => recordOf(effects, id).transitions.map(it => it.state);

describe('A command to a device that is there', () => {
  it('is stored with its first attempt, which is sent when that is stored', () => {
    const device = new Commanded();
    const effects = device.order('c1', { parametersJson: '{"delay":5}' });
    assert.deepEqual(answerOf(effects), {
      progress: { id: 'c1', state: 'sent', attempt: 1, transitions: recordOf(effects, 'c1').transitions },
    });
    assert.deepEqual([written(effects), effects.commands[0]!.isNew], [['c1 sent 1'], true]);
    assert.deepEqual(statesOf(effects, 'c1'), ['queued', 'sent']);
    const [downlink] = downlinks(effects);
    assert.deepEqual(JSON.parse(downlink!.payload), {
      id: 'c1',
      command: 'reboot',
      parameters: { delay: 5 },
      attempt: 1,
      deadline: new Date(NOW_MS + HOUR_MS).toISOString(),
    });
    assert.deepEqual([downlink!.session, downlink!.attempt], [4, { id: 'c1', attempt: 1 }]);
    assert.deepEqual(
      effects.events.map(it => [it.kind, 'state' in it.data && it.data.state]),
      [
        ['device.command', 'queued'],
        ['device.command', 'sent'],
      ],
    );
  });

  it('is delivered when the transport says so, and ends with the answer of the device', () => {
    const device = new Commanded();
    device.order('c1');
    assert.deepEqual(written(device.delivered('c1')), ['c1 delivered 1']);
    const effects = device.ack('c1', 'succeeded', { result: { took: 5 } });
    const { state, result, endedAtMs, transitions } = recordOf(effects, 'c1');
    assert.deepEqual([state, result, endedAtMs], ['succeeded', { took: 5 }, NOW_MS]);
    assert.deepEqual(
      transitions.map(it => `${it.state} ${it.attempt}`),
      ['queued 0', 'sent 1', 'delivered 1', 'succeeded 1'],
    );
    assert.equal(effects.commands[0]!.isNew, false);
  });

  it('fails, is rejected, or is unknown to the device itself', () => {
    for (const [status, said, why] of [
      ['failed', { error: 'valve stuck' }, 'valve stuck'],
      ['failed', { error: { message: 'valve stuck', code: 7 } }, 'valve stuck'],
      ['rejected', {}, null],
      ['unknown', {}, 'device_does_not_know'],
    ] as const) {
      const device = new Commanded();
      device.order('c1');
      const record = recordOf(device.ack('c1', status, said), 'c1');
      assert.deepEqual([record.state, record.transitions.at(-1)?.reason], [status, why]);
    }
  });

  it('goes on when the device says that it has accepted it', () => {
    const device = new Commanded();
    device.order('c1');
    const effects = device.ack('c1', 'accepted');
    assert.deepEqual(written(effects), ['c1 delivered 1']);
    assert.equal(recordOf(effects, 'c1').transitions.at(-1)?.reason, 'accepted');
    assert.deepEqual(written(device.ack('c1', 'accepted')), [], 'once is enough');
    assert.deepEqual(written(device.ack('c1')), ['c1 succeeded 1']);
  });

  it('keeps the answer that is too large, or can not be stored, out and the end in', () => {
    for (const [result, why] of [
      ['x'.repeat(LIMITS.commandAnswerMaxBytes), 'answer_too_large'],
      ['\0', 'answer_not_storable'],
    ] as const) {
      const device = new Commanded();
      device.order('c1');
      const record = recordOf(device.ack('c1', 'succeeded', { result }), 'c1');
      assert.deepEqual([record.state, record.result, record.transitions.at(-1)?.reason], ['succeeded', undefined, why]);
    }
  });

  it('tells the nodes that wait for its end, once', () => {
    const device = new Commanded();
    device.order('c1', { idempotencyKey: 'k', requestHash: 'h' }, 'node-1');
    device.order('c2', { idempotencyKey: 'k', requestHash: 'h' }, 'node-2');
    device.order('c3', { idempotencyKey: 'k', requestHash: 'h' }, 'node-2');
    const told = device.ack('c1').outputs.map(it => (it.to === 'node' ? `${it.address} ${it.ended.state}` : 'device'));
    assert.deepEqual(told, ['node-1 succeeded', 'node-2 succeeded']);
  });
});

describe('Commands of one device', () => {
  it('are sent one at a time, unless its window is larger', () => {
    for (const [commandWindow, first, second] of [
      [null, ['c1 1'], ['c2 1']],
      [2, ['c1 1', 'c2 1'], ['c3 1']],
    ] as const) {
      const device = new Commanded({ commandWindow });
      const out = ['c1', 'c2', 'c3'].flatMap(id => sent(device.order(id)));
      assert.deepEqual(out, first);
      assert.deepEqual(sent(device.ack('c1')), second);
    }
  });

  it('never have more under way than the largest window', () => {
    const device = new Commanded({ commandWindow: 50 });
    const out = Array.from({ length: 20 }, (_, i) => sent(device.order(`c${i + 10}`))).flat();
    assert.equal(out.length, LIMITS.commandWindowMax);
  });

  it('are sent by priority, then by age', () => {
    const device = new Commanded();
    device.order('c0');
    const waiting = ['low', 'normal', 'critical', 'high', 'critical', 'low'] as const;
    waiting.forEach((name, i) => void device.order(`c${i + 1}`, { priority: PRIORITIES.indexOf(name) }));
    const order: string[] = [];
    for (let id = 'c0'; id !== ''; ) {
      id = sent(device.ack(id))[0]?.split(' ')[0] ?? '';
      if (id !== '') order.push(id);
    }
    assert.deepEqual(order, ['c3', 'c5', 'c4', 'c2', 'c1', 'c6']);
  });

  it('wait while the device is away, or does not take commands', () => {
    for (const session of [null, OFFLINE.session, { ...CONNECTED, receives: 2 }]) {
      const device = new Commanded({ session });
      const effects = device.order('c1');
      assert.deepEqual([written(effects), sent(effects)], [['c1 queued 0'], []]);
    }
  });

  it('are sent when the device comes and takes commands, and not before', () => {
    const device = new Commanded(OFFLINE);
    device.order('c1');
    device.order('c2');
    assert.deepEqual(sent(device.connects(0)), []);
    assert.deepEqual(sent(device.tell('receiving', { receives: 1 }, device.session)), ['c1 1']);
  });

  it('are replaced by a newer one of the same key while they wait, and not when they were sent', () => {
    const device = new Commanded();
    device.order('c1', { supersedes: 'mode' });
    device.order('c2', { supersedes: 'mode' });
    device.order('c3', { supersedes: 'other' });
    const effects = device.order('c4', { supersedes: 'mode' });
    assert.deepEqual(written(effects), ['c2 superseded 0', 'c4 queued 0']);
    assert.equal(recordOf(effects, 'c2').transitions.at(-1)?.reason, 'c4');
  });

  it('are refused beyond the limit, but for those that replace one', () => {
    const device = new Commanded(OFFLINE);
    for (let i = 0; i < LIMITS.deviceOpenCommands; i++) device.order(`c${i}`, { supersedes: i === 7 ? 'mode' : null });
    const refused = device.order('more');
    assert.deepEqual([refusalOf(refused), refused.commands], ['too_many_open', []]);
    assert.equal(refusalOf(device.order('other', { supersedes: 'mode' })), 'none');
  });
});

describe('A command without an answer', () => {
  it('is sent again with the same id, after a longer and longer while, in mode retry', () => {
    const device = new Commanded();
    device.order('c1');
    const attempts: [string[], number][] = [];
    for (let i = 0; i < 7; i++) {
      const due = device.actor.dueAtMs;
      attempts.push([sent(device.tick(due - device.atMs)), (due - NOW_MS) / 1_000]);
    }
    const seconds = [10, 30, 70, 150, 310, 610, 910];
    assert.deepEqual(
      attempts,
      seconds.map((at, i) => [[`c1 ${i + 2}`], at]),
    );
  });

  it('is sent again up to half earlier, by chance', () => {
    for (const [fraction, ms] of [
      [0, 10_000],
      [0.5, 7_500],
      [0.999, 5_005],
    ] as const) {
      const device = new Commanded({}, { fraction: () => fraction });
      device.order('c1');
      assert.equal(device.actor.dueAtMs - NOW_MS, ms);
    }
  });

  it('is not sent again before its time', () => {
    const device = new Commanded();
    device.order('c1');
    const effects = device.tick(9_999);
    assert.deepEqual([sent(effects), written(effects)], [[], []]);
  });

  it('is never sent again in mode once: not later, not over another connection, not by another owner', () => {
    const device = new Commanded();
    const stored = recordOf(device.order('c1', { mode: 'once' }), 'c1');
    assert.deepEqual(sent(device.tick(HOUR_MS / 2)), []);
    device.disconnects();
    assert.deepEqual(sent(device.connects()), []);
    const next = new Commanded({ commands: [stored] });
    assert.deepEqual([sent(next.tick()), sent(next.connects()), sent(next.tick(HOUR_MS / 2))], [[], [], []]);
  });

  it('is sent again at once when the device connects again, in mode retry', () => {
    const device = new Commanded();
    device.order('c1');
    device.delivered('c1');
    device.disconnects();
    assert.deepEqual(sent(device.connects()), ['c1 2']);
  });

  it('ends as unknown at its deadline, and as expired when it was never sent', () => {
    const device = new Commanded();
    device.order('c1', { mode: 'once' });
    device.order('c2');
    assert.equal(device.actor.dueAtMs, NOW_MS + HOUR_MS);
    const effects = device.tick(HOUR_MS);
    assert.deepEqual(written(effects), ['c1 unknown 1', 'c2 expired 0']);
    assert.deepEqual([sent(effects), device.actor.dueAtMs], [[], Number.POSITIVE_INFINITY]);
  });

  it('takes its answer over any later connection', () => {
    const device = new Commanded();
    device.order('c1', { mode: 'once' });
    device.disconnects();
    device.connects();
    assert.deepEqual(written(device.ack('c1')), ['c1 succeeded 1']);
  });

  it('keeps the first transition and the newest when there are many', () => {
    const device = new Commanded();
    device.order('c1', { deadlineMs: NOW_MS + 30 * 24 * HOUR_MS });
    let last: Effects | undefined;
    for (let i = 0; i < 200; i++) last = device.tick(device.actor.dueAtMs - device.atMs);
    const { attempt, transitions } = recordOf(last!, 'c1');
    assert.deepEqual([attempt, transitions.length], [201, LIMITS.commandMaxTransitions]);
    assert.deepEqual(
      [transitions[0]!.state, transitions.at(-1)!.attempt, transitions[1]!.attempt],
      ['queued', 201, 139],
    );
  });
});
