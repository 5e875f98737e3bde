/**
 * Runs before the tests: makes sure that the servers are there that tests start. Silent when they are. On Debian and Ubuntu
 * as root it installs what is missing; otherwise it says the command, and fails.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { findPostgresFolder, findProgram } from './server-binaries.ts';

type Server = { readonly name: string; readonly debianPackage: string; readonly isThere: () => boolean };

const SERVERS: readonly Server[] = [
  { name: 'PostgreSQL', debianPackage: 'postgresql', isThere: () => findPostgresFolder() !== undefined },
  { name: 'NATS', debianPackage: 'nats-server', isThere: () => findProgram('nats-server') !== undefined },
  { name: 'Redis', debianPackage: 'redis-server', isThere: () => findProgram('redis-server') !== undefined },
];

/** Debian makes and starts a server of its own when it installs PostgreSQL, unless this says not to. */
const CLUSTER_SETTINGS = '/etc/postgresql-common/createcluster.conf';

/**
 * Packages ask this program before they start their servers; 101 forbids it. Tests start their own, and nobody asked for others.
 * https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
 */
const START_POLICY = '/usr/sbin/policy-rc.d';

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
  const withoutCluster = placeFile(CLUSTER_SETTINGS, 'create_main_cluster = false\n', 0o644);
  const withoutStart = placeFile(START_POLICY, '#!/bin/sh\nexit 101\n', 0o755);
  try {
    runApt(packages);
  } catch {
    if (withoutCluster) rmSync(CLUSTER_SETTINGS, { force: true });
    console.error('That did not work; the lines above say why.');
    process.exitCode = 1;
  } finally {
    // The machine's own services are started as before; the settings of PostgreSQL stay, they are part of what was installed.
    if (withoutStart) rmSync(START_POLICY, { force: true });
  }
  if (process.exitCode === 1) process.exit();
}

/** False: there is one already, which is left alone. */
function placeFile(path: string, content: string, mode: number): boolean {
  if (existsSync(path)) return false;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode });
  return true;
}

function runApt(packages: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update'], { env, stdio: 'inherit' });
  // The package's own copy of that file would be a question; the one that is there stays.
  const keep = ['-o', 'Dpkg::Options::=--force-confold'];
  execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...keep, ...packages], {
    env,
    stdio: 'inherit',
  });
}
