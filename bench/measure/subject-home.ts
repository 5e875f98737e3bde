/** Where a subject keeps its data: a temporary folder, and on PostgreSQL a database of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectTo } from './stored.ts';

/** A PostgreSQL server: `createDatabase` gives the URL of an empty database on it. */
export type Databases = { readonly url: string; createDatabase(name: string): Promise<string> };

/** `url` undefined: PGlite, in the folder. */
export type Home = { readonly folder: string; readonly url: string | undefined; remove(): Promise<void> };

/** What the devices of a measurement are called. */
export const deviceIds = (count: number): string[] => Array.from({ length: count }, (_, i) => `d${i + 1}`);

let madeDatabases = 0;

/** @param databases undefined: PGlite */
export async function makeHome(name: string, databases: Databases | undefined): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), `skein-${name}-`));
  const database = `${name}_${process.pid}_${++madeDatabases}`;
  const url = await databases?.createDatabase(database);
  const remove = async () => {
    if (databases) await dropDatabase(databases, database);
    await rm(folder, { recursive: true, force: true });
  };
  return { folder, url, remove };
}

/** Also writes out what other databases left behind (a drop makes a checkpoint), so that each run finds the same server. */
async function dropDatabase(databases: Databases, database: string): Promise<void> {
  const connection = await connectTo({ engine: 'postgres', url: databases.url });
  try {
    await connection.query(`DROP DATABASE ${database} WITH (FORCE)`);
  } finally {
    await connection.close();
  }
}
