import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Lock, type Manifest, packageFaults, unaskedPackages } from './packages.ts';
import { ROOT, readTree } from './tree.ts';

const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));

test('the lock has exactly what the manifest asks for, for every platform, and names no registry', () => {
  const [manifest, lock]: [Manifest, Lock] = [read('package.json'), read('package-lock.json')];
  assert.ok(Object.keys(lock.packages).length > 100, 'the lock was not read');
  assert.deepEqual(packageFaults(manifest, lock), []);
});

const MANIFEST: Manifest = { dependencies: { a: '1.0.0' } };
const lockOf = (packages: Lock['packages']): Lock => ({ packages });

for (const [fault, manifest, packages] of [
  [
    'a is "^1.0.0", not one exact version',
    { dependencies: { a: '^1.0.0' } },
    { 'node_modules/a': { version: '1.0.0' } },
  ],
  ['a is 1.0.0, but 1.0.1 in the lock', MANIFEST, { 'node_modules/a': { version: '1.0.1' } }],
  ['a is 1.0.0, but missing in the lock', MANIFEST, {}],
  [
    'node_modules/a says where it was fetched: https://registry.example.org/a.tgz',
    MANIFEST,
    { 'node_modules/a': { version: '1.0.0', resolved: 'https://registry.example.org/a.tgz' } },
  ],
  [
    'a-win32, optional for node_modules/a, is not in the lock',
    MANIFEST,
    {
      'node_modules/a': { version: '1.0.0', optionalDependencies: { 'a-linux': '1.0.0', 'a-win32': '1.0.0' } },
      'node_modules/a-linux': { version: '1.0.0' },
    },
  ],
] as [string, Manifest, Lock['packages']][])
  test(`this is found: ${fault}`, () => {
    assert.ok(packageFaults(manifest, lockOf(packages)).includes(fault));
  });

test('what is nested is looked for where Node looks', () => {
  const packages = {
    'node_modules/a': { version: '1.0.0' },
    'node_modules/a/node_modules/b': { version: '2.0.0', optionalDependencies: { c: '1.0.0', d: '1.0.0', e: '1.0.0' } },
    'node_modules/a/node_modules/b/node_modules/c': { version: '1.0.0' },
    'node_modules/a/node_modules/d': { version: '1.0.0' },
    'node_modules/e': { version: '1.0.0' },
  };
  assert.deepEqual(packageFaults(MANIFEST, lockOf(packages)), []);
});

test('a running Skein imports only what package.json asks for', () => {
  assert.deepEqual(unaskedPackages(read('package.json'), readTree(['.ts'])), []);
});

test('an import of what only tests have, or of what another package brought, is found', () => {
  const manifest: Manifest = { dependencies: { '@a/a': '1.0.0' }, devDependencies: { b: '1.0.0' } };
  const tree = new Map([
    ['adapters/x.ts', "import '@a/a/deep.js';\nimport type { B } from 'b';\nimport b from 'b';\nimport 'node:net';"],
    ['main.ts', "import c from '@c/c/deep.js';"],
    ['test/x.test.ts', "import b from 'b';"],
  ]);
  assert.deepEqual(unaskedPackages(manifest, tree), [
    'adapters/x.ts:3 imports b, which is not among the dependencies of package.json',
    'main.ts:1 imports @c/c, which is not among the dependencies of package.json',
  ]);
});
