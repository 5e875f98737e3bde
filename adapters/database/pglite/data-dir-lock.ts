/**
 * One process per data folder: PGlite does not guard its files, and two processes that write to them destroy them. The
 * lock is a socket that the process listens on. On Linux its name is abstract (https://man7.org/linux/man-pages/man7/unix.7.html),
 * so it vanishes with the process, however that ended. Elsewhere it is a file, and a connection tells whether it is stale.
 */
import { createHash } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseError } from '../database.ts';

export type DataDirLock = { release(): Promise<void> };

/** `folder` must exist. Rejects with a DatabaseError (`unavailable`) when another process has it. */
export async function lockDataDir(folder: string, abstractNames = process.platform === 'linux'): Promise<DataDirLock> {
  const name = `skein-${createHash('sha256').update(await realpath(folder)).digest('hex').slice(0, 32)}`;
  const path = abstractNames ? `\0${name}` : join(tmpdir(), `${name}.sock`);
  const server = (await listen(path)) ?? (abstractNames ? undefined : await replaceStale(path));
  if (server === undefined)
    throw new DatabaseError(
      'unavailable',
      `The data folder ${folder} is in use by another Skein process. Stop that process, or give this one another folder (SKEIN_DATA_DIR), or a database server that both can use (DATABASE_URL).`,
    );
  // The lock alone does not keep a process running.
  server.unref();
  return { release: () => new Promise(resolve => server.close(() => resolve())) };
}

/** Nothing, when the name is taken. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen({ path }, () => resolve(server));
  });
}

async function replaceStale(path: string): Promise<Server | undefined> {
  if (await answers(path)) return undefined;
  await rm(path, { force: true });
  return listen(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
