import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { dataDir } from '@electric-sql/pglite-prepopulatedfs';
import { extract } from 'tar';

/** A cluster has this file (https://www.postgresql.org/docs/18/storage-file-layout.html). */
const MARK = 'PG_VERSION';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Puts an empty cluster into `folder`, unless there is one. It is unpacked from PGlite's own archive of what initdb makes, which takes a
 * quarter of initdb's time, and beside its place, so that a process killed meanwhile leaves no half of a cluster there.
 */
export async function ensureCluster(folder: string): Promise<void> {
  if (await exists(join(folder, MARK))) return;
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  const archive = await dataDir();
  await pipeline(archive.stream(), extract({ cwd: unfinished }));
  await rename(unfinished, folder);
}
