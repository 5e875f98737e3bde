/** A database of Skein for one engine, with devices that have measurements, and nothing else around it. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ActorStore } from '../../adapters/database/actor-store.ts';
import type { Database } from '../../adapters/database/database.ts';
import { openStandalone } from '../../adapters/database/node-sessions.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { startPostgres } from '../../test/support/postgres.ts';

export type StoreEngine = 'postgres' | 'pglite' | 'timescale';
export const MEASUREMENTS = ['temperature', 'humidity', 'pressure'] as const;
/** As in the other benchmarks: measure/engines.ts. And more memory, as a server of that much data has. */
const SETTINGS = { wal_init_zero: 'off', shared_buffers: '2GB', max_wal_size: '8GB', work_mem: '64MB' };
export const LIMITS_RAISED = { ...LIMITS, queryTimeoutMs: 3_600_000 };

export type StoreHome = {
  readonly engine: StoreEngine;
  readonly database: Database;
  readonly store: ActorStore;
  readonly tenantId: number;
  /** Of a server; null: embedded. */
  readonly url: string | null;
  readonly dataDir: string;
  close(): Promise<void>;
};

/** Undefined: there is no such engine here, and it was said. */
export async function openStoreHome(engine: StoreEngine): Promise<StoreHome | undefined> {
  const server = await serverOf(engine);
  if (server === undefined) return undefined;
  const dataDir = await mkdtemp(join(tmpdir(), 'skein-bench-store-'));
  const database = await openDatabase({ databaseUrl: server.url ?? undefined, dataDir, limits: LIMITS_RAISED });
  const instanceId = randomUUID();
  const run = { instanceId, nodeId: 'bench', address: 'bench', lanes: 1, hosts: true };
  await openStandalone(database, run, LIMITS_RAISED);
  const [tenant] = await database.query<{ tenant_id: number }>(
    `INSERT INTO tenant (slug) VALUES ('bench') RETURNING tenant_id`,
  );
  const store = new ActorStore(database, instanceId, 1);
  const close = async () => {
    await store.close();
    await database.close();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { engine, database, store, tenantId: tenant!.tenant_id, url: server.url, dataDir, close };
}

export type Server = { readonly url: string | null; stop(): Promise<void> };

export async function serverOf(engine: StoreEngine): Promise<Server | undefined> {
  if (engine === 'pglite') return { url: null, stop: async () => {} };
  if (engine === 'postgres') return startPostgres({ settings: SETTINGS });
  const url = process.env.SKEIN_TEST_TIMESCALE_URL;
  if (url !== undefined) return timescaleDatabase(url);
  console.log(`\n*** ${engine}: NOT MEASURED. SKEIN_TEST_TIMESCALE_URL names no server that has TimescaleDB. ***\n`);
  return undefined;
}

/** A database of its own on the server, removed at the end. */
async function timescaleDatabase(serverUrl: string): Promise<Server> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  const onServer = async (sql: string, url = serverUrl) => {
    const client = new pg.Client(url);
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await onServer(`CREATE DATABASE ${name}`);
  const own = new URL(serverUrl);
  own.pathname = `/${name}`;
  await onServer('CREATE EXTENSION IF NOT EXISTS timescaledb', own.href);
  return { url: own.href, stop: () => onServer(`DROP DATABASE ${name} WITH (FORCE)`) };
}

export type Fleet = { readonly uids: readonly number[]; readonly measurementIds: readonly number[] };

/** Devices `d1`, `d2`, ... that have the measurements. */
export async function addDevices({ database, tenantId }: StoreHome, count: number): Promise<Fleet> {
  const devices = await database.query<{ device_uid: number }>(
    `INSERT INTO device (tenant_id, device_id, state) SELECT $1, 'd' || n, 'active' FROM generate_series(1, $2::int) n RETURNING device_uid`,
    [tenantId, count],
  );
  await database.query('INSERT INTO measurement (tenant_id, name) SELECT $1, unnest($2::text[])', [
    tenantId,
    MEASUREMENTS,
  ]);
  const ids = await database.query<{ measurement_id: number }>('SELECT measurement_id FROM measurement ORDER BY 1');
  return { uids: devices.map(it => it.device_uid), measurementIds: ids.map(it => it.measurement_id) };
}
