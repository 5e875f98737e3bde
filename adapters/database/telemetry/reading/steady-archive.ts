/** An answer of the database and the archive together, while readings move from the one to the other. */
import type { ArchivedRange } from '../../../../contracts/archive.ts';
import { SkeinError } from '../../../../contracts/errors.ts';

/** Files of the range that an answer is about are rarely made one after the other all the time. */
const ATTEMPTS = 5;

/**
 * Reads again when something of the range was archived, or archived files were replaced, while it was read: else that would be in neither, or in
 * both. Rejects with `unavailable` when that happens again and again.
 *
 * @param ranges what is archived now
 */
export async function whileSteady<T>(
  ranges: () => Promise<readonly ArchivedRange[]>,
  read: (archived: readonly ArchivedRange[]) => Promise<T>,
): Promise<T> {
  let before = await ranges();
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const found = await read(before);
    const after = await ranges();
    if (isSame(before, after)) return found;
    before = after;
  }
  throw new SkeinError('unavailable', 'Readings of this range are being archived right now');
}

const isSame = (one: readonly ArchivedRange[], other: readonly ArchivedRange[]): boolean =>
  one.length === other.length &&
  one.every(({ fromUs, toUs, files }, at) => {
    const it = other[at]!;
    return fromUs === it.fromUs && toUs === it.toUs && files === it.files;
  });
