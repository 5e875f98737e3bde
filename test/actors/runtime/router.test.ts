import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Router } from '../../../actors/runtime/router.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import { type Outcome, STORED, type Uplink } from '../../../contracts/uplinks.ts';
import { ManualTime } from './manual-time.ts';
import { uplink } from './uplinks.ts';

type Batch = { owner: string; uplinks: readonly Uplink[]; answer: (outcomes: Outcome[]) => void; fail: () => void };

function setUp(only: Partial<Limits> = {}, ownerOf: (shard: number) => string = () => 'n1') {
  const time = new ManualTime();
  const batches: Batch[] = [];
  const router = new Router({
    scheduler: time,
    limits: { ...LIMITS, ...only },
    ownerOf,
    deliver: (owner, uplinks) =>
      new Promise((answer, reject) => {
        batches.push({ owner, uplinks, answer, fail: () => reject(new Error('lost')) });
      }),
  });
  const outcomes: string[] = [];
  const send = (name: string) =>
    router.receive(uplink(name, { a: 1 }), outcome => outcomes.push(`${name} ${outcome.state}`));
  return { time, batches, router, outcomes, send };
}
const names = (batch: Batch | undefined) => batch?.uplinks.map(one => one.address.device);
const stored = (batch: Batch) => batch.answer(batch.uplinks.map(() => STORED));

describe('a router', () => {
  it('sends at once when nothing is under way, and lets the rest gather behind the batches that are', async () => {
    const { time, batches, outcomes, send } = setUp({ batchesUnderWay: 2 });
    for (const name of ['a', 'b', 'c', 'd']) {
      send(name);
      await time.settle();
    }
    assert.deepEqual(batches.map(names), [['a'], ['b']]);
    stored(batches[0]!);
    await time.settle();
    assert.deepEqual(names(batches[2]), ['c', 'd']);
    stored(batches[1]!);
    stored(batches[2]!);
    await time.settle();
    assert.deepEqual(outcomes, ['a stored', 'b stored', 'c stored', 'd stored']);
  });

  it('keeps batches apart by owner, and within their bounds', async () => {
    const { time, batches, send } = setUp({ batchMaxMessages: 2 }, shard => `n${shard % 2}`);
    for (let i = 0; i < 12; i++) send(`d${i}`);
    await time.settle();
    assert.deepEqual([...new Set(batches.map(batch => batch.owner))].toSorted(), ['n0', 'n1']);
    for (const { owner, uplinks } of batches) {
      assert.ok(uplinks.length <= 2);
      assert.ok(uplinks.every(one => `n${one.address.shard % 2}` === owner));
    }
  });

  it('takes no batch for stored whose answer did not come, or is too short', async () => {
    const { time, batches, outcomes, send } = setUp();
    send('a');
    await time.settle();
    batches[0]!.fail();
    send('b');
    send('c');
    await time.settle();
    batches[1]!.answer([STORED]);
    await time.settle();
    assert.deepEqual(outcomes, ['a unknown', 'b stored', 'c unknown']);
  });

  it('refuses beyond its limit, and takes again when there is room', async () => {
    const { time, batches, router, outcomes, send } = setUp({ ingressMaxMessages: 2 });
    for (const name of ['a', 'b', 'c']) send(name);
    assert.deepEqual(outcomes, ['c overloaded']);
    assert.equal(router.load(), 1);
    await time.settle();
    stored(batches[0]!);
    await time.settle();
    assert.equal(router.load(), 0);
    send('c');
    await time.settle();
    stored(batches[1]!);
    await time.settle();
    assert.deepEqual(outcomes, ['c overloaded', 'a stored', 'b stored', 'c stored']);
    assert.equal(router.figures().refused, 1);
  });

  it('counts bytes as well as messages', () => {
    const { outcomes, send } = setUp({ ingressMaxBytes: 10 });
    for (const name of ['a', 'b', 'c']) send(name);
    assert.deepEqual(outcomes, ['c overloaded']);
  });
});
