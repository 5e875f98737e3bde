import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMITS } from '../../../contracts/limits.ts';
import { Commanded, HOUR_MS, recordOf, sent, written } from './commanded-actor.ts';

describe('An attempt that certainly did not leave', () => {
  it('does not count, also in mode once, and comes again over the next connection', () => {
    for (const mode of ['retry', 'once'] as const) {
      const device = new Commanded();
      device.order('c1', { mode });
      const effects = device.undelivered('c1');
      assert.deepEqual(
        [written(effects), recordOf(effects, 'c1').transitions.at(-1)?.reason],
        [['c1 queued 0'], 'gone'],
      );
      assert.deepEqual(sent(device.connects()), ['c1 1']);
    }
  });

  it('comes again over the same connection a while later, and nothing overtakes it meanwhile', () => {
    const device = new Commanded();
    device.order('c1');
    device.undelivered('c1', 1, 'full');
    assert.deepEqual(sent(device.order('c2')), []);
    assert.deepEqual(sent(device.tick(9_999)), []);
    assert.deepEqual(sent(device.tick(1)), ['c1 1']);
  });

  it('is tried less and less often, however many commands wait', () => {
    const device = new Commanded({ commandWindow: 10 });
    for (let i = 0; i < 100; i++) device.order(`c${i}`, { deadlineMs: device.atMs + 24 * HOUR_MS });
    let attempts = 0;
    const until = device.atMs + HOUR_MS;
    while (device.actor.dueAtMs < until) {
      const out = sent(device.tick(device.actor.dueAtMs - device.atMs));
      attempts += out.length;
      for (const line of out) {
        const [id, attempt] = line.split(' ') as [string, string];
        device.undelivered(id, Number(attempt));
      }
    }
    assert.ok(attempts <= 10 * 20, `${attempts} attempts in an hour`);
    device.undelivered('c0', 1);
    assert.equal(sent(device.connects()).length, 10, 'a new connection is another matter');
  });

  it('is forgotten when the device shows that messages get to it', () => {
    const device = new Commanded({ commandWindow: 2 });
    device.order('c1');
    device.order('c2');
    device.undelivered('c2');
    assert.deepEqual(sent(device.ack('c1')), ['c2 1']);
  });

  it('takes nothing back of an earlier attempt, which may be under way', () => {
    const device = new Commanded();
    device.order('c1');
    device.order('c2');
    assert.deepEqual(sent(device.tick(10_000)), ['c1 2']);
    assert.deepEqual(written(device.undelivered('c1', 2, 'full')), ['c1 sent 1']);
    assert.deepEqual(sent(device.tick(60_000)), ['c1 2'], 'and c2 still waits for it');
    assert.deepEqual(written(device.tick(HOUR_MS)), ['c1 unknown 2', 'c2 expired 0']);
  });

  it('is told of by nobody in particular, also when the connection was replaced since', () => {
    const device = new Commanded();
    device.order('c1', { mode: 'once' });
    device.connects();
    assert.deepEqual(sent(device.undelivered('c1')), ['c1 1']);
  });

  it('is not what another attempt is, nor one that was answered', () => {
    const device = new Commanded();
    device.order('c1');
    device.tick(10_000);
    assert.deepEqual(written(device.undelivered('c1', 1)), []);
    device.delivered('c1', 2);
    assert.deepEqual(written(device.undelivered('c1', 2)), []);
  });
});

describe('Time', () => {
  it('is that of the host, not of whoever a message comes from', () => {
    const device = new Commanded();
    device.order('c1', { deadlineMs: device.atMs + HOUR_MS });
    const wait = device.actor.dueAtMs - device.atMs;
    assert.equal(wait, LIMITS.commandRetryMs);
    device.skewMs = 2 * HOUR_MS;
    assert.deepEqual(written(device.tell('receiving', { receives: 1 }, device.session)), [], 'it is not over');
    device.skewMs = -12_000;
    device.order('c2', {}, null);
    assert.equal(sent(device.ack('c1'))[0], 'c2 1');
    assert.equal(
      device.actor.dueAtMs - device.atMs,
      LIMITS.commandRetryMs,
      'not earlier, though it was asked long ago',
    );
  });
});

describe('An actor that was loaded between a connect and what the connection takes', () => {
  it('sends at once what was under way, when it hears that', () => {
    const before = new Commanded();
    const stored = recordOf(before.order('c1'), 'c1');
    const session = { ...before.connectedSession, session: 5, receives: 0 };
    const device = new Commanded({ commands: [stored], session });
    device.session = 5;
    assert.deepEqual(sent(device.tick()), []);
    assert.deepEqual(sent(device.tell('receiving', { receives: 1 }, 5)), ['c1 2']);
  });
});
