import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig, SERVICES } from '../../config.ts';
import { LIMITS, limitVariable } from '../../contracts/limits.ts';
import { ROOT } from './tree.ts';

/** Every variable that `config.ts` asks for: it is handed an environment that writes down what is asked. */
function variablesRead(): string[] {
  const asked = new Set<string>();
  readConfig(new Proxy<Record<string, string | undefined>>({}, { get: (_, name) => void asked.add(String(name)) }));
  return [...asked];
}

/** The rows of the page's tables, `variable -> cells behind it`. */
const documented = (page: string): Map<string, string[]> =>
  new Map(
    [...page.matchAll(/^\| `([A-Z_]+)` \|(.*)\|$/gm)].map(row => [
      row[1]!,
      row[2]!.split('|').map(cell => cell.trim()),
    ]),
  );

/** One sentence for each difference between the code and the page. */
function differences(page: string): string[] {
  const rows = documented(page);
  const read = variablesRead();
  const found = [
    ...read.filter(name => !rows.has(name)).map(name => `${name} is not documented`),
    ...[...rows.keys()].filter(name => !read.includes(name)).map(name => `${name} is documented, but nothing reads it`),
  ];
  for (const [name, fallback] of Object.entries(LIMITS)) {
    const [shown, unit, reason] = rows.get(limitVariable(name)) ?? [];
    if (shown !== undefined && shown !== String(fallback)) found.push(`${name} is ${fallback}, not ${shown}`);
    if (shown !== undefined && (!unit || !reason)) found.push(`${name} is documented without unit or reason`);
  }
  return found;
}

const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');

test('every setting and every limit is documented with its default, and nothing else is', () => {
  assert.ok(variablesRead().length > Object.keys(LIMITS).length, 'the variables were not found');
  assert.deepEqual(differences(page), []);
});

test('the page names every service that SKEIN_SERVICES takes', () => {
  const row = documented(page).get('SKEIN_SERVICES')!.join(' ');
  for (const service of SERVICES) assert.ok(row.includes(`\`${service}\``), service);
});

test('a setting that is missing, superfluous or wrong on the page is found', () => {
  const lanes = '| `SKEIN_LIMIT_LANES` | 2 | lanes |';
  assert.ok(page.includes(lanes));
  const known = differences(page);
  const foundWith = (row: string) => differences(page.replace(lanes, row)).filter(it => !known.includes(it));
  assert.deepEqual(foundWith('| `SKEIN_LIMIT_LANES` | 4 | lanes |'), ['lanes is 2, not 4']);
  assert.deepEqual(foundWith('| `SKEIN_LIMIT_LANES` | 2 | |'), ['lanes is documented without unit or reason']);
  assert.deepEqual(foundWith('| `SKEIN_LIMIT_TRACKS` | 2 | tracks |'), [
    'SKEIN_LIMIT_LANES is not documented',
    'SKEIN_LIMIT_TRACKS is documented, but nothing reads it',
  ]);
});
