import { mkdir } from 'node:fs/promises';
import type { Limits } from '../../../contracts/limits.ts';
import { type Database, DatabaseError } from '../database.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { ensureCluster } from './new-cluster.ts';
import { PgliteDatabase } from './pglite.database.ts';
import { PgliteSession } from './pglite-session.ts';

/**
 * Opens the embedded database in `folder`, and makes it first if it is not there. Rejects with a DatabaseError.
 * `onFatal` is called once, when the database has ended and cannot be opened again.
 */
export async function openPglite(
  folder: string,
  limits: Limits,
  onFatal: (error: DatabaseError) => void = () => {},
): Promise<Database> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(error => {
    throw new DatabaseError('failed', `The data folder ${folder} cannot be made: ${error.message}`, { cause: error });
  });
  const lock = await lockDataDir(folder);
  const { diskFloorMiB, queryTimeoutMs } = limits;
  const openSession = () => PgliteSession.open({ folder, diskFloorMiB }, queryTimeoutMs);
  try {
    await ensureCluster(folder);
    return new PgliteDatabase(await openSession(), { openSession, lock, limits, onFatal });
  } catch (error) {
    await lock.release();
    const { message } = error as Error;
    throw new DatabaseError('failed', `The embedded database in ${folder} cannot be opened: ${message}`, {
      cause: error,
    });
  }
}
