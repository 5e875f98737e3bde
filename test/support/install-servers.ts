/**
 * Runs before the tests: makes sure that the servers are there that tests start. Silent when they are. On Debian and Ubuntu
 * as root it installs what is missing; otherwise it says the command, and fails.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { findPostgresFolder } from './server-binaries.ts';

type Server = { readonly name: string; readonly debianPackage: string; readonly isThere: () => boolean };

const SERVERS: readonly Server[] = [
  { name: 'PostgreSQL', debianPackage: 'postgresql', isThere: () => findPostgresFolder() !== undefined },
];

/** Debian makes and starts a server of its own when it installs PostgreSQL, unless this says not to. */
const CLUSTER_SETTINGS = '/etc/postgresql-common/createcluster.conf';

const missing = SERVERS.filter(server => !server.isThere());
if (missing.length > 0) {
  const names = missing.map(server => server.name).join(', ');
  const packages = missing.map(server => server.debianPackage);
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const canInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!canInstall) {
    console.error(`The tests need ${names}. On Debian or Ubuntu: sudo sh -c '${command}'`);
    process.exit(1);
  }
  console.log(`The tests need ${names}: ${command}`);
  install(packages);
  const stillMissing = missing.filter(server => !server.isThere()).map(server => server.name);
  if (stillMissing.length > 0) {
    console.error(`Installed, but still not found: ${stillMissing.join(', ')}`);
    process.exit(1);
  }
}

function install(packages: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const withoutCluster = !existsSync(CLUSTER_SETTINGS);
  if (withoutCluster) {
    mkdirSync('/etc/postgresql-common', { recursive: true });
    writeFileSync(CLUSTER_SETTINGS, 'create_main_cluster = false\n');
  }
  try {
    execFileSync('apt-get', ['update'], { env, stdio: 'inherit' });
    // The package's own copy of that file would be a question; the one that is there stays.
    const keep = ['-o', 'Dpkg::Options::=--force-confold'];
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...keep, ...packages], {
      env,
      stdio: 'inherit',
    });
  } catch {
    if (withoutCluster) rmSync(CLUSTER_SETTINGS, { force: true });
    console.error('That did not work; the lines above say why.');
    process.exit(1);
  }
}
