/** The few things about files that survive a power cut. */
import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

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

/** With all above it that were missing. */
export async function makeFolder(folder: string): Promise<void> {
  const path = resolve(folder);
  const first = resolve((await mkdir(path, { recursive: true })) ?? path);
  for (let made = path; made.length >= first.length; made = dirname(made))
    await syncFolder(dirname(made)).catch(error => {
      // A folder in which others may write, and that may not be read, can't be synced.
      if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error;
    });
}
