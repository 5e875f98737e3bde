/** The one place that knows which engines there are. */
import { join } from 'node:path';
import type { Limits } from '../../contracts/limits.ts';
import type { Database, DatabaseError } from './database.ts';
import { migrate, readMigrations } from './migrate.ts';
import { openPglite } from './pglite/open-pglite.ts';
import { openPostgres } from './postgres/open-postgres.ts';

export type DatabaseOptions = {
  /** Absent: PGlite in `<dataDir>/pglite`. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly limits: Limits;
  /**
   * Called once when the embedded database has ended and cannot be opened again: every call rejects from then on, so the
   * process should end with an error. A server is never lost for good: its adapter connects again.
   */
  readonly onFatal?: (error: DatabaseError) => void;
};

/** Opens the database and brings its schema up to date. Rejects with a DatabaseError whose message is for a person. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { databaseUrl, dataDir, limits, onFatal = () => {} } = options;
  const database =
    databaseUrl === undefined
      ? await openPglite(join(dataDir, 'pglite'), limits, onFatal)
      : await openPostgres(databaseUrl, limits);
  try {
    await migrate(database, await readMigrations());
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}
