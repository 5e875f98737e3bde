import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { DelayLine } from '../../../../adapters/protocols/mqtt/delay-line.ts';
import { Pace } from '../../../../adapters/protocols/mqtt/pace.ts';
import { PacketIds } from '../../../../adapters/protocols/mqtt/packet-ids.ts';

test('a burst passes at once, then each message waits one interval longer', () => {
  const pace = new Pace(10, 3, 10);
  const waits = Array.from({ length: 6 }, () => Math.max(0, pace.take(1_000)));
  assert.deepEqual(waits, [0, 0, 0, 100, 200, 300]);
});

test('what was used up comes back with time, and no more than a burst of it', () => {
  const pace = new Pace(10, 3, 10);
  for (let i = 0; i < 3; i++) pace.take(1_000);
  assert.ok(pace.take(1_100) <= 0);
  assert.ok(pace.take(1_100) > 0);
  const waits = Array.from({ length: 4 }, () => pace.take(1_000_000) > 0);
  assert.deepEqual(waits, [false, false, false, true]);
});

test('a message that would wait longer than allowed takes nothing', () => {
  const pace = new Pace(1, 1, 2);
  assert.deepEqual(
    Array.from({ length: 5 }, () => pace.take(0)),
    [0, 1_000, 2_000, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  );
  assert.equal(pace.take(1_000), 2_000);
});

test('the next connection of a device goes on where its last one was', () => {
  const before = new Pace(10, 1, 10);
  before.take(1_000);
  assert.equal(new Pace(10, 1, 10, before.dueMs).take(1_000), 100);
  assert.ok(new Pace(10, 1, 10).take(1_000) <= 0);
});

test('what is delayed comes out in order, at its time, and a cleared line says nothing', t => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.after(() => mock.timers.reset());
  const out: string[] = [];
  const line = new DelayLine<string>(item => void out.push(item), Date.now);
  line.push('a', 100);
  line.push('b', 200);
  line.push('c', 300);
  mock.timers.tick(99);
  assert.deepEqual(out, []);
  mock.timers.tick(1);
  assert.deepEqual(out, ['a']);
  mock.timers.tick(100);
  assert.deepEqual(out, ['a', 'b']);
  line.clear();
  assert.ok(line.isEmpty);
  mock.timers.tick(1_000);
  assert.deepEqual(out, ['a', 'b']);
});

test('each of the 65,536 packet identifiers has a state of its own', () => {
  const ids = new PacketIds();
  const stateOf = (id: number) => ((id * 7) % 3) as 0 | 1 | 2;
  for (let id = 0; id < 65_536; id++) ids.set(id, stateOf(id));
  for (let id = 0; id < 65_536; id++) if (ids.get(id) !== stateOf(id)) assert.fail(`${id}`);
  assert.equal(new PacketIds().get(65_535), 0);
});
