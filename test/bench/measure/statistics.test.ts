import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slope, spread } from '../../../bench/measure/statistics.ts';

test('the spread of figures is their smallest, middle and largest, by size and not as text', () => {
  assert.deepEqual(spread([10, 9, 100]), { min: 9, median: 10, max: 100 });
  assert.deepEqual(spread([4, 1, 2, 3]), { min: 1, median: 2.5, max: 4 });
  assert.deepEqual(spread([7]), { min: 7, median: 7, max: 7 });
});

test('no figures have no spread', () => {
  assert.throws(() => spread([]), RangeError);
});

test('a slope is that of the line the points lie about', () => {
  assert.equal(
    slope([
      { x: 0, y: 1 },
      { x: 1, y: 3 },
      { x: 2, y: 5 },
    ]),
    2,
  );
  assert.equal(
    slope([
      { x: 0, y: 5 },
      { x: 10, y: 5 },
    ]),
    0,
  );
  assert.ok(
    slope([
      { x: 0, y: 10 },
      { x: 1, y: 11 },
      { x: 2, y: 9 },
    ]) < 0,
  );
});

test('points at one place have no slope to tell of', () => {
  assert.equal(
    slope([
      { x: 1, y: 1 },
      { x: 1, y: 9 },
    ]),
    0,
  );
});
