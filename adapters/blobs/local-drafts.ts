/**
 * What is being written lies in a folder of its own, on the same file system: its name is not one of a key, so nobody sees it as a blob, and what
 * a crash leaves behind is found in one place.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';

const FOLDER = '~drafts';
const OWNER_ONLY = 0o600;
/** Of a name: machine, process, and what tells the drafts of a process apart. */
const NAME = /^(?<machine>.+)~(?<pid>\d+)~[0-9a-f-]{36}$/;

/** Those of this process that are being written, of all stores. */
const underWay = new Set<string>();

export type Draft = { readonly path: string; readonly file: FileHandle };

export const draftFolder = (root: string): string => join(root, FOLDER);
export const isDraftFolder = (name: string): boolean => name === FOLDER;

export async function newDraft(root: string): Promise<Draft> {
  const name = `${hostname()}~${process.pid}~${randomUUID()}`;
  const path = join(draftFolder(root), name);
  underWay.add(name);
  try {
    return { path, file: await open(path, 'wx', OWNER_ONLY) };
  } catch (error) {
    underWay.delete(name);
    throw error;
  }
}

/** It was given its name as a blob, or is wanted no more. */
export async function endDraft({ path, file }: Draft): Promise<void> {
  await file.close().catch(() => {});
  await rm(path, { force: true }).catch(() => {});
  underWay.delete(basename(path));
}

/** Makes the folder, and removes from it what processes left that are gone. Several processes may have the same store. */
export async function sweepDrafts(root: string, keepMinutes: number): Promise<void> {
  await mkdir(draftFolder(root), { recursive: true, mode: 0o700 });
  for (const name of await readdir(draftFolder(root))) {
    const path = join(draftFolder(root), name);
    const found = await stat(path).catch(() => undefined);
    const isOld = found !== undefined && found.mtimeMs < Date.now() - keepMinutes * 60_000;
    if (!underWay.has(name) && (isOld || isOfDeadProcess(name))) await rm(path, { force: true, recursive: true });
  }
}

/** A process of this machine wrote it, and does so no more. Of other machines nothing is known but the time. */
function isOfDeadProcess(name: string): boolean {
  const { machine, pid } = NAME.exec(name)?.groups ?? {};
  if (machine !== hostname() || pid === undefined) return false;
  // One before us may have had our number: in a container it is always the same.
  return Number(pid) === process.pid || !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
