/** How we connect: the same session settings on every connection, so that both engines and all machines answer alike. */
import type pg from 'pg';
import type { Limits } from '../../../contracts/limits.ts';

/** A server that does not take the connection within this is as good as down. */
const CONNECT_TIMEOUT_MS = 5_000;

export type ConnectionSettings = {
  readonly databaseUrl: string;
  readonly limits: Limits;
  readonly applicationName?: string;
};

export const clientSettings = (settings: ConnectionSettings): pg.ClientConfig => ({
  connectionString: settings.databaseUrl,
  application_name: settings.applicationName ?? 'skein',
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  keepAlive: true,
});

export const poolSettings = (settings: ConnectionSettings): pg.PoolConfig => ({
  ...clientSettings(settings),
  max: settings.limits.databaseConnections,
  onConnect: client => prepareSession(client, settings.limits.queryTimeoutMs),
});

/**
 * `synchronous_commit` is said because a role or a database may have another default, and an acknowledgement that rests on
 * an asynchronous commit is none. `jit` compiles for a second what runs for some milliseconds.
 */
export async function prepareSession(client: pg.ClientBase, timeoutMs: number): Promise<void> {
  await client.query(
    `SET statement_timeout = ${timeoutMs}; SET idle_in_transaction_session_timeout = ${timeoutMs};
     SET synchronous_commit = on; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET bytea_output = 'hex';
     SET extra_float_digits = 1; SET standard_conforming_strings = on; SET client_encoding = 'UTF8';
     SET jit = off`,
  );
}
