/** What a run of all test files has in common: where their temporary folders are, and databases to copy. */
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { keepStoppedCluster } from './postgres.ts';
import { announceTemplates } from './templates.ts';

/** Of Linux: files there are in memory, so hundreds of databases are made and removed without a disk. */
const MEMORY = '/dev/shm';
/** More than all that tests have at one time. A container often has 64 MiB there. */
const ENOUGH_BYTES = 2 * 1024 ** 3;

let folder: string | undefined;

/** Called by the test runner before all files, whose processes get its environment. */
export async function globalSetup(): Promise<void> {
  folder = await mkdtemp(join((await isRoomInMemory()) ? MEMORY : tmpdir(), 'skein-tests-'));
  process.once('exit', removeFolder);
  // Servers that run under another account have their folders in it.
  await chmod(folder, 0o711);
  process.env.TMPDIR = folder;
  // Each of hundreds of processes would strip and compile the same modules.
  process.env.NODE_COMPILE_CACHE ??= join(folder, 'compiled');
  await makeTemplates(join(folder, 'templates'));
}

export function globalTeardown(): void {
  removeFolder();
}

/** Who names a folder for temporary files means it. */
async function isRoomInMemory(): Promise<boolean> {
  if (process.env.TMPDIR !== undefined || process.availableMemory() < 2 * ENOUGH_BYTES) return false;
  const room = await statfs(MEMORY).catch(() => undefined);
  return room !== undefined && room.bavail * room.bsize >= ENOUGH_BYTES;
}

async function makeTemplates(templates: string): Promise<void> {
  await mkdir(templates, { mode: 0o711 });
  await (await openDatabase({ databaseUrl: undefined, dataDir: templates, limits: LIMITS })).close();
  await keepStoppedCluster(join(templates, 'postgres'));
  await keepStoppedCluster(join(templates, 'postgres-with-schema'), async databaseUrl => {
    await (await openDatabase({ databaseUrl, dataDir: templates, limits: LIMITS })).close();
  });
  announceTemplates(templates);
}

function removeFolder(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
