/** Which processes a PostgreSQL server is made of, and how it is set. */
import { parentOf } from './process-usage.ts';
import { connectTo } from './stored.ts';

/** What decides how durable and how fast it is. */
const SETTINGS = [
  'server_version',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'shared_buffers',
  'max_wal_size',
  'wal_init_zero',
];

async function ask<T>(url: string, sql: string, read: (row: Record<string, unknown>) => T): Promise<T> {
  const connection = await connectTo({ engine: 'postgres', url });
  try {
    return read((await connection.query(sql))[0]!);
  } finally {
    await connection.close();
  }
}

/** The process that every connection and background worker of the server is a child of. The server must be on this machine. */
export const postmasterPid = (url: string): Promise<number> =>
  // Read while the backend lives: afterwards it has no parent any more.
  ask(url, 'SELECT pg_backend_pid() AS pid', ({ pid }) => parentOf(pid as number));

export const postgresSettings = (url: string): Promise<Readonly<Record<string, unknown>>> =>
  ask(url, `SELECT ${SETTINGS.map(it => `current_setting('${it}') AS ${it}`)}`, row => row);
