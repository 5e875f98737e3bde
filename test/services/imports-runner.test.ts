import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from '../../contracts/contract.ts';
import { imports } from '../../contracts/imports.contract.ts';
import { ImportRunner } from '../../services/imports/runner.ts';
import { forgetImportKeys, removeImportLines, removeImports } from '../../services/retention/imports.ts';
import { addUser, importEnded, keyFileOf, linesOf, sendFile, startProvisioningNode } from './provisioning-node.ts';
import { ask } from './rest-node.ts';

const idsUpTo = (count: number) => `id\n${Array.from({ length: count }, (_, i) => `d-${i}\n`).join('')}`;

test('several nodes work off the same import, and each line is done by one of them', async t => {
  const node = await startProvisioningNode({ engine: 'postgres', env: { SKEIN_LIMIT_IMPORT_PIECE_LINES: '5' } });
  const { limits } = node.config;
  const runners = Array.from({ length: 3 }, () => new ImportRunner({ ...node, limits }));
  for (const it of runners) it.start();
  t.after(async () => {
    await Promise.all(runners.map(it => it.stop()));
    await node.stop();
  });
  const sent = await Promise.all(['a', 'b', 'c'].map(it => sendFile(node, idsUpTo(200).replaceAll('d-', `${it}-`))));
  for (const it of runners) it.wake();
  for (const answer of sent)
    assert.partialDeepStrictEqual(await importEnded(node, answer), { created: 200, refused: 0, state: 'completed' });
  const [row] = await node.database.query('SELECT count(*)::int AS keys FROM device_key');
  assert.deepEqual(row, { keys: 600 });
});

test('a line that the database refuses, though it was checked, holds up no other', async t => {
  const node = await startProvisioningNode();
  t.after(() => node.stop());
  const meta = { principal: await addUser(node) };
  const { id } = await call(node.broker, imports.open, { format: 'ndjson', dryRun: false }, { meta });
  const lines = Array.from({ length: 6 }, (_, i) => ({ line: i + 1, record: { id: `p-${i + 1}` } }));
  await call(node.broker, imports.add, { id, lines }, { meta });
  await node.database.query(
    `UPDATE device_import_line SET content = '{"fields": {"commandWindow": 99999}, "groups": []}' WHERE import_id = $1 AND line IN (2, 5)`,
    [id],
  );
  const body = await call(node.broker, imports.start, { id, sha256: '0'.repeat(64) }, { meta });
  const ended = await importEnded(node, { status: 202, headers: new Headers(), body });
  assert.deepEqual([ended.created, ended.refused], [4, 2]);
  const refused = await linesOf(node, id, '&state=refused');
  assert.deepEqual(
    refused.map(it => [it.line, it.reason]),
    [
      [2, 'invalid_request'],
      [5, 'invalid_request'],
    ],
  );
});

test("nobody adds to an import that has started, or that is another organization's", async t => {
  const node = await startProvisioningNode();
  t.after(() => node.stop());
  const meta = { principal: await addUser(node) };
  const { body } = await sendFile(node, idsUpTo(1));
  const lines = [{ line: 9, record: { id: 'late' } }];
  await assert.rejects(call(node.broker, imports.add, { id: body.id, lines }, { meta }), { type: 'not_found' });
  await node.database.query(`INSERT INTO tenant (slug) VALUES ('foreign')`);
  const foreign = { principal: await addUser(node, undefined, 'foreign') };
  const { id } = await call(node.broker, imports.open, { format: 'csv', dryRun: false, columns: ['id'] }, { meta });
  await assert.rejects(call(node.broker, imports.add, { id, lines }, { meta: foreign }), { type: 'not_found' });
  const start = call(node.broker, imports.start, { id, sha256: '0'.repeat(64) }, { meta: foreign });
  await assert.rejects(start, { type: 'not_found' });
  await call(node.broker, imports.discard, { id }, { meta: foreign });
  await call(node.broker, imports.add, { id, lines }, { meta });
});

test('keys are forgotten after some hours, imports after some days, and what never arrived after one hour', async t => {
  const node = await startProvisioningNode();
  t.after(() => node.stop());
  const { database } = node;
  const { id } = await importEnded(node, await sendFile(node, idsUpTo(3)));
  const aged = (time: string) =>
    database.query(`UPDATE device_import SET ended_at = now() - $2::interval WHERE import_id = $1`, [id, time]);
  await aged('23 hours');
  assert.equal(await forgetImportKeys(database, 24, 2), 0);
  await aged('25 hours');
  assert.equal(await forgetImportKeys(database, 24, 2), 2);
  assert.equal(await forgetImportKeys(database, 24, 2), 1);
  assert.equal(await keyFileOf(node, id), 'line,id,name,apiKey\r\n');
  assert.equal(await removeImportLines(database, 30, 10), 0);
  await aged('31 days');
  assert.equal(await removeImports(database, 30, 10), 0);
  assert.equal(await removeImportLines(database, 30, 10), 3);
  assert.equal(await removeImports(database, 30, 10), 1);
  assert.equal((await ask(node, `GET /api/v1/devices/imports/${id}`)).status, 404);
  const meta = { principal: await addUser(node) };
  await call(node.broker, imports.open, { format: 'ndjson', dryRun: false }, { meta });
  assert.equal(await removeImports(database, 30, 10), 0);
  await database.query(`UPDATE device_import SET created_at = now() - interval '61 minutes'`);
  assert.equal(await removeImports(database, 30, 10), 1);
});
