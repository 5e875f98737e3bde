import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Access } from '../../contracts/contract.ts';
import { ERRORS } from '../../contracts/errors.ts';
import { ENDPOINTS, HEALTH_ENDPOINTS } from '../../services/gateway/routes.ts';

const page = await readFile(new URL('../../docs/rest.md', import.meta.url), 'utf8');

/** The rows of a table below a heading, as their cells without backticks. */
function rowsBelow(markdown: string, heading: string): string[][] {
  const [, section = ''] = markdown.split(`\n## ${heading}\n`);
  const lines = section.split('\n## ')[0]!.split('\n');
  const cells = lines.filter(line => line.startsWith('| `')).map(line => line.split(' | '));
  return cells.map(row => row.map(cell => cell.replace(/^\| |\s*\|$/g, '').replaceAll('`', '')));
}

const errorRows = Object.entries(ERRORS).map(([type, { status, retry, todo }]) => [
  type,
  String(status),
  retry ? 'yes' : 'no',
  todo,
]);
const paths = [...ENDPOINTS, ...HEALTH_ENDPOINTS].map(it => `${it.method} ${it.path}`);

test('the page has every error as it is', () => {
  assert.deepEqual(rowsBelow(page, 'Errors'), errorRows);
});

test('the page has every path, and no other', () => {
  assert.deepEqual(
    rowsBelow(page, 'Paths').map(([path]) => path),
    paths,
  );
});

/** What the contract of its action asks for, in the words of the page. */
function needsOf({ needs, device }: Access): string {
  if (needs === 'anyone') return 'none';
  const people = needs === 'signed-in' ? ['any user or key'] : needs === 'nobody' ? [] : [[needs].flat().join(' or ')];
  const own = device === undefined ? [] : [device === 'any' ? 'the device' : `the device (${device})`];
  return [...people, ...own].join(', ');
}

test('the page says of every path what it needs', () => {
  assert.deepEqual(
    rowsBelow(page, 'Paths').map(([path, needs]) => [path, needs]),
    [...ENDPOINTS, ...HEALTH_ENDPOINTS].map(it => [`${it.method} ${it.path}`, needsOf(it.access)]),
  );
});

test('a page that differs in one cell is found', () => {
  for (const [from, to] of [
    ['| 412 |', '| 409 |'],
    ['`too_large`', '`too_big`'],
  ] as const) {
    assert.notEqual(page.replace(from, to), page);
    assert.notDeepEqual(rowsBelow(page.replace(from, to), 'Errors'), errorRows);
  }
  const without = page.replace(/\| `GET \/dead-letters`.*\n/, '');
  assert.notDeepEqual(
    rowsBelow(without, 'Paths').map(([path]) => path),
    paths,
  );
});
