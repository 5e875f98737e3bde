import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../clients/device/link/backoff.ts';

test('waits grow to the longest, and chance takes any part of each; what went well begins anew', () => {
  const waits = (random: number, count: number) => {
    const backoff = new Backoff({ minMs: 100, maxMs: 1_000, random: () => random });
    const found = Array.from({ length: count }, () => backoff.nextMs());
    backoff.reset();
    return [...found, backoff.nextMs()];
  };
  assert.deepEqual(waits(0.9999, 6), [100, 200, 400, 800, 1_000, 1_000, 100]);
  assert.deepEqual(waits(0.5, 3), [50, 100, 200, 50]);
  assert.deepEqual(waits(0, 3), [0, 0, 0, 0]);
  assert.equal(waits(0.9999, 5_000).at(-2), 1_000);
});
