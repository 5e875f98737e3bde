import { mkdir } from 'node:fs/promises';
import type { Limits } from '../../../contracts/limits.ts';
import { type Database, DatabaseError } from '../database.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { PgliteDatabase } from './pglite.database.ts';
import { PgliteSession } from './pglite-session.ts';

/** Opens the embedded database in `folder`, and makes it first if it is not there. Rejects with a DatabaseError. */
export async function openPglite(folder: string, limits: Limits): Promise<Database> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(error => {
    throw new DatabaseError('failed', `The data folder ${folder} cannot be made: ${error.message}`, { cause: error });
  });
  const lock = await lockDataDir(folder);
  const openSession = async () => {
    const session = new PgliteSession(folder, limits.queryTimeoutMs);
    await session.open();
    return session;
  };
  try {
    return new PgliteDatabase(await openSession(), openSession, lock, limits);
  } catch (error) {
    await lock.release();
    throw new DatabaseError('failed', `The embedded database in ${folder} cannot be opened: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
