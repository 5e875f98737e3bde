/** The store of blobs that the settings name. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobSettings } from '../../contracts/blob-address.ts';
import { BlobError, type BlobStore } from '../../contracts/blobs.ts';
import type { Limits } from '../../contracts/limits.ts';
import { openLocalFolder } from './local-folder.ts';
import { openBucket } from './s3.ts';

const FOLDER = 'blobs';
/** Amazon's have 40 characters; whatever is much longer was mistaken for one. */
const SECRET_MAX_BYTES = 1024;

type Settings = { readonly dataDir: string; readonly blobs: BlobSettings; readonly limits: Limits };

/** A bucket is not asked for anything yet: a node starts while its store is away. Rejects with a BlobError that a person understands. */
export async function openBlobStore({ dataDir, blobs, limits }: Settings): Promise<BlobStore> {
  const address = blobs.address ?? { kind: 'folder', path: join(dataDir, FOLDER) };
  if (address.kind === 'folder') return openLocalFolder(address.path, limits);
  const secretAccessKey = blobs.secretAccessKey ?? (await secretOf(blobs.secretAccessKeyFile));
  if (blobs.accessKeyId === undefined || secretAccessKey === undefined)
    throw new BlobError('refused', 'SKEIN_BLOBS_URL names a bucket, but there are no credentials for it');
  return openBucket(address, { accessKeyId: blobs.accessKeyId, secretAccessKey }, limits);
}

async function secretOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const setting = `SKEIN_BLOBS_SECRET_ACCESS_KEY_FILE: the file ${path}`;
  try {
    if ((await stat(path)).size > SECRET_MAX_BYTES)
      throw new BlobError('refused', `${setting} is too large to be a key`);
    const secret = (await readFile(path, 'utf8')).trim();
    if (secret === '') throw new BlobError('refused', `${setting} is empty`);
    return secret;
  } catch (error) {
    if (error instanceof BlobError) throw error;
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new BlobError('refused', `${setting} can not be read (${code})`);
  }
}
