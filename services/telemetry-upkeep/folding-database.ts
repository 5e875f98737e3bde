/** The database that rollups are made with: of a server a connection of its own, because that takes longer than others may. */
import type { Database } from '../../adapters/database/database.ts';
import { openPostgres } from '../../adapters/database/postgres/open-postgres.ts';
import type { Config } from '../../config.ts';

type Parts = { readonly config: Pick<Config, 'databaseUrl' | 'limits'>; readonly database: Database };

export class FoldingDatabase {
  readonly #parts: Parts;
  #own: Promise<Database> | undefined;
  /** Of the connection, on the server. */
  #pid: number | undefined;
  #isStopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Rejects with a DatabaseError when there is no connection; the next call tries again. */
  async open(): Promise<Database> {
    const { config, database } = this.#parts;
    const { databaseUrl, limits } = config;
    if (databaseUrl === undefined) return database;
    const patient = { ...limits, databaseConnections: 1, queryTimeoutMs: limits.rollupRefreshTimeoutSeconds * 1_000 };
    this.#own ??= openPostgres(databaseUrl, patient).catch(error => {
      this.#own = undefined;
      throw error;
    });
    const own = await this.#own;
    const [row] = await own.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    this.#pid = row!.pid;
    if (this.#isStopped) await this.cancel();
    return own;
  }

  /** A refresh that is under way is given up: it may be repeated. */
  async cancel(): Promise<void> {
    this.#isStopped = true;
    if (this.#pid === undefined) return;
    // Of a server that is away nothing needs to be cancelled.
    await this.#parts.database.query('SELECT pg_cancel_backend($1::int4)', [this.#pid]).catch(() => {});
  }

  async close(): Promise<void> {
    const own = await this.#own?.catch(() => undefined);
    await own?.close();
  }
}
