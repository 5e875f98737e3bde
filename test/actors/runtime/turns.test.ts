import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TokenBucket } from '../../../actors/runtime/token-bucket.ts';
import { Turns, type TurnTaker } from '../../../actors/runtime/turns.ts';
import { ManualTime } from './manual-time.ts';

type Taker = TurnTaker & { name: string };

function setUp(commandsPerSecond: number, share = 1) {
  const time = new ManualTime();
  const turns: { name: string; atMs: number }[] = [];
  const start = time.nowMs();
  const all = new Turns<Taker>({
    scheduler: time,
    bucket: new TokenBucket(time, () => commandsPerSecond * share),
    turn: ({ name }) => {
      turns.push({ name, atMs: time.nowMs() - start });
    },
  });
  const takeAll = (priority: number): number => {
    let taken = 0;
    while (all.take(priority)) taken++;
    return taken;
  };
  const ask = (name: string, priority: number): Taker => {
    const taker = { name, turn: -1 };
    all.set(taker, priority);
    return taker;
  };
  return { time, turns, all, ask, takeAll };
}

/** The most that lie in any second. */
function mostInASecond(times: readonly number[]): number {
  return Math.max(...times.map(from => times.filter(at => at >= from && at < from + 1_000).length));
}

describe('Turns', () => {
  it('are given at the pace, in any second, however many wait', async () => {
    for (const [pace, share] of [
      [1_000, 1],
      [400, 0.5],
      [20, 1],
    ] as const) {
      const { time, turns, ask, takeAll } = setUp(pace, share);
      const atOnce = takeAll(2);
      for (let i = 0; i < 3 * pace * share; i++) ask(`${i}`, 2);
      await time.pass(5_000);
      const times = [...Array<number>(atOnce).fill(0), ...turns.map(it => it.atMs)];
      const most = mostInASecond(times);
      assert.ok(most <= pace * share, `${most} in a second at a pace of ${pace * share}`);
      assert.ok(most >= 0.8 * pace * share, `only ${most} at a pace of ${pace * share}`);
      assert.equal(turns.length, 3 * pace * share);
    }
  });

  it('go to the most urgent first, then to who asked first', async () => {
    const { time, turns, ask, takeAll } = setUp(10);
    takeAll(0);
    for (const [name, priority] of [
      ['low', 3],
      ['normal 1', 2],
      ['critical', 0],
      ['normal 2', 2],
      ['high', 1],
    ] as const)
      ask(name, priority);
    await time.pass(2_000);
    assert.deepEqual(
      turns.map(it => it.name),
      ['critical', 'high', 'normal 1', 'normal 2', 'low'],
    );
  });

  it('are not overtaken by who asks later, but for what is more urgent', async () => {
    const { time, all, ask, takeAll } = setUp(1_000);
    takeAll(0);
    ask('normal', 2);
    const held = time.nowMs();
    // Tokens flow in while nobody looks.
    time.nowMs = () => held + 50;
    time.elapsedMs = time.nowMs;
    assert.deepEqual([all.take(3), all.take(2), all.take(1)], [false, false, true]);
  });

  it('are not given to who does not want one any more', async () => {
    const { time, turns, all, ask, takeAll } = setUp(10);
    takeAll(0);
    const taker = ask('gone', 2);
    all.set(taker, -1);
    ask('there', 2);
    await time.pass(1_000);
    assert.deepEqual([turns.map(it => it.name), all.waiting], [['there'], 0]);
  });

  it('that were given back are there for others', () => {
    const { all } = setUp(1);
    assert.deepEqual([all.take(2), all.take(2)], [true, false]);
    all.giveBack();
    assert.equal(all.take(2), true);
  });
});
