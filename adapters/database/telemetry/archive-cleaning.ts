/** Files that count no more, or that a process was writing which is gone: out of the store, and at last out of the records. */
import type { Database } from '../database.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { discardedArchives, forgetArchive } from './archive-records.ts';

/**
 * A file is removed at once, and once more when its record is old: one that was thought to be dead may have written it meanwhile.
 *
 * @returns how many files were removed for good
 */
export async function cleanArchives(
  { database, files }: { readonly database: Database; readonly files: ArchiveFiles },
  abandonedMinutes: number,
): Promise<number> {
  let forgotten = 0;
  for (const { archive_id, key, is_old } of await discardedArchives(database, abandonedMinutes)) {
    await files.blobs.remove(key);
    if (!is_old) continue;
    await forgetArchive(database, archive_id);
    forgotten++;
  }
  return forgotten;
}
