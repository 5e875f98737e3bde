/**
 * A small disk of its own for a test: a tmpfs in a mount namespace that only one program and its children see, so that nothing of it stays
 * behind, however they end. That takes Linux, and root or user namespaces.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { endWithUs } from './end-with-us.ts';

/** Mounts at $1 as large as $2, then becomes the rest. */
const MOUNT = 'mount -t tmpfs -o "size=$2,mode=0777" skein-test "$1" && shift 2 && exec "$@"';

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;

/** Who is not root is it while mounting, and then itself again: PostgreSQL refuses to run as root. */
function command(folder: string, sizeMiB: number, program: readonly string[]): string[] {
  const outside = uid === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const inside = uid === 0 ? [] : ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`];
  const mount = ['sh', '-c', MOUNT, 'sh', folder, `${sizeMiB}m`];
  return [...outside, '--propagation', 'private', ...mount, ...inside, ...program];
}

/** Whether this machine lets us. */
export function canMount(): boolean {
  return (
    process.platform === 'linux' && inFolder(folder => spawnSync('unshare', command(folder, 1, ['true'])).status === 0)
  );
}

/**
 * Runs a program of ours whose temporary folder is such a disk, and answers with the JSON that it writes at last to its standard output.
 * Rejects with what it wrote when it fails.
 */
export async function runOnSmallDisk<T>(sizeMiB: number, program: URL, args: readonly string[]): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'skein-disk-'));
  try {
    const child = spawn('unshare', command(folder, sizeMiB, [process.execPath, program.pathname, ...args]), {
      env: { ...process.env, TMPDIR: folder, NODE_TEST_CONTEXT: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    endWithUs(child);
    const exited = new Promise<number | null>(resolve => child.once('exit', resolve));
    const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    if (code !== 0) throw new Error(`${program.pathname} ended with ${code}:\n${output}\n${errors}`);
    return JSON.parse(output.trim().split('\n').at(-1)!) as T;
  } finally {
    rmdirSync(folder);
  }
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'skein-disk-'));
  try {
    return work(folder);
  } finally {
    rmdirSync(folder);
  }
}
