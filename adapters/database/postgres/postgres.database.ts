/** PostgreSQL 15 or newer, with or without TimescaleDB: a pool for queries and transactions, a connection for each lane. */
import pg from 'pg';
import type { Database, Engine, Lane, Reader, Row, Transaction } from '../database.ts';
import { limitedTransaction } from '../limited-transaction.ts';
import { Turnstile } from '../turnstile.ts';
import { toDatabaseError } from '../wire/database-errors.ts';
import { type ConnectionSettings, poolSettings } from './connection-settings.ts';
import { PostgresLane } from './postgres.lane.ts';
import { PostgresReader } from './postgres.reader.ts';
import { Session } from './session.ts';

/** Queries that wait for a connection: a second's worth. Beyond it an answer would come too late to be of use. */
const WAITING_MAX = 5_000;

export class PostgresDatabase implements Database {
  readonly engine: Engine;
  readonly #settings: ConnectionSettings;
  readonly #pool: pg.Pool;
  readonly #turnstile: Turnstile;
  readonly #lanes = new Set<Lane>();
  readonly #readers = new Set<PostgresReader>();
  #closing: Promise<void> | undefined;

  constructor(settings: ConnectionSettings, engine: Engine) {
    this.engine = engine;
    this.#settings = settings;
    this.#pool = new pg.Pool(poolSettings(settings));
    this.#turnstile = new Turnstile('The database', settings.limits.databaseConnections, WAITING_MAX);
    // A pooled connection that breaks while idle is replaced by the pool; without a listener it would end the process.
    this.#pool.on('error', () => {});
  }

  query<R extends Row = Row>(sql: string, params: readonly unknown[] = []): Promise<R[]> {
    return this.#withSession(session => session.query<R>(sql, params, false));
  }

  reader(sql: string): Reader {
    const reader = new PostgresReader(sql, this.#settings);
    this.#readers.add(reader);
    return reader;
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#inTransaction(session => {
      const query: Transaction['query'] = (sql, params = []) => session.query(sql, params, true);
      return limitedTransaction(this.#settings.limits.queryTimeoutMs, query, work);
    });
  }

  /** Without a time limit: a migration of a large table takes the time that it takes. */
  script(sql: string): Promise<void> {
    return this.#inTransaction(session => session.script(sql));
  }

  lane(name: string): Lane {
    const lane = new PostgresLane(name, this.#settings);
    this.#lanes.add(lane);
    return lane;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#lanes, ...this.#readers].map(it => it.close()));
    await this.#turnstile.close();
    await this.#pool.end();
  }

  #inTransaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#withSession(async session => {
      await session.query('BEGIN', [], true);
      try {
        const result = await work(session);
        await session.commit();
        return result;
      } catch (error) {
        await session.rollback();
        throw error;
      }
    });
  }

  #withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#turnstile.shared(async () => {
      const client = await this.#pool.connect().catch(error => {
        throw toDatabaseError(error, false);
      });
      const session = new Session(client, 2 * this.#settings.limits.queryTimeoutMs);
      try {
        return await work(session);
      } finally {
        session.detach();
        client.release(session.broken);
      }
    });
  }
}
