/** Secrets stay where they belong: none is in a log, in an answer that it is not meant for, or readable in the database. */

import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Database } from '../../adapters/database/database.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { SEALED_COLUMNS } from '../../adapters/secrets/sealed-columns.ts';
import { readConfig } from '../../config.ts';
import { newDataDir } from '../support/data-dir.ts';
import { type Used, useEverySecret } from './secrets/every-secret.ts';
import { startTracedNode } from './secrets/traced-node.ts';

describe('After every kind of secret was used, rightly and wrongly', () => {
  let dataDir: string;
  let used: Used;
  let output = '';
  let database: Database;

  before(async () => {
    dataDir = await newDataDir('skein-secrets-');
    const node = await startTracedNode(dataDir);
    try {
      used = await useEverySecret(node);
      assert.equal(await used.logInAgain(), 200);
      await used.again();
    } finally {
      output = await node.stop();
    }
    used.secrets.add('key of the system', (await readFile(join(dataDir, 'secret.key'), 'utf8')).trim());
    database = await openDatabase(readConfig({ SKEIN_DATA_DIR: dataDir }));
  });
  after(async () => {
    await database?.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  test('there were secrets of each kind', () => {
    for (const kind of [
      /accessToken/,
      /refreshToken/,
      /recoveryCodes/,
      /: secret$/,
      /privateKey/,
      /claimCode/,
      /provisioningSecret/,
      /^password$/,
      /imported/,
      /rotate: key/,
    ])
      assert.ok(
        [...used.secrets.kinds].some(it => kind.test(it)),
        String(kind),
      );
    assert.ok(
      used.told.length > 40 && used.told.some(it => it.line.startsWith('GET /audit')),
      `${used.told.length} answers`,
    );
  });

  test('the log has none of them, and is not empty', () => {
    assert.match(output, /"level":10|"level":20/);
    assert.deepEqual(used.secrets.in(output), []);
  });

  test('no refusal and no list, feed or audit log has one', () => {
    // Who put a secret into the path of a request is told that there is nothing of this name.
    const others = used.told.filter(it => used.secrets.in(it.line.split('?')[0]!).length === 0);
    assert.equal(used.told.length - others.length, 1);
    assert.deepEqual(
      others.flatMap(({ line, text }) => used.secrets.in(text).map(found => `${line.slice(0, 60)}: ${found}`)),
      [],
    );
  });

  test('the database has none of them in the clear, in any column', async () => {
    const found: string[] = [];
    let cells = 0;
    for (const { table, column } of await columnsOf(database)) {
      const rows = await database.query<{ shown: string }>(
        `SELECT CASE WHEN jsonb_typeof(to_jsonb(c)) = 'string' THEN c::text ELSE to_jsonb(c)::text END AS shown
         FROM (SELECT "${column}" AS c FROM "${table}") AS t WHERE c IS NOT NULL`,
      );
      cells += rows.length;
      for (const { shown } of rows) found.push(...used.secrets.in(shown).map(it => `${table}.${column}: ${it}`));
    }
    assert.ok(cells > 500, `${cells} cells`);
    assert.deepEqual(found, []);
  });

  test('whatever is sealed in the database is in a column that is known to be', async () => {
    const known = new Set(SEALED_COLUMNS.map(it => `${it.table}.${it.column}`));
    const sealed = new Set<string>();
    for (const { table, column } of await columnsOf(database)) {
      // A version, and the number of a data key below 256, as hexadecimal or base64 shows them.
      const rows = await database.query(
        `SELECT 1 AS is_sealed FROM (SELECT "${column}"::text AS c FROM "${table}") AS t
         WHERE c ~ '(\\\\x01000000[0-9a-f]{58}|AQAAAA[0-9A-Za-z+/]{30})' LIMIT 1`,
      );
      if (rows.length > 0) sealed.add(`${table}.${column}`);
    }
    assert.deepEqual([...sealed].sort(), [...known].sort());
  });

  test('a planted secret is found, in each form and place (the control)', async () => {
    const secret = used.secrets.add('planted', 'planted-secret-of-the-control');
    for (const form of [
      secret,
      Buffer.from(secret).toString('hex'),
      Buffer.from(`:${secret}!`).toString('base64'),
      encodeURIComponent(secret),
    ])
      assert.equal(used.secrets.in(`{"msg":"${form}"}`).length > 0, true, form);
  });
});

const columnsOf = (database: Database): Promise<{ table: string; column: string }[]> =>
  database.query(
    `SELECT c.table_name AS table, c.column_name AS column FROM information_schema.columns c
     JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' ORDER BY 1, 2`,
  );
