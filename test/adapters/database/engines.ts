/** The engines that are there, each started once for a whole suite, so that one suite can be run over all. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Database, Engine } from '../../../adapters/database/database.ts';
import { openPglite } from '../../../adapters/database/pglite/open-pglite.ts';
import { openPostgres } from '../../../adapters/database/postgres/open-postgres.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import { newDataDir } from '../../support/data-dir.ts';
import { startPostgres } from '../../support/postgres.ts';

export type EngineName = Engine;
export type Subject = {
  readonly database: Database;
  /** Of a server: another process on the same database. */
  readonly url?: string;
  stop(): Promise<void>;
};
/** `withSchema`: it has our schema already, where the run has one to copy; else it is empty. */
type Start = (limits?: Partial<Limits>, withSchema?: boolean) => Promise<Subject>;

/** A server that has the extension TimescaleDB, by the URL of a user who may make databases. Tests make their own there. */
export const TIMESCALE_URL = process.env.SKEIN_TEST_TIMESCALE_URL ?? '';

/** An empty database, without our schema. */
export const ENGINES: Readonly<Record<EngineName, Start>> = {
  async pglite(limits = {}, withSchema = false) {
    const folder = await (withSchema ? newDataDir('skein-pglite-') : mkdtemp(join(tmpdir(), 'skein-pglite-')));
    const database = await openPglite(join(folder, 'pglite'), { ...LIMITS, ...limits });
    return {
      database,
      async stop() {
        await database.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  async postgres(limits = {}, withSchema = false) {
    const server = await startPostgres({ fsync: false, withSchema });
    const database = await openPostgres(server.url, { ...LIMITS, ...limits });
    return {
      database,
      url: server.url,
      async stop() {
        await database.close();
        await server.stop();
      },
    };
  },
  async timescale(limits = {}) {
    const name = `skein_test_${randomBytes(6).toString('hex')}`;
    await onServer(TIMESCALE_URL, `CREATE DATABASE ${name} TEMPLATE template0`);
    const url = new URL(TIMESCALE_URL);
    url.pathname = name;
    await onServer(url.href, 'CREATE EXTENSION IF NOT EXISTS timescaledb');
    const database = await openPostgres(url.href, { ...LIMITS, ...limits });
    return {
      database,
      url: url.href,
      async stop() {
        await database.close();
        await onServer(TIMESCALE_URL, `DROP DATABASE ${name} WITH (FORCE)`);
      },
    };
  },
};

/** Those that are there: TimescaleDB only where a server is named. */
export const ENGINE_NAMES = (Object.keys(ENGINES) as EngineName[]).filter(
  it => it !== 'timescale' || TIMESCALE_URL !== '',
);
/**
 * Those on whose server nothing else runs. A feed of events waits for all transactions of a server, and that of TimescaleDB has those of other
 * tests too.
 */
export const LONE_ENGINE_NAMES = ENGINE_NAMES.filter(it => it !== 'timescale');
/** Those that are not, which a suite about storage says loudly. */
export const MISSING_ENGINES: readonly EngineName[] = TIMESCALE_URL === '' ? ['timescale'] : [];

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
