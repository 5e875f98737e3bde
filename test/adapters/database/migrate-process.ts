/**
 * A process that migrates a database at the same moment as another one, and says how that went. With `unguarded` it does so
 * without the lock and the row that keep the two apart: the negative control of the test that uses it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../../adapters/database/database.ts';
import { migrate } from '../../../adapters/database/migrate.ts';
import { openPostgres } from '../../../adapters/database/postgres/open-postgres.ts';
import { LIMITS } from '../../../contracts/limits.ts';

/** Waits inside the transaction until the other process is inside its own. */
const MEET = `DO $$ BEGIN
  PERFORM pg_advisory_xact_lock_shared(7);
  WHILE (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7) < 2 LOOP PERFORM pg_sleep(0.01); END LOOP;
END $$;`;
const GUARDED = /^SELECT pg_advisory_xact_lock\(\d+\); (INSERT INTO schema_migration .*?\);) (.*)$/s;

const [url, mode] = process.argv.slice(2);
const database = await openPostgres(url!, LIMITS);
const script = (sql: string) => database.script(sql.replace(GUARDED, `${MEET} $2; $1`));
const query: Database['query'] = (sql, params) => database.query(sql, params);
const subject = mode === 'unguarded' ? { query, script } : database;

await migrate(database, []);
await database.query('INSERT INTO arrived VALUES (1)');
while ((await database.query('SELECT FROM arrived')).length < 2) await sleep(5);
await migrate(subject, [{ version: 1, name: 'one', checksum: 'a', sql: 'CREATE TABLE one (i int)' }]).then(
  () => console.log('migrated'),
  error => console.log(error.message),
);
await database.close();
