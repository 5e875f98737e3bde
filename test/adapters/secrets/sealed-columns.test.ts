/** What is sealed is known: else it would be lost with the data key that sealed it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SEALED_COLUMNS } from '../../../adapters/secrets/sealed-columns.ts';
import { readTree, type Tree } from '../../house/tree.ts';

const LAYERS = /^(?:actors|adapters|contracts|mixins|services)\//;
/** These open and seal what others sealed. */
const NOT_THEIRS = new Set(['adapters/secrets/sealer.ts', 'services/security/resealer.ts', 'contracts/sealing.ts']);

/** The files that seal something. */
const sealing = (tree: Tree): string[] =>
  [...tree]
    .filter(
      ([path, text]) => LAYERS.test(path) && !NOT_THEIRS.has(path) && /\bseal\s*(?:\(|\bas\b)|\.seal\b/.test(text),
    )
    .map(([path]) => path)
    .sort();

test('every file that seals something is named with the column that has it', () => {
  assert.deepEqual(sealing(readTree(['.ts'])), [...new Set(SEALED_COLUMNS.map(it => it.by))].sort());
});

test('a file that begins to seal is found', () => {
  const tree = new Map([
    ['services/new.ts', 'await sealer.seal(bytes, about)'],
    ['services/other.ts', 'const { seal } = parts; seal (x, y);'],
    ['services/none.ts', 'the sealer is sealed'],
    ['test/services/any.ts', 'sealer.seal(a, b)'],
  ]);
  assert.deepEqual(sealing(tree), ['services/new.ts', 'services/other.ts']);
});
