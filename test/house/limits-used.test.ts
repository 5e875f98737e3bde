import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../contracts/limits.ts';
import { codeOnly } from './imports.ts';
import { readTree, type Tree } from './tree.ts';

const RUNNING = ['actors/', 'adapters/', 'mixins/', 'services/'];

/** The limits that nothing of a running Skein looks at: a setting that does nothing is a promise that is not kept. */
function unusedLimits(tree: Tree): string[] {
  const code = [...tree].filter(([path]) => RUNNING.some(folder => path.startsWith(folder))).map(it => codeOnly(it[1]));
  const words = new Set(code.flatMap(text => text.match(/\w+/g) ?? []));
  return Object.keys(LIMITS).filter(name => !words.has(name));
}

test('every limit limits something', () => {
  assert.deepEqual(unusedLimits(readTree(['.ts'])), []);
});

test('a limit that only tests or comments name is found', () => {
  const others = Object.keys(LIMITS).filter(name => name !== 'lanes');
  const tree = new Map([
    ['actors/a.ts', `// limits.lanes\n${others.join(';')}`],
    ['test/a.test.ts', 'limits.lanes'],
  ]);
  assert.deepEqual(unusedLimits(tree), ['lanes']);
});
