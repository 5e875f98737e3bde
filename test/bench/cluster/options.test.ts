import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCounts } from '../../../bench/cluster/options.ts';

test('counts of nodes are whole numbers from one, with commas', () => {
  assert.deepEqual(parseCounts('1,3,8'), [1, 3, 8]);
  for (const wrong of ['', '0', '1,,2', '1, 2', '1.5', 'three']) assert.throws(() => parseCounts(wrong), RangeError);
});
