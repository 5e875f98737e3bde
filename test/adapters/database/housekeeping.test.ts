import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { serialize } from 'pg-protocol';
import type { Row } from '../../../adapters/database/database.ts';
import { EmbeddedPostgres } from '../../../adapters/database/pglite/embedded-postgres.ts';
import { Housekeeping } from '../../../adapters/database/pglite/housekeeping.ts';
import { ensureCluster } from '../../../adapters/database/pglite/new-cluster.ts';
import { decodeAnswer } from '../../../adapters/database/wire/decode-answer.ts';

const MIB = 1024 * 1024;

describe('the housekeeping of the embedded database', () => {
  let folder: string;
  let database: EmbeddedPostgres;
  let ran: string[] = [];
  let nowMs = 0;
  before(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'skein-house-')), 'pglite');
    await ensureCluster(folder);
    database = await EmbeddedPostgres.open(folder);
  });
  after(async () => {
    await database?.close();
    await rm(join(folder, '..'), { recursive: true, force: true });
  });

  const query = (sql: string): Row[] => {
    const answer = decodeAnswer(database.run(serialize.query(sql)));
    assert.equal(answer.error, undefined);
    return answer.rows[0]!;
  };
  const start = () => {
    ran = [];
    const run = (bytes: Uint8Array) => {
      ran.push(Buffer.from(bytes.subarray(5, -1)).toString());
      return database.run(bytes);
    };
    return new Housekeeping(run, () => nowMs, { checkpointEveryWalBytes: 2 * MIB, tidyEveryMs: 60_000 });
  };
  const walBytes = () =>
    query('SELECT (pg_current_wal_insert_lsn() - redo_lsn)::float8 AS it FROM pg_control_checkpoint()')[0]!
      .it as number;
  const remedies = () => ran.filter(sql => /^(VACUUM|ANALYZE)/.test(sql));

  it('makes a checkpoint when the log has grown, and not before', () => {
    query('CREATE TABLE log (t text); CHECKPOINT');
    const housekeeping = start();
    housekeeping.afterRequest(10 * MIB);
    assert.ok(!ran.includes('CHECKPOINT'));
    query(`INSERT INTO log SELECT repeat('x', 1000) FROM generate_series(1, 4000)`);
    assert.ok(walBytes() > 2 * MIB);
    housekeeping.afterRequest(10);
    assert.ok(!ran.includes('CHECKPOINT'), 'it looks only now and then');
    for (let i = 0; i < 200; i++) housekeeping.afterRequest(10);
    assert.equal(ran.filter(sql => sql === 'CHECKPOINT').length, 1);
    assert.ok(walBytes() < MIB, `${walBytes()} bytes`);
  });

  it('gives the space of deleted rows to new ones', () => {
    const size = (table: string) => query(`SELECT pg_total_relation_size('${table}') AS it`)[0]!.it as number;
    const turnOver = (table: string, tidy: () => void) => {
      query(`CREATE TABLE ${table} (id int PRIMARY KEY)`);
      for (let round = 0; round < 8; round++) {
        query(`INSERT INTO ${table} SELECT i FROM generate_series(${round * 5_000}, ${round * 5_000 + 4_999}) i`);
        query(`DELETE FROM ${table}`);
        tidy();
      }
      return size(table);
    };
    const untidy = turnOver('untidy', () => {});
    query('DROP TABLE untidy');
    const housekeeping = start();
    const tidied = turnOver('tidied', () => {
      nowMs += 60_000;
      for (let i = 0; i < 20; i++) housekeeping.afterRequest(10);
    });
    assert.ok(remedies().includes('VACUUM (ANALYZE) public.tidied'));
    assert.ok(tidied < untidy / 3, `${tidied} of ${untidy} bytes`);
  });

  it('learns what a table that has grown looks like, one table for each request', () => {
    query('CREATE TABLE grown (i int); CREATE TABLE grown_too (i int)');
    const housekeeping = start();
    nowMs += 60_000;
    for (let i = 0; i < 40; i++) housekeeping.afterRequest(10);
    ran = [];
    query('INSERT INTO grown SELECT generate_series(1, 3000); INSERT INTO grown_too SELECT generate_series(1, 2000)');
    housekeeping.afterRequest(10);
    assert.deepEqual(remedies(), [], 'not before a minute has passed');
    nowMs += 60_000;
    housekeeping.afterRequest(10);
    assert.deepEqual(remedies(), ['ANALYZE public.grown']);
    housekeeping.afterRequest(10);
    assert.deepEqual(remedies(), ['ANALYZE public.grown', 'ANALYZE public.grown_too']);
    assert.equal(query(`SELECT reltuples FROM pg_class WHERE relname = 'grown'`)[0]!.reltuples, 3000);
    for (let i = 0; i < 40; i++) housekeeping.afterRequest(10);
    ran = [];
    nowMs += 60_000;
    for (let i = 0; i < 3; i++) housekeeping.afterRequest(10);
    assert.ok(!remedies().some(remedy => remedy.includes('grown')), 'it is tidy now');
  });

  it('goes on after an error', () => {
    query('CREATE TABLE gone (i int); INSERT INTO gone SELECT generate_series(1, 5000)');
    const dropping = new Housekeeping(
      bytes => {
        const sql = Buffer.from(bytes).toString();
        if (sql.includes('public.gone')) query('DROP TABLE gone');
        return database.run(bytes);
      },
      () => nowMs,
    );
    nowMs += 60_000;
    for (let i = 0; i < 10; i++) dropping.afterRequest(10);
    assert.deepEqual(query(`SELECT to_regclass('gone') AS it`), [{ it: null }]);
    assert.deepEqual(query('SELECT 1 AS one'), [{ one: 1 }]);
  });
});
