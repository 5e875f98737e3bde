/** Runs something once for each database engine that was asked for, with a PostgreSQL of its own where one is needed. */
import { startPostgres } from '../../test/support/postgres.ts';
import type { Databases } from './subject-home.ts';
import type { Engine } from './subjects.ts';

/**
 * A database that has been in use recycles its WAL files. A new one makes each of them, and fills 16 MB with zeros and syncs them while
 * everybody waits; a benchmark of some seconds on a new database would measure little but that.
 */
const SETTINGS = { wal_init_zero: 'off' };

const ENGINES: Readonly<Record<string, readonly Engine[]>> = {
  pglite: ['pglite'],
  postgres: ['postgres'],
  both: ['postgres', 'pglite'],
};

/** @param choice `pglite`, `postgres` or `both`; rejects with a RangeError for anything else */
export async function forEachEngine(
  choice: string,
  work: (engine: Engine, databases: Databases | undefined) => Promise<void>,
): Promise<void> {
  const engines = ENGINES[choice];
  if (!engines) throw new RangeError(`--engine is "${choice}", but must be one of ${Object.keys(ENGINES).join(', ')}`);
  for (const engine of engines) {
    const postgres = engine === 'postgres' ? await startPostgres({ settings: SETTINGS }) : undefined;
    try {
      await work(engine, postgres);
    } finally {
      await postgres?.stop();
    }
  }
}
