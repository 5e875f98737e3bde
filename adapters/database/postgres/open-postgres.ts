/** Connects once, to say clearly what is wrong if anything is, and to learn what the server is. */
import pg from 'pg';
import type { Limits } from '../../../contracts/limits.ts';
import { type Database, DatabaseError, type Engine } from '../database.ts';
import { isServerError } from '../wire/database-errors.ts';
import { clientSettings } from './connection-settings.ts';
import { PostgresDatabase } from './postgres.database.ts';

const OLDEST_MAJOR = 15;

type Findings = { readonly version: number; readonly version_text: string; readonly timescale: boolean };

/** Rejects with a DatabaseError whose message is for the person who started the process; it never holds the password. */
export async function openPostgres(databaseUrl: string, limits: Limits): Promise<Database> {
  const address = addressOf(databaseUrl);
  const settings = { databaseUrl, limits };
  const client = new pg.Client(clientSettings(settings));
  client.on('error', () => {});
  try {
    await client.connect();
    return new PostgresDatabase(settings, engineOf(await look(client), address));
  } catch (error) {
    throw explained(error, address);
  } finally {
    await client.end().catch(() => {});
  }
}

async function look(client: pg.Client): Promise<Findings> {
  const { rows } = await client.query<Findings>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,
            EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') AS timescale`,
  );
  return rows[0]!;
}

function engineOf(found: Findings, address: string): Engine {
  if (found.version < OLDEST_MAJOR * 10_000)
    throw new DatabaseError(
      'failed',
      `The server at ${address} is PostgreSQL ${found.version_text}; Skein needs version ${OLDEST_MAJOR} or newer.`,
    );
  return found.timescale ? 'timescale' : 'postgres';
}

/** `user@host:port/database`, without the password. */
function addressOf(databaseUrl: string): string {
  let url: URL;
  let userName: string;
  try {
    url = new URL(databaseUrl);
    userName = decodeURIComponent(url.username);
    decodeURIComponent(url.password);
    // A password with a "#" that is not written as %23 ends the URL in its middle.
    if (url.hash !== '') throw new Error('has a fragment');
  } catch {
    // The cause would hold the whole URL, and with it the password.
    throw new DatabaseError(
      'failed',
      'DATABASE_URL is not a valid URL. It looks like postgres://user:password@host:5432/database; special characters in the password are written as %XX.',
    );
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
    throw new DatabaseError('failed', `DATABASE_URL begins with ${url.protocol}// but must begin with postgres://.`);
  const user = userName === '' ? '' : `${userName}@`;
  return `${user}${url.host || 'localhost'}${url.pathname}`;
}

const SENTENCES: Readonly<Record<string, string>> = {
  '28P01': 'refuses the password',
  '28000': 'refuses this user',
  '3D000': 'has no such database; create it first (createdb)',
  '57P03': 'is starting up or shutting down; try again in a moment',
  '53300': 'has no connection left',
};

function explained(error: unknown, address: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  if (isServerError(error)) {
    const sentence = SENTENCES[error.code ?? ''] ?? `answers: ${error.message}`;
    const kind = error.code === '57P03' || error.code === '53300' ? 'unavailable' : 'failed';
    return new DatabaseError(kind, `The PostgreSQL server at ${address} ${sentence}.`, { code: error.code ?? '' });
  }
  return new DatabaseError('unavailable', `No PostgreSQL server can be reached at ${address}: ${reason(error)}.`);
}

function reason(error: unknown): string {
  const { code, message, errors } = error as { code?: string; message?: string; errors?: { code?: string }[] };
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'there is no such host',
    EAI_AGAIN: 'the name of the host cannot be looked up',
    ETIMEDOUT: 'it does not answer',
    ECONNRESET: 'it closed the connection',
  };
  const name = code ?? errors?.[0]?.code ?? '';
  return known[name] ?? (message || name || 'unknown reason');
}
