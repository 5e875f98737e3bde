/** Several nodes of Skein on one PostgreSQL and one NATS: real processes, each with its own way to both that can be cut. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ClusterNode } from './cluster-node.ts';
import { freePort } from './free-port.ts';
import { type NatsServer, startNats } from './nats.ts';
import { type PostgresOptions, type PostgresServer, startPostgres } from './postgres.ts';
import { startTcpProxy } from './tcp-proxy.ts';

/** What seals the secrets in the database: all nodes have the same. */
const SECRET_KEY = '5e'.repeat(32);

export type ClusterOptions = {
  readonly nodes?: number;
  /** Settings of every node. */
  readonly env?: Readonly<Record<string, string>>;
  readonly postgres?: PostgresOptions;
  /** False: no NATS, so there can be one node only. */
  readonly bus?: boolean;
};

export type Cluster = {
  readonly postgres: PostgresServer;
  /** Undefined only when it was started without. */
  readonly nats: NatsServer | undefined;
  /** `n1`, `n2`, ...: running or not. */
  readonly nodes: readonly ClusterNode[];
  /** Makes the next node and starts it. */
  addNode(): Promise<ClusterNode>;
  /** Of all nodes, running or not. */
  mqttPorts(): number[];
  /** Past the nodes and their proxies. Rejects within a few seconds when the database is away. */
  query<T extends pg.QueryResultRow>(sql: string, params?: unknown[]): Promise<T[]>;
  /** Kills the nodes that still run, stops the servers, removes the folders. */
  stop(): Promise<void>;
};

/** Resolves when every node is ready. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = new RunningCluster(options);
  try {
    await cluster.start(options.nodes ?? 3);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

class RunningCluster implements Cluster {
  postgres!: PostgresServer;
  nats: NatsServer | undefined;
  readonly nodes: ClusterNode[] = [];
  readonly #options: ClusterOptions;
  #folder = '';
  #pool: pg.Pool | undefined;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  async start(nodes: number): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'skein-cluster-'));
    this.postgres = await startPostgres({ withSchema: true, ...this.#options.postgres });
    if (this.#options.bus !== false) this.nats = await startNats();
    this.#pool = new pg.Pool({
      connectionString: this.postgres.url,
      max: 4,
      connectionTimeoutMillis: 2_000,
      query_timeout: 60_000,
    });
    this.#pool.on('error', () => {});
    for (let i = 0; i < nodes; i++) await this.#makeNode();
    const started = await Promise.allSettled(this.nodes.map(node => node.start()));
    for (const one of started) if (one.status === 'rejected') throw one.reason;
  }

  async addNode(): Promise<ClusterNode> {
    const node = await this.#makeNode();
    await node.start();
    return node;
  }

  mqttPorts(): number[] {
    return this.nodes.map(node => node.mqttPort);
  }

  async query<T extends pg.QueryResultRow>(sql: string, params: unknown[] = []): Promise<T[]> {
    return (await this.#pool!.query<T>(sql, params)).rows;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.remove()));
    await this.#pool?.end();
    await this.nats?.stop();
    await this.postgres?.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #makeNode(): Promise<ClusterNode> {
    const id = `n${this.nodes.length + 1}`;
    const databaseProxy = await startTcpProxy(this.postgres.port);
    const natsProxy = this.nats && (await startTcpProxy(this.nats.port));
    const databaseUrl = new URL(this.postgres.url);
    databaseUrl.port = String(databaseProxy.port);
    const node = new ClusterNode({
      id,
      mqttPort: await freePort(),
      httpPort: await freePort(),
      dataDir: join(this.#folder, id),
      databaseProxy,
      natsProxy,
      env: {
        SKEIN_SECRET_KEY: SECRET_KEY,
        ...this.#options.env,
        DATABASE_URL: databaseUrl.href,
        ...(natsProxy && { NATS_URL: `nats://127.0.0.1:${natsProxy.port}` }),
      },
      instanceOf: () => this.#instanceOf(id),
    });
    this.nodes.push(node);
    return node;
  }

  /** The run of the process that is the node now. */
  async #instanceOf(nodeId: string): Promise<string> {
    const [row] = await this.query<{ instance_id: string }>(
      `SELECT instance_id FROM node_session WHERE node_id = $1 AND state <> 'closed' ORDER BY started_at DESC LIMIT 1`,
      [nodeId],
    );
    if (row === undefined) throw new Error(`Node ${nodeId} is ready, but has no session that is open`);
    return row.instance_id;
  }
}
