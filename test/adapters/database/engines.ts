/** Both engines, each started once for a whole suite, so that one suite can be run over both. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../../../adapters/database/database.ts';
import { openPglite } from '../../../adapters/database/pglite/open-pglite.ts';
import { openPostgres } from '../../../adapters/database/postgres/open-postgres.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import { startPostgres } from '../../support/postgres.ts';

export type EngineName = 'pglite' | 'postgres';
export type Subject = {
  readonly database: Database;
  stop(): Promise<void>;
};

/** An empty database, without our schema. */
export const ENGINES: Readonly<Record<EngineName, (limits?: Partial<Limits>) => Promise<Subject>>> = {
  async pglite(limits = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'skein-pglite-'));
    const database = await openPglite(folder, { ...LIMITS, ...limits });
    return {
      database,
      async stop() {
        await database.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  async postgres(limits = {}) {
    const server = await startPostgres({ fsync: false });
    const database = await openPostgres(server.url, { ...LIMITS, ...limits });
    return {
      database,
      async stop() {
        await database.close();
        await server.stop();
      },
    };
  },
};
export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[];
