/** Some nodes of Skein on a database and a NATS server of their own, with nothing between them that would cost or delay. */
import { join } from 'node:path';
import { limitVariable } from '../../contracts/limits.ts';
import { type Skein, startSkein } from '../../test/support/skein.ts';
import type { LoadDevice } from '../load/load.ts';
import { postmasterPid } from '../measure/postgres-tree.ts';
import { LIMITS_RAISED } from '../measure/raised-limits.ts';
import { seedDevices } from '../measure/seed-devices.ts';
import { type Connection, connectTo } from '../measure/stored.ts';
import { type Databases, deviceIds, type Home, makeHome } from '../measure/subject-home.ts';
import { startWatchedNats, type WatchedNats } from './nats-traffic.ts';
import { type OwnerChange, shardsSettled } from './shard-owners.ts';

export type BenchNode = Skein & { readonly id: string };

export type BenchClusterOptions = {
  readonly databases: Databases;
  readonly nodes: number;
  /** False: one node that is alone, without NATS. */
  readonly bus: boolean;
  /** How long the nodes must be the same before shards move; 0: as Skein has it. */
  readonly stableSeconds: number;
  /** Where each node leaves a profile of its CPU at its end; '': none. */
  readonly profileFolder: string;
};

/** What seals the secrets in the database: all nodes have the same. */
const SKEIN_SECRET_KEY = '5e'.repeat(32);
const SETTLE_PATIENCE_MS = 90_000;

export class BenchCluster {
  readonly nodes: BenchNode[] = [];
  database!: Connection;
  postgresPid = 0;
  nats: WatchedNats | undefined;
  readonly #options: BenchClusterOptions;
  readonly #home: Home;
  #made = 0;

  private constructor(options: BenchClusterOptions, home: Home) {
    this.#options = options;
    this.#home = home;
  }

  /** Resolves when the shards are spread over the nodes. */
  static async start(options: BenchClusterOptions): Promise<BenchCluster> {
    const cluster = new BenchCluster(options, await makeHome('cluster', options.databases));
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get mqttPorts(): number[] {
    return this.nodes.map(node => node.mqttPort);
  }

  /** Devices d1 to d<count>. */
  seed(count: number): Promise<LoadDevice[]> {
    return seedDevices(this.database, deviceIds(count));
  }

  /** Resolves when it is ready; shards move to it later. */
  async addNode(): Promise<BenchNode> {
    const id = `n${++this.#made}`;
    const { stableSeconds, profileFolder } = this.#options;
    const env: Record<string, string> = {
      ...LIMITS_RAISED,
      SKEIN_SECRET_KEY,
      SKEIN_NODE_ID: id,
      DATABASE_URL: this.#home.url!,
    };
    if (this.nats !== undefined) env.NATS_URL = this.nats.url;
    if (stableSeconds > 0) env[limitVariable('membershipStableSeconds')] = String(stableSeconds);
    const nodeArguments = profileFolder === '' ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder];
    const node = { ...(await startSkein({ env, nodeArguments, dataDir: join(this.#home.folder, id) })), id };
    this.nodes.push(node);
    return node;
  }

  /** It is about to end, and from now on none of ours. */
  take(node: BenchNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  settled(): Promise<OwnerChange[]> {
    return shardsSettled(
      this.database,
      this.nodes.map(node => node.id),
      SETTLE_PATIENCE_MS,
    );
  }

  /** Transactions of its database so far. Busy backends tell of theirs up to a second late, those that become idle 10 s. */
  async transactions(): Promise<number> {
    const [row] = await this.database.query(
      'SELECT xact_commit::float8 AS commits FROM pg_stat_database WHERE datname = current_database()',
    );
    return row!.commits as number;
  }

  /** Ends everything and removes the data. */
  async stop(): Promise<void> {
    // A profile is written at an orderly end only.
    const end = (node: BenchNode) => (this.#options.profileFolder === '' ? node.kill('SIGKILL') : node.stop());
    await Promise.all(this.nodes.map(end));
    await this.database?.close();
    await this.nats?.stop();
    await this.#home.remove();
  }

  async #start(): Promise<void> {
    const url = this.#home.url!;
    this.postgresPid = await postmasterPid(url);
    this.database = await connectTo({ engine: 'postgres', url });
    if (this.#options.bus) this.nats = await startWatchedNats(this.#home.folder);
    for (let i = 0; i < this.#options.nodes; i++) await this.addNode();
    await this.settled();
  }
}
