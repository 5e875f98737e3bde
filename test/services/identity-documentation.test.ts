import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LIMITS, limitVariable } from '../../contracts/limits.ts';
import { BUILT_IN_ROLES, PERMISSIONS, type Permission } from '../../contracts/permissions.ts';
import { COUNTED_QUOTAS, RATE_QUOTAS } from '../../contracts/quotas.ts';
import { quotasFrom } from '../../mixins/quotas.ts';

const page = await readFile(new URL('../../docs/identity.md', import.meta.url), 'utf8');

/** The rows of the first table below a heading, without the one that names the columns, as their cells without backticks. */
function rowsBelow(markdown: string, heading: string): string[][] {
  const [, section = ''] = markdown.split(`\n## ${heading}\n`);
  const lines = section.split('\n## ')[0]!.split('\n');
  const from = lines.findIndex(line => line.startsWith('| --- '));
  const rows = lines.slice(from + 1, lines.indexOf('', from));
  return rows.map(row =>
    row
      .slice(2, -2)
      .split(' | ')
      .map(cell => cell.replaceAll('`', '')),
  );
}

const roles = Object.values(BUILT_IN_ROLES).map(it => it.permissions as readonly Permission[]);
const permissionRows = (Object.keys(PERMISSIONS) as Permission[]).map(name => [
  name,
  PERMISSIONS[name],
  ...roles.map(it => (it.includes(name) ? 'yes' : '-')),
]);
const sizes = quotasFrom(LIMITS);
const quotaRows = Object.entries({ ...COUNTED_QUOTAS, ...RATE_QUOTAS }).map(([name, meaning]) => {
  const limit = `tenant${name[0]!.toUpperCase()}${name.slice(1)}`;
  assert.equal(sizes[name as keyof typeof sizes], LIMITS[limit as keyof typeof LIMITS]);
  return [name, limitVariable(limit), meaning];
});

test('the page has every permission, and which of the built-in roles have it', () => {
  const header = `| permission | meaning | ${Object.keys(BUILT_IN_ROLES).join(' | ')} |`;
  assert.ok(page.includes(header));
  assert.deepEqual(rowsBelow(page, 'Roles'), permissionRows);
});

test('the page has every quota, and what it is without one', () => {
  assert.deepEqual(rowsBelow(page, 'Quotas'), quotaRows);
});

test('a page that differs in one cell is found', () => {
  const other = page.replace('| yes | - | - | - |', '| yes | yes | - | - |');
  assert.notEqual(other, page);
  assert.notDeepEqual(rowsBelow(other, 'Roles'), permissionRows);
});
