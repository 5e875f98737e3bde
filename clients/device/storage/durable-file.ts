/** The few things about files that survive a power cut. */
import { open, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A new name is durable only when its folder is. Systems that can't sync a folder (Windows) need not. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Old content or new content, never a part of either. */
export async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, content, { flush: true });
  await rename(draft, path);
  await syncFolder(dirname(path));
}

/** What can't be read any more stays for a person to look at. Returns its new name. */
export async function putAside(path: string, atMs: number): Promise<string> {
  const aside = `${path}.corrupt-${atMs}`;
  await rename(path, aside);
  await syncFolder(dirname(path));
  return aside;
}
