/** Opens a file of records after whatever happened to it. What can be read is kept; it never keeps a device from starting. */
import { copyFile, readFile } from 'node:fs/promises';
import { AppendFile, type SyncPolicy } from './append-file.ts';
import { putAside, replaceFile } from './durable-file.ts';
import { type FoundRecord, scanRecords } from './records.ts';

export type Opening = {
  readonly policy: SyncPolicy;
  readonly nowMs: () => number;
  readonly onError: (error: Error) => void;
};
export type OpenedRecords = { readonly file: AppendFile; readonly records: readonly FoundRecord[] };

export async function openRecords(path: string, { policy, nowMs, onError }: Opening): Promise<OpenedRecords> {
  const content = await readFile(path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    const aside = await putAside(path, nowMs());
    onError(new Error(`${path} can not be read, and is now ${aside}`, { cause: error }));
    return Buffer.alloc(0);
  });
  const found = scanRecords(content);
  if (found.state !== 'corrupt') return { file: await AppendFile.open(path, found.goodBytes, policy), ...found };
  const aside = `${path}.corrupt-${nowMs()}`;
  await copyFile(path, aside);
  const { records } = found;
  await replaceFile(path, Buffer.concat(records.map(it => content.subarray(it.offset, it.offset + it.length))));
  onError(new Error(`${path} was damaged: ${records.length} records of it are kept, and a copy as ${aside}`));
  return openRecords(path, { policy, nowMs, onError });
}
