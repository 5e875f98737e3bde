/** The system that a fleet comes back to: one process, or several nodes on one NATS. */
import { join } from 'node:path';
import { limitVariable } from '../../../contracts/limits.ts';
import { startNats } from '../../../test/support/nats.ts';
import { type Skein, startSkein } from '../../../test/support/skein.ts';
import { shardsSettled } from '../../cluster/shard-owners.ts';
import { postmasterPid } from '../../measure/postgres-tree.ts';
import type { RealSubject } from '../../measure/real-subject.ts';
import { type Connection, connectTo } from '../../measure/stored.ts';
import { type Databases, makeHome } from '../../measure/subject-home.ts';
import { makeReal } from '../../measure/subjects.ts';

export interface ReturnSystem {
  readonly nodes: readonly Skein[];
  readonly postgresPid: number;
  readonly connection: Connection;
  /** So that no actor is in memory. Resolves when all is ready. */
  restart(): Promise<void>;
  /** Ends everything and removes the data. */
  stop(): Promise<void>;
}

type Env = Readonly<Record<string, string>>;

export async function startOne(databases: Databases, env: Env): Promise<ReturnSystem> {
  const subject = await makeReal(databases, env);
  try {
    const skein = await subject.start();
    const { connection } = await subject.open();
    return new One(subject, skein, connection, await postmasterPid(databases.url));
  } catch (error) {
    await subject.remove();
    throw error;
  }
}

class One implements ReturnSystem {
  readonly connection: Connection;
  readonly postgresPid: number;
  readonly #subject: RealSubject;
  #skein: Skein;

  constructor(subject: RealSubject, skein: Skein, connection: Connection, postgresPid: number) {
    this.#subject = subject;
    this.#skein = skein;
    this.connection = connection;
    this.postgresPid = postgresPid;
  }

  get nodes(): Skein[] {
    return [this.#skein];
  }

  async restart(): Promise<void> {
    await this.#skein.stop();
    this.#skein = await this.#subject.start();
  }

  async stop(): Promise<void> {
    await this.#skein.kill('SIGKILL');
    await this.connection.close();
    await this.#subject.remove();
  }
}

const SETTLE_PATIENCE_MS = 90_000;

/** On a NATS server of their own. Resolves when the shards are spread over the nodes. */
export async function startSeveral(count: number, databases: Databases, env: Env): Promise<ReturnSystem> {
  const home = await makeHome('returns', databases);
  const nats = await startNats();
  const connection = await connectTo({ engine: 'postgres', url: home.url! });
  const shared = {
    ...env,
    [limitVariable('membershipStableSeconds')]: '2',
    // What seals the secrets in the database: all nodes have the same.
    SKEIN_SECRET_KEY: '5e'.repeat(32),
    DATABASE_URL: home.url!,
    NATS_URL: nats.url,
  };
  const system = new Several(connection, await postmasterPid(home.url!), {
    async start() {
      const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`);
      const start = (id: string) =>
        startSkein({ env: { ...shared, SKEIN_NODE_ID: id }, dataDir: join(home.folder, id) });
      const nodes = await Promise.all(ids.map(start));
      await shardsSettled(connection, ids, SETTLE_PATIENCE_MS);
      return nodes;
    },
    async remove() {
      await connection.close();
      await nats.stop();
      await home.remove();
    },
  });
  try {
    await system.restart();
    return system;
  } catch (error) {
    await system.stop();
    throw error;
  }
}

type Parts = { start(): Promise<readonly Skein[]>; remove(): Promise<void> };

class Several implements ReturnSystem {
  readonly connection: Connection;
  readonly postgresPid: number;
  readonly #parts: Parts;
  #nodes: readonly Skein[] = [];

  constructor(connection: Connection, postgresPid: number, parts: Parts) {
    this.connection = connection;
    this.postgresPid = postgresPid;
    this.#parts = parts;
  }

  get nodes(): readonly Skein[] {
    return this.#nodes;
  }

  async restart(): Promise<void> {
    await Promise.all(this.#nodes.map(node => node.stop()));
    this.#nodes = await this.#parts.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map(node => node.kill('SIGKILL')));
    await this.#parts.remove();
  }
}
