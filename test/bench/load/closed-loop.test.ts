import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closedLoop } from '../../../bench/load/closed-loop.ts';

const SECONDS = 0.05;

test('each place has one exchange under way at a time, and all of them are counted', async () => {
  const underWay = [0, 0, 0];
  let ended = 0;
  const figures = await closedLoop(3, SECONDS, async place => {
    underWay[place]!++;
    assert.equal(underWay[place], 1);
    await new Promise(setImmediate);
    underWay[place]!--;
    ended++;
  });
  assert.ok(figures.count > 3);
  assert.equal(figures.count, ended);
  assert.equal(figures.latency.count, ended);
  assert.deepEqual(figures.errors, {});
});

test('what went wrong is counted by what it was, and is in no latency', async () => {
  let turn = 0;
  const figures = await closedLoop(1, SECONDS, async () => {
    await new Promise(setImmediate);
    if (++turn <= 3) throw new Error(turn === 1 ? 'first' : 'other');
  });
  assert.deepEqual(figures.errors, { first: 1, other: 2 });
  assert.equal(figures.count, turn - 3);
  assert.equal(figures.latency.count, turn - 3);
});

test('a loop in which nothing works ends', async () => {
  const figures = await closedLoop(2, 3_600, () => Promise.reject(new Error('no')));
  assert.equal(figures.count, 0);
  assert.ok(figures.errors.no! > 0);
});
