import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Timed, Timers } from '../../../actors/runtime/timers.ts';
import { ManualTime } from './manual-time.ts';

type Thing = Timed & { name: string };
const NEVER = Number.POSITIVE_INFINITY;

function setUp() {
  const time = new ManualTime(1_000_000);
  const woken: string[] = [];
  const timers = new Timers<Thing>(time, time, ({ name }) => woken.push(name));
  const thing = (name: string): Thing => ({ name, dueAtMs: NEVER });
  return { time, timers, woken, thing, start: time.nowMs() };
}

describe('Timers', () => {
  it('wake each thing at its time, and not before', async () => {
    const { time, timers, woken, thing, start } = setUp();
    timers.set(thing('later'), start + 5_000);
    timers.set(thing('soon'), start + 250);
    await time.pass(249);
    assert.deepEqual(woken, []);
    await time.pass(151);
    assert.deepEqual(woken, ['soon']);
    await time.pass(4_500);
    await time.pass(200);
    assert.deepEqual([woken, timers.size], [['soon', 'later'], 0]);
  });

  it('know one time for each thing: the last that was set', async () => {
    const { time, timers, woken, thing, start } = setUp();
    const [moved, dropped] = [thing('moved'), thing('dropped')];
    timers.set(moved, start + 200);
    timers.set(dropped, start + 200);
    timers.set(moved, start + 900);
    timers.set(dropped, NEVER);
    await time.pass(500);
    assert.deepEqual([woken, timers.size], [[], 1]);
    await time.pass(600);
    assert.deepEqual(woken, ['moved']);
  });

  it('wake at the next look what should have been woken before', async () => {
    const { time, timers, woken, thing, start } = setUp();
    timers.set(thing('first'), start + 100);
    await time.pass(1_000);
    timers.set(thing('long ago'), start - 5_000);
    await time.pass(300);
    assert.deepEqual(woken, ['first', 'long ago']);
  });

  it('wake everything that is due after a long silence, the oldest first', async () => {
    const { time, timers, woken, thing, start } = setUp();
    timers.set(thing('b'), start + 40_000);
    timers.set(thing('a'), start + 30_000);
    timers.set(thing('c'), start + 100_000);
    const frozen = time.after;
    time.after = (delayMs, work) => frozen.call(time, delayMs + 60_000, work);
    timers.set(thing('now'), start + 1);
    await time.pass(100);
    time.after = frozen;
    await time.pass(60_200);
    assert.deepEqual(
      woken.filter(it => it !== 'now'),
      ['a', 'b'],
    );
  });

  it('may be set again by what they wake', async () => {
    const time = new ManualTime(1_000_000);
    let count = 0;
    const timers = new Timers<Thing>(time, time, thing => {
      if (++count < 5) timers.set(thing, time.nowMs() + 1_000);
    });
    timers.set({ name: 'again', dueAtMs: NEVER }, time.nowMs());
    await time.pass(10_000);
    assert.deepEqual([count, timers.size], [5, 0]);
  });
});
