import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILE_MAX_LINES, fileFaults } from './files.ts';
import { readTree } from './tree.ts';

const ofLines = (count: number): string => 'x\n'.repeat(count);

test('every code file is short and has a name that says something', () => {
  assert.deepEqual(fileFaults(readTree(['.ts', '.js', '.cjs', '.mjs'])), []);
});

test('a file that is too long is found, unless its reason is on the list', () => {
  const tree = new Map([
    ['actors/a.ts', ofLines(FILE_MAX_LINES + 1)],
    ['actors/b.ts', ofLines(FILE_MAX_LINES)],
  ]);
  assert.deepEqual(fileFaults(tree, new Map()), [
    'actors/a.ts has 301 lines, more than 300: split it, or give its reason',
  ]);
  assert.deepEqual(fileFaults(tree, new Map([['actors/a.ts', 'one table']])), []);
});

test('the list of long files keeps nothing that is short or gone', () => {
  const reasons = new Map([
    ['actors/short.ts', 'was long'],
    ['actors/gone.ts', 'was long'],
  ]);
  assert.deepEqual(fileFaults(new Map([['actors/short.ts', ofLines(3)]]), reasons), [
    'actors/short.ts is short now: take it off the list of long files',
    'actors/gone.ts is on the list of long files, but is gone',
  ]);
});

for (const path of [
  'actors/utils.ts',
  'services/helpers/a.ts',
  'actors/device-manager.ts',
  'adapters/common.adapter.ts',
  'test/misc.test.ts',
  'actors/DeviceActor.ts',
  'actors/device_actor.ts',
])
  test(`the name ${path} is refused`, () => {
    assert.equal(fileFaults(new Map([[path, ofLines(1)]]), new Map()).length, 1);
  });
