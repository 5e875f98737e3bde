import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mostInAnySecond, rateInTheMiddle } from '../../../../bench/commands/returns/sliding.ts';

const most = (...momentsMs: number[]) => mostInAnySecond(Float64Array.from(momentsMs));

test('a second begins anywhere, and ends just before the moment a second later', () => {
  assert.equal(most(), 0);
  assert.equal(most(0, 1_000, 2_000), 1);
  assert.equal(most(0, 999, 1_000), 2);
  assert.equal(most(1_600, 600, 500, 1_499), 3, 'in any order, and not by the seconds of the clock');
});

test('it is the most that any moment sees in the second that it begins', () => {
  const moments = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(moments, all => {
      const inSecondOf = (from: number) => all.filter(it => it >= from && it < from + 1_000).length;
      return most(...all) === Math.max(...all.map(inSecondOf));
    }),
  );
});

test('the rate in the middle knows nothing of a slow beginning and a slow end', () => {
  const middle = Array.from({ length: 80 }, (_, i) => 50_000 + i * 10);
  const slow = (fromMs: number) => Array.from({ length: 10 }, (_, i) => fromMs + i * 1_000);
  assert.equal(Math.round(rateInTheMiddle(Float64Array.from([...slow(0), ...middle, ...slow(50_800)]))), 100);
});
