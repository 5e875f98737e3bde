import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantTables, unscoped } from './tenant-scope.ts';
import { readTree } from './tree.ts';

const RUNNING = /^(services|mixins|adapters)\//;

/** What is for all tenants by its nature, or only a part of a statement; each with its reason. */
const FOR_ALL: Readonly<Record<string, string>> = {
  'adapters/database/events-feed.ts': 'removes events that are old, of all tenants',
  'services/certificates/certificate-rows.ts': 'counts certificates that end soon, for the operator',
  'services/commands/command-listing.ts': 'parts of one statement, which has the tenant in its range',
  'services/imports/turns.ts': 'the runner takes whatever import is due',
  'services/retention/ended-keys.ts': 'removes what is old, of all tenants',
  'services/retention/imports.ts': 'removes what is old, of all tenants',
};

const migrations = [...readTree(['.sql'])].filter(([path]) => path.includes('/migrations/')).map(([, sql]) => sql);
const tables = tenantTables(migrations);

test('every statement about what belongs to a tenant names one, or a row that was found by one', () => {
  const found = [...readTree(['.ts'])]
    .filter(([path]) => RUNNING.test(path))
    .flatMap(([path, source]) => unscoped(path, source, tables));
  assert.ok(tables.size > 15, 'the migrations were not read');
  assert.deepEqual(
    found.filter(it => !Object.hasOwn(FOR_ALL, it.file)),
    [],
  );
  const files = new Set(found.map(it => it.file));
  assert.deepEqual(
    Object.keys(FOR_ALL).filter(file => !files.has(file)),
    [],
    'excepted, but there is nothing to except',
  );
});

test('a statement that forgets the tenant is found, in each form', () => {
  for (const sql of [
    "'SELECT device_id FROM device WHERE device_id = $1'",
    '`UPDATE app_user SET name = $2\n     WHERE email = $1`',
    '`SELECT 1 FROM job_item JOIN job USING (job_id) LIMIT 5`',
    "'INSERT INTO command (name) VALUES ($1)'",
  ])
    assert.equal(unscoped('a.ts', `const sql = ${sql};`, tables).length, 1, sql);
  for (const sql of [
    "'SELECT device_id FROM device WHERE tenant_id = $1 AND device_id = $2'",
    "'SELECT 1 FROM schema_migration'",
    '`UPDATE device SET name = NULL WHERE device_uid = $1`',
  ])
    assert.equal(unscoped('a.ts', `const sql = ${sql};`, tables).length, 0, sql);
});
