import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOnly, importsOf } from './imports.ts';

const specifiers = (source: string): string[] => importsOf(source).map(it => it.specifier);

test('every form of import is found, with its line', () => {
  const source = [
    "import './bare.ts';",
    "import a from './default.ts';",
    "import * as b from './star.ts';",
    'import {',
    '  c,',
    "} from './many-lines.ts';",
    "export { d } from './again.ts';",
    "export * from './all.ts';",
    "const e = await import('./dynamic.ts');",
    "const f = require('./required.cjs');",
    'import g from "./double.ts";',
  ].join('\n');
  assert.deepEqual(
    importsOf(source).map(it => `${it.line} ${it.specifier}`),
    [
      '1 ./bare.ts',
      '2 ./default.ts',
      '3 ./star.ts',
      '4 ./many-lines.ts',
      '7 ./again.ts',
      '8 ./all.ts',
      '9 ./dynamic.ts',
      '10 ./required.cjs',
      '11 ./double.ts',
    ],
  );
});

test('an import is a type import only when nothing of it is left at run time', () => {
  const source = [
    "import type { A } from 'a';",
    "import { type B, type C } from 'b';",
    "export type { D } from 'd';",
    "export type E = { e?: import('e').E };",
    "import { type F, f } from 'f';",
    "import type, { G } from 'g';",
    "const h = import('h');",
    "import {} from 'i';",
    "export type J = ReadonlyArray<import('j').J>;",
  ].join('\n');
  const typeOnly = importsOf(source).filter(it => it.typeOnly);
  assert.deepEqual(
    typeOnly.map(it => it.specifier),
    ['a', 'b', 'd', 'e', 'j'],
  );
  assert.equal(importsOf(source).length, 9);
});

test('what stands in comments is no import', () => {
  const source = [
    "// import a from 'a';",
    "/* import b from 'b'; */",
    '/**',
    " * import c from 'c';",
    ' */',
    "import d from 'd'; // import('e')",
  ].join('\n');
  assert.deepEqual(specifiers(source), ['d']);
});

test('a quote or a comment sign inside a string or a regular expression hides no import behind it', () => {
  const source = [
    "const a = '\"/*';",
    'const b = /[\'"`/]/.test(text) && /`/.test(text);',
    'const c = "http://x/*";',
    'const d = text.replace(/\\/\\*/g, `//`);',
    'const e = x / y; const f = "it\'s"; const g = z / 2;',
    "import h from 'h';",
  ].join('\n');
  assert.deepEqual(specifiers(source), ['h']);
});

test('code is what is left without comments and texts; code inside templates stays', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source that is looked at.
  const source = ["const a = 'Date.now()'; // Date.now()", 'const b = `${Date.now()}`;'].join('\n');
  const [first, second] = codeOnly(source).split('\n');
  assert.doesNotMatch(first!, /Date/);
  assert.match(second!, /Date\.now/);
});
