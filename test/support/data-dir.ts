/** Data folders of tests. In a run of many test files each one's database is a copy of one that has the schema: making it takes seconds. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyTemplate } from './templates.ts';

/** A new temporary folder, for a database that is embedded. The test removes it. */
export async function newDataDir(prefix: string): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), prefix));
  await copyTemplate('pglite', join(dataDir, 'pglite'));
  return dataDir;
}
