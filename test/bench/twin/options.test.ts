import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseParts } from '../../../bench/twin/options.ts';

test('parts are told by their names, with commas', () => {
  assert.deepEqual(parseParts('reads,updates'), ['reads', 'updates']);
  assert.deepEqual(parseParts('updates'), ['updates']);
  for (const wrong of ['', 'writes', 'reads,', 'reads, updates']) assert.throws(() => parseParts(wrong), RangeError);
});
