import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUnderWay } from '../../../bench/commands/options.ts';

test('numbers of calls under way are whole numbers from one to the number of devices, with commas', () => {
  assert.deepEqual(parseUnderWay('1,32,256', 256), [1, 32, 256]);
  for (const wrong of ['', '0', '1,,2', '1, 2', '1.5', 'many', '257'])
    assert.throws(() => parseUnderWay(wrong, 256), RangeError);
});
