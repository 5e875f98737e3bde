/** The file of the data directory with the key of the system, for those that were given none. */
import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSystemKey } from '../../contracts/sealing.ts';
import { KEY_BYTES } from './aead.ts';
import { SystemKeyError } from './system-key-error.ts';

const FILE = 'secret.key';
const OWNER_ONLY = 0o600;
/** A key in hexadecimal has 64; whatever is longer was mistaken for a key. */
const FILE_MAX_BYTES = 1024;

export const ownKeyPath = (dataDir: string): string => join(dataDir, FILE);

/** The key in a file; `setting` names what led to it. Rejects, with a message for a person, when there is none. */
export async function readKeyFile(path: string, setting: string): Promise<Uint8Array> {
  const text = await textOf(path, setting);
  if (text.trim() === '') throw new SystemKeyError(`${setting}: the file ${path} is empty`);
  const key = parseSystemKey(text);
  if (key === undefined)
    throw new SystemKeyError(`${setting}: the file ${path} does not hold 32 bytes as base64 or hex`);
  return key;
}

/** That of the data directory. Undefined: there is none. Others can't read it any more after this. */
export async function readOwnKey(dataDir: string, warn: (text: string) => void): Promise<Uint8Array | undefined> {
  const path = ownKeyPath(dataDir);
  const found = await stat(path).catch(missing);
  if (found === undefined) return undefined;
  if ((found.mode & 0o077) !== 0) {
    warn(
      `${path} could be read by others: its permissions are 0600 from now on. Replace the key if somebody may have read it`,
    );
    await chmod(path, OWNER_ONLY).catch(() =>
      warn(`The permissions of ${path} can not be changed: set them to 0600, as its owner`),
    );
  }
  return readKeyFile(path, 'The key of this system');
}

/** Makes it, whole or not at all; of several processes that do it at once, in one folder, one does and all have its key. */
export async function makeOwnKey(dataDir: string, warn: (text: string) => void): Promise<Uint8Array> {
  await mkdir(dataDir, { recursive: true });
  const path = ownKeyPath(dataDir);
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', OWNER_ONLY);
    try {
      await file.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // Unlike a renaming it fails when somebody else was first.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await syncFolder(dataDir);
  } finally {
    await rm(draft, { force: true });
  }
  return (await readOwnKey(dataDir, warn))!;
}

async function textOf(path: string, setting: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size <= FILE_MAX_BYTES) return await readFile(path, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new SystemKeyError(`${setting}: the file ${path} can not be read (${code})`);
  }
  throw new SystemKeyError(`${setting}: the file ${path} is too large to be a key`);
}

/** After a loss of power the name must be there as well as what it names. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  await folder.sync().finally(() => folder.close());
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
