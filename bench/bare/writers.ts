/** A writer stores one batch of rows in one transaction. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { CREATE_TABLE, copyInto, DUPLICATE_KEY, FROM_SPARE, SPARE_TABLE } from './sql.ts';

export interface Writer {
  /** Resolves after the commit. Rejects when nothing can be stored any more. */
  write(rows: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

class PostgresWriter implements Writer {
  readonly #client: pg.Client;

  constructor(url: string) {
    this.#client = new pg.Client(url);
  }

  async start(): Promise<this> {
    await this.#client.connect();
    await this.#client.query(SPARE_TABLE);
    return this;
  }

  async write(rows: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.#copy('telemetry', rows);
    } catch (error) {
      if ((error as { code?: string }).code !== DUPLICATE_KEY) throw error;
      await this.#copy('spare', rows);
      await this.#client.query(FROM_SPARE);
    }
  }

  #copy(table: string, rows: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = this.#client.query(copyFrom(copyInto(table, 'STDIN')));
      stream.once('error', reject).once('finish', resolve).end(rows);
    });
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}

/** PGlite has one session, in a worker thread; it takes the next batch as soon as the one before is stored. */
class PGliteWriter implements Writer {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<void>[] = [];

  constructor(folder: string) {
    this.#worker = new Worker(new URL('./pglite.worker.ts', import.meta.url), { workerData: folder });
  }

  async start(): Promise<this> {
    await once(this.#worker, 'message');
    this.#worker.on('message', () => this.#waiting.shift()!.resolve());
    this.#worker.on('error', error => {
      for (const it of this.#waiting) it.reject(error);
    });
    return this;
  }

  write(rows: Uint8Array<ArrayBuffer>): Promise<void> {
    const stored = Promise.withResolvers<void>();
    this.#waiting.push(stored);
    this.#worker.postMessage(rows, [rows.buffer]);
    return stored.promise;
  }

  async close(): Promise<void> {
    this.#worker.postMessage(undefined);
    await once(this.#worker, 'exit');
  }
}

/** Two writers: two connections to PostgreSQL, or twice the same PGlite so that one batch waits while one is stored. */
export async function startWriters(database: { url: string } | { folder: string }): Promise<Writer[]> {
  if ('folder' in database) {
    const writer = await new PGliteWriter(database.folder).start();
    return [writer, writer];
  }
  const client = new pg.Client(database.url);
  await client.connect();
  await client.query(CREATE_TABLE);
  await client.end();
  return Promise.all([new PostgresWriter(database.url).start(), new PostgresWriter(database.url).start()]);
}
