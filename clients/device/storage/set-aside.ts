/** Files that can not be read as they should stay for a person to look at: the last few of them. */
import { copyFile, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const KEPT = 4;
const NAME = /\.corrupt-(\d+)$/;

/** Returns its new name. */
export async function moveAside(path: string, atMs: number): Promise<string> {
  return setAside(path, atMs, rename);
}
/** Returns the name of the copy. */
export async function copyAside(path: string, atMs: number): Promise<string> {
  return setAside(path, atMs, copyFile);
}

async function setAside(path: string, atMs: number, put: typeof copyFile): Promise<string> {
  await makeRoom(dirname(path));
  const aside = `${path}.corrupt-${atMs}`;
  try {
    await put(path, aside);
  } catch (error) {
    // A part of a copy, when the disk is full.
    await unlink(aside).catch(() => {});
    throw error;
  }
  return aside;
}

/** A disk that is damaged again and again must not be filled by copies. */
async function makeRoom(folder: string): Promise<void> {
  const timeOf = (name: string) => Number(NAME.exec(name)?.[1]);
  const asides = (await readdir(folder)).filter(name => NAME.test(basename(name)));
  asides.sort((a, b) => timeOf(b) - timeOf(a));
  for (const name of asides.slice(KEPT - 1)) await unlink(join(folder, name));
}
