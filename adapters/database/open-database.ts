/** The one place that knows which engines there are. */
import { join } from 'node:path';
import type { Limits } from '../../contracts/limits.ts';
import type { Database, DatabaseError, ReadOnly } from './database.ts';
import { GuardedDatabase } from './guarded-database.ts';
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
  /** Called when it takes nothing new any more because its disk is full, and (undefined) when it does again. */
  readonly onReadOnly?: (readOnly: ReadOnly | undefined, freeBytes: number | undefined) => void;
};

/** Opens the database and brings its schema up to date. Rejects with a DatabaseError whose message is for a person. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { databaseUrl, dataDir, limits, onFatal = () => {}, onReadOnly } = options;
  const folder = databaseUrl === undefined ? join(dataDir, 'pglite') : undefined;
  const database =
    folder === undefined ? await openPostgres(databaseUrl!, limits) : await openPglite(folder, limits, onFatal);
  try {
    await migrate(database, await readMigrations());
    return await GuardedDatabase.over(database, { limits, folder, ...(onReadOnly && { onReadOnly }) });
  } catch (error) {
    await database.close();
    throw error;
  }
}
