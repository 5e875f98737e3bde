import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valuesOf } from '../../../bench/load/payload.ts';

test('the values tell devices apart that are at the same sequence', () => {
  const seen = new Set(Array.from({ length: 100 }, (_, device) => JSON.stringify(valuesOf(device, 17))));
  assert.ok(seen.size >= 99, `${seen.size} of 100`);
});
