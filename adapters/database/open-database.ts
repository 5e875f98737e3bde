/** The one place that knows which engines there are. */
import { join } from 'node:path';
import type { Limits } from '../../contracts/limits.ts';
import type { Database } from './database.ts';
import { migrate, readMigrations } from './migrate.ts';
import { openPglite } from './pglite/open-pglite.ts';
import { openPostgres } from './postgres/open-postgres.ts';

export type DatabaseOptions = {
  /** Absent: PGlite in `<dataDir>/pglite`. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly limits: Limits;
};

/** Opens the database and brings its schema up to date. Rejects with a DatabaseError whose message is for a person. */
export async function openDatabase({ databaseUrl, dataDir, limits }: DatabaseOptions): Promise<Database> {
  const database =
    databaseUrl === undefined
      ? await openPglite(join(dataDir, 'pglite'), limits)
      : await openPostgres(databaseUrl, limits);
  try {
    await migrate(database, await readMigrations());
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}
