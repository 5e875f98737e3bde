/** A real PostgreSQL server of its own for a test: in a temporary folder, at a free port of 127.0.0.1. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chown, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { endWithUs } from './end-with-us.ts';
import { freePort } from './free-port.ts';
import { type Account, accountForServers, findPostgresFolder } from './server-binaries.ts';
import { copyTemplate } from './templates.ts';

const USER = 'skein';
const PASSWORD = 'not-a-secret';
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const OUTPUT_MAX_CHARACTERS = 64 * 1024;

export type PostgresOptions = {
  /** Default true: a commit is on the disk when it is answered, as in production. */
  readonly fsync?: boolean;
  /** Any setting of postgresql.conf, such as `{ shared_buffers: '512MB', max_wal_size: '4GB' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The database has our schema already, where the run has one to copy. Default false: it is empty. */
  readonly withSchema?: boolean;
};

export type PostgresServer = {
  /** Of an empty database, with user and password (a superuser). */
  readonly url: string;
  readonly port: number;
  /** What the server logged: the last 64 Ki characters. */
  output(): string;
  /**
   * Sends the signal to the postmaster, and waits for its end unless the signal only pauses or resumes it. After SIGKILL its
   * backends find out by themselves and exit. SIGINT is the fast shutdown, SIGQUIT the immediate one.
   */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again with its data, at the same port: after `kill`, or after stopping it if it runs. */
  restart(): Promise<void>;
  /** Ends it and removes its folder; `keepAt`: its data is moved there before. */
  stop(keepAt?: string): Promise<void>;
  /** Makes another database on this server, empty or a copy of one that nobody uses. Resolves to its URL. */
  createDatabase(name: string, copyOf?: string): Promise<string>;
};

/** Resolves when the server takes connections. Rejects with its output when it does not within 30 s. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { fsync = true, settings = {}, withSchema = false } = options;
  const binaries = findPostgresFolder();
  if (binaries === undefined)
    throw new Error('PostgreSQL is not installed: run `node test/support/install-servers.ts`');
  const account = accountForServers();
  const folder = await mkdtemp(join(tmpdir(), 'skein-pg-'));
  const removeFolder = () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    if (account !== undefined) await chown(folder, account.uid, account.gid);
    const isCopied = await copyTemplate(withSchema ? 'postgres-with-schema' : 'postgres', join(folder, 'data'));
    if (!isCopied) await makeCluster(binaries, folder, account);
    const port = await freePort();
    const all = { ...defaultSettings(folder, port, fsync), ...settings };
    const command: Command = { file: join(binaries, 'postgres'), folder, account, settings: all };
    const url = (database: string) => `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${database}`;
    return await Server.start(command, port, url, removeFolder);
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

/** Makes a cluster at `path` that no server runs on, with what `fill` puts into its database. */
export async function keepStoppedCluster(
  path: string,
  fill: (url: string) => Promise<void> = async () => {},
): Promise<void> {
  const server = await startPostgres({ fsync: false });
  try {
    await fill(server.url);
    await server.stop(path);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function makeCluster(binaries: string, folder: string, account: Account): Promise<void> {
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, PASSWORD);
  if (account !== undefined) await chown(passwordFile, account.uid, account.gid);
  // A crash of the machine is not tested, so the empty cluster need not be on the disk.
  const flags = ['--no-sync', '--no-instructions', '--encoding=UTF8', '--locale=C', `--username=${USER}`];
  await promisify(execFile)(
    join(binaries, 'initdb'),
    [...flags, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '-D', join(folder, 'data')],
    { ...account, cwd: folder, env: { LC_ALL: 'C', PATH: process.env.PATH } },
  );
}

const defaultSettings = (folder: string, port: number, fsync: boolean): Record<string, string> => ({
  port: String(port),
  listen_addresses: '127.0.0.1',
  unix_socket_directories: folder,
  fsync: fsync ? 'on' : 'off',
});

type Command = {
  readonly file: string;
  readonly folder: string;
  readonly account: Account;
  readonly settings: Readonly<Record<string, string>>;
};

class Server implements PostgresServer {
  readonly url: string;
  readonly port: number;
  readonly #command: Command;
  readonly #urlOf: (database: string) => string;
  readonly #removeFolder: () => Promise<void>;
  readonly #killAtExit = () => this.#child?.kill('SIGQUIT');
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  /** The backends have the same pipes as the postmaster, so these close when the last of all is gone. */
  #allGone: Promise<unknown> = Promise.resolve();
  #output = '';

  static async start(
    command: Command,
    port: number,
    urlOf: (database: string) => string,
    removeFolder: () => Promise<void>,
  ): Promise<Server> {
    const server = new Server(command, port, urlOf, removeFolder);
    process.once('exit', server.#killAtExit);
    await server.restart();
    return server;
  }

  private constructor(
    command: Command,
    port: number,
    urlOf: (database: string) => string,
    removeFolder: () => Promise<void>,
  ) {
    this.#command = command;
    this.port = port;
    this.url = urlOf('postgres');
    this.#urlOf = urlOf;
    this.#removeFolder = removeFolder;
  }

  output(): string {
    return this.#output;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.#exited;
  }

  async restart(): Promise<void> {
    await this.#end();
    const { file, folder, account, settings } = this.#command;
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(file, ['-D', join(folder, 'data'), ...flags], {
      ...account,
      cwd: folder,
      env: { LC_ALL: 'C', TZ: 'UTC', PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    endWithUs(child, 'QUIT');
    this.#exited = new Promise(resolve => child.once('exit', resolve));
    this.#allGone = new Promise(resolve => child.once('close', resolve));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => this.#keep(chunk));
    await this.#ready(child);
  }

  async stop(keepAt?: string): Promise<void> {
    process.off('exit', this.#killAtExit);
    await this.#end();
    if (keepAt !== undefined) await rename(join(this.#command.folder, 'data'), keepAt);
    await this.#removeFolder();
  }

  async createDatabase(name: string, copyOf = 'template1'): Promise<string> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE ${pg.escapeIdentifier(copyOf)}`);
    } finally {
      await client.end();
    }
    return this.#urlOf(name);
  }

  #keep(chunk: Buffer): void {
    this.#output = (this.#output + chunk).slice(-OUTPUT_MAX_CHARACTERS);
  }

  /** The fast shutdown; the immediate one when that takes too long. */
  async #end(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGCONT');
    child.kill('SIGINT');
    const timer = setTimeout(() => child.kill('SIGQUIT'), STOP_TIMEOUT_MS);
    await this.#allGone;
    clearTimeout(timer);
    this.#child = undefined;
  }

  async #ready(child: ChildProcess): Promise<void> {
    for (let waitedMs = 0; !(await connects(this.url)); waitedMs += 50) {
      const ended = child.exitCode !== null || child.signalCode !== null;
      if (!ended && waitedMs < READY_TIMEOUT_MS) await sleep(50);
      else {
        await this.#end();
        throw new Error(
          `PostgreSQL ${ended ? 'ended before it was ready' : 'was not ready in time'}:\n${this.#output}`,
        );
      }
    }
  }
}

async function connects(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
