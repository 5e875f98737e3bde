/** The key of this system, with which the secrets of its database are sealed: from the configuration, else a file of the data directory. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSystemKey } from '../../contracts/sealing.ts';
import { KEY_BYTES } from './aead.ts';

const FILE = 'secret.key';

/** That of the data directory: made at the first start, readable for its owner only. Rejects when it is there but is no key. */
export async function ownSystemKey(dataDir: string): Promise<Uint8Array> {
  const path = join(dataDir, FILE);
  await mkdir(dataDir, { recursive: true });
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = parseSystemKey(await readFile(path, 'utf8'));
  if (key === undefined) throw new Error(`${path} does not hold 32 bytes as base64 or hex`);
  return key;
}
