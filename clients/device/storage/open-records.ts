/** Opens a file of records after whatever happened to it. What can be read is kept; damage never keeps a device from starting. */
import { readFile } from 'node:fs/promises';
import { AppendFile, type SyncPolicy } from './append-file.ts';
import { type FoundRecord, type Scan, scanRecords } from './records.ts';
import { copyAside, moveAside } from './set-aside.ts';

export type Opening = {
  readonly policy: SyncPolicy;
  readonly nowMs: () => number;
  readonly onError: (error: Error) => void;
};
export type OpenedRecords = { readonly file: AppendFile; readonly records: readonly FoundRecord[] };

/** It will not get better. Anything else (no rights, too many open files, no memory) may, so the file stays where it is. */
const UNREADABLE = new Set(['EIO', 'EISDIR', 'ERR_FS_FILE_TOO_LARGE']);

export async function openRecords(path: string, opening: Opening): Promise<OpenedRecords> {
  const content = await contentOf(path, opening);
  const found = scanRecords(content);
  if (found.state === 'corrupt') return repaired(path, content, found, opening);
  return { file: await AppendFile.open(path, found.goodBytes, opening.policy), records: found.records };
}

async function contentOf(path: string, { nowMs, onError }: Opening): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return Buffer.alloc(0);
    if (!UNREADABLE.has(code)) throw error;
    const aside = await moveAside(path, nowMs());
    onError(new Error(`${path} can not be read, and is now ${aside}`, { cause: error }));
    return Buffer.alloc(0);
  }
}

async function repaired(path: string, content: Buffer, { records }: Scan, opening: Opening): Promise<OpenedRecords> {
  const { policy, nowMs, onError } = opening;
  const kept = Buffer.concat(records.map(it => content.subarray(it.offset, it.offset + it.length)));
  try {
    const aside = await copyAside(path, nowMs());
    const file = await AppendFile.replace(path, kept, policy);
    onError(new Error(`${path} was damaged: ${records.length} records of it are kept, and a copy as ${aside}`));
    return { file, records: scanRecords(kept).records };
  } catch (cause) {
    // On a full disk it stays as it is: a scan finds the good records between and behind the bad bytes.
    onError(new Error(`${path} is damaged, and not repaired: ${records.length} records of it are read`, { cause }));
    return { file: await AppendFile.open(path, content.length, policy), records };
  }
}
