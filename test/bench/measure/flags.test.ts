import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFlags, readFlagsOrShort } from '../../../bench/measure/flags.ts';

const DEFAULTS = { rounds: 5, seconds: 8, parts: 'a,b' };
const SHORT = { rounds: 1, seconds: 1 };

test('what is not said has its default', () => {
  assert.deepEqual(readFlags(['--rounds', '2'], DEFAULTS), { ...DEFAULTS, rounds: 2 });
  assert.deepEqual(readFlagsOrShort(['--rounds', '2'], DEFAULTS, SHORT), { ...DEFAULTS, rounds: 2 });
});

test('with --short what is not said is short', () => {
  assert.deepEqual(readFlagsOrShort(['--short', '--seconds', '3'], DEFAULTS, SHORT), {
    rounds: 1,
    seconds: 3,
    parts: 'a,b',
  });
});

test('an unknown flag, and a number that is none, are refused', () => {
  for (const wrong of [['--turns', '1'], ['--rounds', 'many'], ['short']]) {
    assert.throws(() => readFlags(wrong, DEFAULTS));
    assert.throws(() => readFlagsOrShort(wrong, DEFAULTS, SHORT));
  }
});
