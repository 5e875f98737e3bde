import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chance } from './random.ts';

const some = (seed: number): number[] => {
  const { between } = chance(seed);
  return Array.from({ length: 50 }, () => between(1, 1_000));
};

test('the same seed gives the same chance again, another seed another', () => {
  assert.deepEqual(some(7), some(7));
  assert.notDeepEqual(some(7), some(8));
});

test('chance reaches both ends of a range, and every choice', () => {
  const { between, pick } = chance(1);
  const numbers = new Set(Array.from({ length: 200 }, () => between(3, 5)));
  assert.deepEqual([...numbers].sort(), [3, 4, 5]);
  const choices = new Set(Array.from({ length: 200 }, () => pick(['a', 'b'])));
  assert.deepEqual([...choices].sort(), ['a', 'b']);
});
