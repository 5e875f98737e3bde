/** Migrations, on both engines: once, whole, in order, and never on a database that they do not fit. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Database, DatabaseError } from '../../../adapters/database/database.ts';
import { type Migration, migrate, readMigrations } from '../../../adapters/database/migrate.ts';
import { openDatabase } from '../../../adapters/database/open-database.ts';
import { openPostgres } from '../../../adapters/database/postgres/open-postgres.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { ENGINE_NAMES, ENGINES, type Subject } from './engines.ts';
import { rejection } from './rejections.ts';

const migration = (version: number, name: string, sql: string): Migration => ({
  version,
  name,
  sql,
  checksum: createHash('sha256').update(sql).digest('hex'),
});
const ONE = migration(1, 'one', `CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (1);`);
const TWO = migration(2, 'two', `CREATE TABLE two (id int REFERENCES one);`);
const BROKEN = migration(
  3,
  'broken',
  `CREATE TABLE three (id int); INSERT INTO one VALUES (2); SELECT * FROM nowhere;`,
);

for (const engine of ENGINE_NAMES)
  describe(`migrations on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    before(async () => {
      subject = await ENGINES[engine]();
      database = subject.database;
    });
    after(() => subject?.stop());
    beforeEach(() => database.script('DROP SCHEMA public CASCADE; CREATE SCHEMA public'));
    const applied = () => database.query('SELECT version, name, checksum FROM schema_migration ORDER BY version');
    const exists = async (table: string) =>
      (await database.query('SELECT to_regclass($1) IS NOT NULL AS it', [table]))[0]!.it;

    it('are applied in order and written down, and only what is new the next time', async () => {
      await migrate(database, [ONE]);
      await migrate(database, [ONE, TWO]);
      await migrate(database, [ONE, TWO]);
      assert.deepEqual(
        await applied(),
        [ONE, TWO].map(({ version, name, checksum }) => ({ version, name, checksum })),
      );
      assert.deepEqual(await database.query('SELECT id FROM one'), [{ id: 1 }]);
    });

    it('leave nothing behind when one fails, but keep those before it', async () => {
      const error = await rejection('failed', migrate(database, [ONE, TWO, BROKEN]));
      assert.match(error.message, /Migration 3 \(broken\) failed, and nothing of it was kept/);
      assert.equal(error.code, '42P01');
      assert.equal(await exists('three'), false);
      assert.deepEqual(await database.query('SELECT id FROM one'), [{ id: 1 }]);
      assert.deepEqual(
        (await applied()).map(row => row.version),
        [1, 2],
      );
      // Corrected, it goes on from there.
      await migrate(database, [ONE, TWO, migration(3, 'broken', 'CREATE TABLE three (id int)')]);
      assert.equal(await exists('three'), true);
    });

    it('are refused when a file that was applied has changed', async () => {
      await migrate(database, [ONE]);
      const changed = migration(1, 'one', `${ONE.sql} -- changed`);
      const error = await rejection('failed', migrate(database, [changed, TWO]));
      assert.match(error.message, /Migration 1 \(one\) is not the file that was applied/);
      assert.equal(await exists('two'), false);
    });

    it('are refused when the database is newer than the code', async () => {
      await migrate(database, [ONE, TWO]);
      const error = await rejection('failed', migrate(database, [ONE]));
      assert.match(error.message, /The database is newer than this Skein: it has migration 2 \(two\)/);
    });
  });

describe('migrations of several processes at once', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ fsync: false });
  });
  after(() => server?.stop());

  it('are applied by one of them, while the others wait and go on', async () => {
    const url = await server.createDatabase('together');
    const slow = migration(1, 'slow', `${ONE.sql} SELECT pg_sleep(0.3);`);
    const processes = await Promise.all(Array.from({ length: 4 }, () => openPostgres(url, LIMITS)));
    await Promise.all(processes.map(database => migrate(database, [slow, TWO])));
    assert.deepEqual(await processes[0]!.query('SELECT id FROM one'), [{ id: 1 }]);
    assert.deepEqual(await processes[0]!.query('SELECT version FROM schema_migration ORDER BY 1'), [
      { version: 1 },
      { version: 2 },
    ]);
    // The same statements without what migrate does about it get in each other's way.
    const control = `CREATE TABLE control (id int); SELECT pg_sleep(0.3);`;
    const outcomes = await Promise.allSettled(processes.map(database => database.script(control)));
    assert.ok(outcomes.some(({ status }) => status === 'rejected'));
    await Promise.all(processes.map(database => database.close()));
  });

  it('bring an empty database to the schema of this code, and find nothing to do the next time', async () => {
    const options = { databaseUrl: await server.createDatabase('whole'), dataDir: '/unused', limits: LIMITS };
    const opened = await Promise.all([openDatabase(options), openDatabase(options)]);
    const files = await readMigrations();
    assert.ok(files.length > 0);
    const rows = await opened[0]!.query('SELECT version FROM schema_migration ORDER BY 1');
    assert.deepEqual(
      rows.map(row => row.version),
      files.map(({ version }) => version),
    );
    await Promise.all(opened.map(database => database.close()));
  });
});

describe('the folder of migrations', () => {
  it('may hold only files with a number of their own and a name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skein-migrations-'));
    const read = () => readMigrations(pathToFileURL(`${folder}/`));
    try {
      await writeFile(join(folder, '002-second.sql'), 'SELECT 2');
      await writeFile(join(folder, '001-first.sql'), 'SELECT 1');
      assert.deepEqual(
        (await read()).map(({ version, name }) => ({ version, name })),
        [
          { version: 1, name: 'first' },
          { version: 2, name: 'second' },
        ],
      );
      await writeFile(join(folder, '002-again.sql'), 'SELECT 3');
      await assert.rejects(
        read(),
        (error: Error) => error instanceof DatabaseError && /number 002/.test(error.message),
      );
      await rm(join(folder, '002-again.sql'));
      await writeFile(join(folder, 'notes.txt'), '');
      await assert.rejects(read(), /notes\.txt is not a migration/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
