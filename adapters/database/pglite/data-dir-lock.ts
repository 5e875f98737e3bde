/**
 * One process per data folder: PGlite does not guard its files, and two processes that write to them destroy them. The
 * lock is a socket that the process listens on, so it ends with the process, however that ended. There are two:
 * - on Linux one with an abstract name (https://man7.org/linux/man-pages/man7/unix.7.html). Nothing of it stays behind, and
 *   only one process can get it; but two containers do not see each other's.
 * - a file beside the folder, which containers that share a volume do see. It stays behind after a crash; a connection
 *   that is refused tells that it is stale.
 */
import { createHash } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DatabaseError } from '../database.ts';

export type DataDirLock = { release(): Promise<void> };

/** What fits into a socket's address on all systems. */
const SOCKET_PATH_MAX_BYTES = 100;
/** A file system that has no sockets, or a folder that may not be written to. */
const NO_SOCKET_HERE = new Set(['EACCES', 'EPERM', 'EROFS', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP']);

/** `folder` must exist. Rejects with a DatabaseError (`unavailable`) when another process has it. */
export async function lockDataDir(folder: string, abstractNames = process.platform === 'linux'): Promise<DataDirLock> {
  const path = await realpath(folder);
  const name = `skein-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  const servers: Server[] = [];
  const release = async () => {
    for (const server of servers.reverse()) await new Promise(resolve => server.close(resolve));
  };
  try {
    if (abstractNames) servers.push(await listen(`\0${name}`));
    const file = shortest(`${path}.lock`) ?? (abstractNames ? undefined : join(tmpdir(), `${name}.lock`));
    if (file !== undefined) servers.push(await listenOrReplaceStale(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Where there can be no file the abstract name has to do.
    if (servers.length === 0 || !NO_SOCKET_HERE.has(code ?? '')) {
      await release();
      throw code === 'EADDRINUSE' ? inUse(folder) : error;
    }
  }
  // The lock alone does not keep a process running.
  for (const server of servers) server.unref();
  return { release };
}

function shortest(path: string): string | undefined {
  const short = [path, relative(process.cwd(), path)].sort((a, b) => a.length - b.length)[0]!;
  return Buffer.byteLength(short) <= SOCKET_PATH_MAX_BYTES ? short : undefined;
}

const inUse = (folder: string): DatabaseError =>
  new DatabaseError(
    'unavailable',
    `The data folder ${folder} is in use by another Skein process. Stop that process, or give this one another folder (SKEIN_DATA_DIR), or a database server that both can use (DATABASE_URL).`,
  );

/** Rejects with EADDRINUSE when the name is taken. */
function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy());
    server.once('error', reject);
    server.listen({ path }, () => resolve(server));
  });
}

async function listenOrReplaceStale(path: string): Promise<Server> {
  try {
    return await listen(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || (await answers(path))) throw error;
    await rm(path, { force: true });
    return listen(path);
  }
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
