import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slope, spread } from '../../../bench/measure/statistics.ts';

test('the spread of figures is their smallest, middle and largest', () => {
  assert.deepEqual(spread([10, 9, 100]), { min: 9, median: 10, max: 100 });
  assert.deepEqual(spread([4, 1]), { min: 1, median: 2.5, max: 4 });
  assert.throws(() => spread([]), RangeError);
});

test('the slope of a line is found, and that of a single point is none', () => {
  assert.equal(slope([0, 1, 2, 3].map(x => ({ x, y: 5 - 2 * x }))), -2);
  assert.equal(slope([{ x: 1, y: 1 }]), 0);
});
