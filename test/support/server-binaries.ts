/** Where the servers are that tests start, and who runs those that refuse to run as root. */
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/** The newest of Debian's versions, else the first on the PATH; with all programs that tests need. */
export function findPostgresFolder(): string | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '');
  return [...debianFolders(), ...onPath].find(folder =>
    ['postgres', 'initdb'].every(program => isExecutable(join(folder, program))),
  );
}

/** Debian puts servers where the PATH of ordinary users does not lead. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin'];

/** The path of a program: the first on the PATH, else where Debian has servers. */
export function findProgram(name: string): string | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '');
  return [...onPath, ...SYSTEM_FOLDERS].map(folder => join(folder, name)).find(isExecutable);
}

function debianFolders(): string[] {
  try {
    const versions = readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a));
    return versions.map(version => join(DEBIAN_FOLDER, version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `uid` and `gid` for a child process; undefined: run it as who we are. */
export type Account = { readonly uid: number; readonly gid: number } | undefined;

/** PostgreSQL refuses to run as root; then it runs as `postgres`, or as `nobody`. */
export function accountForServers(): Account {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find(line => line.startsWith(`${name}:`))?.split(':');
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error('PostgreSQL refuses to run as root, and there is neither a user "postgres" nor "nobody"');
}
