import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DESIRED, REPORTED, timesOf } from '../../../bench/twin/twin-documents.ts';
import { pickSome } from '../../../bench/twin/updates.part.ts';

test('a twin is about 1 KiB', () => {
  const bytes = JSON.stringify(REPORTED).length + JSON.stringify(DESIRED).length;
  assert.ok(bytes > 900 && bytes < 1_150, `${bytes} bytes`);
});

test('times have the shape of their document, in which an array is a leaf', () => {
  assert.deepEqual(timesOf({ a: 1, b: { c: [1, { d: 2 }], e: null } }, 7), { a: 7, b: { c: 7, e: 7 } });
});

test('some are picked, none twice, and not the first ones', () => {
  const all = Array.from({ length: 1_000 }, (_, i) => i);
  const some = pickSome(all, 100);
  assert.equal(new Set(some).size, 100);
  assert.notDeepEqual(some, all.slice(0, 100));
  assert.deepEqual(new Set(pickSome(all, 2_000)), new Set(all), 'no more than there are');
});
