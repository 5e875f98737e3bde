/**
 * One process at a time in a folder, and in that one device at a time. It is the lock that SQLite takes on a file, which the system
 * lets go when the process ends, however it ends; the file stays empty.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
}

const SQLITE_BUSY = 5;
/** Without a journal on disk, and with as little memory as it needs: nothing is ever written. */
const TAKE = 'PRAGMA page_size = 512; PRAGMA cache_size = 1; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE';

export class FolderLock {
  readonly #database: DatabaseSync;

  /** Throws FolderInUseError, and the errors of the file system. */
  constructor(folder: string) {
    this.#database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
    try {
      this.#database.exec(TAKE);
    } catch (error) {
      this.#database.close();
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
      throw new FolderInUseError(`${folder} is in use by another device or process`, { cause: error });
    }
  }

  release(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}
