/**
 * Brings a database to the schema of this code: the files of `migrations/`, in the order of their numbers, each once and
 * whole. Forward only: a file that was applied never changes, and an older Skein does not touch a newer database.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { type Database, DatabaseError } from './database.ts';

export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly sql: string;
};
type Applied = { readonly version: number; readonly name: string; readonly checksum: string };

const FOLDER = new URL('./migrations/', import.meta.url);

/** Names our lock among all advisory locks of the database: "skein" in ASCII, as a number. */
const LOCK = 0x73_6b_65_69_6e;
const TAKE_LOCK = `SELECT pg_advisory_xact_lock(${LOCK});`;

/** The files `NNN-name.sql` of a folder. Throws a DatabaseError for a name that is not like that, or a number used twice. */
export async function readMigrations(folder: URL = FOLDER): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const file of (await readdir(folder)).sort()) {
    const match = /^(\d{3})-([a-z0-9-]+)\.sql$/.exec(file);
    if (match === null)
      throw new DatabaseError('failed', `${file} is not a migration: its name must be like 001-name.sql`);
    const sql = await readFile(new URL(file, folder), 'utf8');
    const version = Number(match[1]);
    if (migrations.at(-1)?.version === version)
      throw new DatabaseError('failed', `Two migrations have number ${match[1]}`);
    migrations.push({ version, name: match[2]!, checksum: createHash('sha256').update(sql).digest('hex'), sql });
  }
  return migrations;
}

/**
 * Applies what is missing. Two processes that start at once are safe: the second waits for the lock, and then finds the
 * migration applied. Rejects with a DatabaseError; a migration that fails leaves nothing behind.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  if (await isUpToDate(database, migrations)) return;
  await database.script(`${TAKE_LOCK}
    CREATE TABLE IF NOT EXISTS schema_migration (
      version    int PRIMARY KEY,
      name       text NOT NULL,
      checksum   text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
  for (const migration of migrations) {
    const applied = await readApplied(database);
    refuseStrangeHistory(applied, migrations);
    if (!applied.some(({ version }) => version === migration.version)) await apply(database, migration);
  }
}

async function isUpToDate(database: Database, migrations: readonly Migration[]): Promise<boolean> {
  const [found] = await database.query<{ exists: boolean }>(
    `SELECT to_regclass('schema_migration') IS NOT NULL AS exists`,
  );
  if (!found!.exists) return false;
  const applied = await readApplied(database);
  refuseStrangeHistory(applied, migrations);
  return applied.length === migrations.length;
}

const readApplied = (database: Database): Promise<Applied[]> =>
  database.query<Applied>('SELECT version, name, checksum FROM schema_migration ORDER BY version');

function refuseStrangeHistory(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const { version, name, checksum } of applied) {
    const own = migrations.find(migration => migration.version === version);
    if (own === undefined)
      throw new DatabaseError(
        'failed',
        `The database is newer than this Skein: it has migration ${version} (${name}), which this version does not know. Start the newer version.`,
      );
    if (own.checksum !== checksum)
      throw new DatabaseError(
        'failed',
        `Migration ${version} (${own.name}) is not the file that was applied to this database. A migration that was applied must not change: restore the file, and write a new one.`,
      );
  }
}

/** The row goes in first, so that of two processes only one gets to the statements. */
async function apply(database: Database, { version, name, checksum, sql }: Migration): Promise<void> {
  const row = `INSERT INTO schema_migration (version, name, checksum) VALUES (${version}, '${name}', '${checksum}');`;
  try {
    await database.script(`${TAKE_LOCK} ${row} ${sql}`);
  } catch (error) {
    if (error instanceof DatabaseError && error.kind === 'duplicate_key' && error.where === 'schema_migration_pkey')
      return;
    const { kind, message, code } = error as DatabaseError;
    throw new DatabaseError(kind, `Migration ${version} (${name}) failed, and nothing of it was kept: ${message}`, {
      cause: error,
      ...(code === undefined ? {} : { code }),
    });
  }
}
