import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { brokenLinks } from './documentation.ts';
import { ROOT, readTree } from './tree.ts';

test('every relative link of every document leads to a file, and to a heading that is there', () => {
  const documents = readTree(['.md']);
  assert.ok(documents.has('README.md'), 'the documents were not read');
  assert.deepEqual(
    brokenLinks(documents, path => existsSync(join(ROOT, path))),
    [],
  );
});

test('a link that leads to nothing is found, in each form that Markdown has', () => {
  const documents = new Map([
    [
      'docs/a.md',
      [
        '# A page: with a heading',
        '[one](gone.md) and [two](../gone.md#x), [three][t]',
        '![picture](gone.png "title")',
        '[out](../../elsewhere.md)',
        '[heading](#not-there)',
        '[t]: gone-too.md',
      ].join('\n'),
    ],
  ]);
  assert.deepEqual(
    brokenLinks(documents, path => documents.has(path)),
    [
      'docs/a.md: gone.md leads to nothing',
      'docs/a.md: ../gone.md#x leads to nothing',
      'docs/a.md: gone.png leads to nothing',
      'docs/a.md: ../../elsewhere.md leads out of the project',
      'docs/a.md: #not-there names no heading there',
      'docs/a.md: gone-too.md leads to nothing',
    ],
  );
});

test('what leads somewhere, leads outside, or stands in code is let through', () => {
  const documents = new Map([
    [
      'README.md',
      '# Skein\n[a](docs/a.md#a-page-with-a-heading) [b](https://example.org/x) [c](#skein) `[d](gone.md)`',
    ],
    ['docs/a.md', '# A page: with a heading\n```sh\n[e](gone.md)\n# not a heading\n```\n[up](../README.md)'],
  ]);
  assert.deepEqual(
    brokenLinks(documents, path => documents.has(path)),
    [],
  );
});
