/** What the errors of a file system mean for blobs. */
import { BlobError, type BlobErrorKind } from '../../contracts/blobs.ts';

const KINDS: Readonly<Record<string, BlobErrorKind>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EACCES: 'refused',
  EPERM: 'refused',
  EROFS: 'refused',
  // Of a network file system or a disk; or there are too many open files just now.
  EIO: 'unavailable',
  ESTALE: 'unavailable',
  ETIMEDOUT: 'unavailable',
  EMFILE: 'unavailable',
  ENFILE: 'unavailable',
};
const SAID: Readonly<Record<BlobErrorKind, string>> = {
  not_found: 'There is no such blob',
  full: 'The folder of the blobs is full: make room on its disk',
  unavailable: 'The folder of the blobs can not be reached',
  refused: 'The folder of the blobs may not be written or read by this process: look at its owner and permissions',
  failed: 'The folder of the blobs did not do what it was asked',
};

export function blobErrorOf(error: unknown): BlobError {
  if (error instanceof BlobError) return error;
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  const kind = KINDS[code] ?? 'failed';
  return new BlobError(kind, `${SAID[kind]} (${code})`);
}

export const notFound = (): BlobError => new BlobError('not_found', SAID.not_found);
/** Without its own folder in it, it is not the one that was opened: a file system that is not mounted looks like an empty one. */
export const folderGone = (): BlobError => new BlobError('unavailable', SAID.unavailable);

export const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

export function undefinedWhenMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/** Does it, with a BlobError for whatever the file system says. */
export async function doing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw blobErrorOf(error);
  }
}
