/**
 * PostgreSQL inside this process (PGlite), in a thread of its own. It has one session, so everything takes turns: single
 * statements and lanes' transactions follow each other, and a transaction of several round trips has it alone.
 */
import type { Limits } from '../../../contracts/limits.ts';
import { type Database, DatabaseError, type Lane, type Row, type Transaction } from '../database.ts';
import { Turnstile } from '../turnstile.ts';
import type { DataDirLock } from './data-dir-lock.ts';
import { PgliteLane } from './pglite.lane.ts';
import type { PgliteSession } from './pglite-session.ts';

/** Requests under way to the thread: enough that it finds the next one waiting whenever it has finished one. */
const AT_ONCE = 4;
/** Requests that wait: about a second's worth. Beyond it an answer would come too late to be of use. */
const WAITING_MAX = 5_000;

export class PgliteDatabase implements Database {
  readonly engine = 'pglite';
  readonly #openSession: () => Promise<PgliteSession>;
  readonly #lock: DataDirLock;
  readonly #transactionTimeoutMs: number;
  readonly #turnstile = new Turnstile('The database', AT_ONCE, WAITING_MAX);
  readonly #lanes = new Set<Lane>();
  #session: Promise<PgliteSession>;

  /** `openSession` is called again when the session's thread has died. */
  constructor(session: PgliteSession, openSession: () => Promise<PgliteSession>, lock: DataDirLock, limits: Limits) {
    this.#session = Promise.resolve(session);
    this.#openSession = openSession;
    this.#lock = lock;
    this.#transactionTimeoutMs = limits.queryTimeoutMs;
  }

  query<R extends Row = Row>(sql: string, params: readonly unknown[] = []): Promise<R[]> {
    return this.#turnstile.shared(async () => (await this.#live()).query<R>(sql, params, false));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#turnstile.exclusive(async () => {
      const session = await this.#live();
      await session.begin();
      try {
        const result = await this.#limited(session, work);
        await session.commitTransaction();
        return result;
      } catch (error) {
        await session.rollback();
        throw error;
      }
    });
  }

  script(sql: string): Promise<void> {
    return this.#turnstile.exclusive(async () => (await this.#live()).script(sql));
  }

  lane(name: string): Lane {
    const commit: Lane['commit'] = steps => this.#turnstile.shared(async () => (await this.#live()).commit(steps));
    const lane = new PgliteLane(name, commit);
    this.#lanes.add(lane);
    return lane;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lanes].map(lane => lane.close()));
    await this.#turnstile.close();
    const session = await this.#session.catch(() => undefined);
    await session?.close();
    await this.#lock.release();
  }

  /** The session, opened again if its thread died. */
  async #live(): Promise<PgliteSession> {
    const current = this.#session;
    const session = await current.catch(() => undefined);
    if (session !== undefined && !session.dead) return session;
    // Of several that find it dead, the first opens it for all.
    if (this.#session === current) this.#session = this.#openSession();
    return this.#session;
  }

  /** Everybody else waits for this transaction, so it may not take for ever. */
  async #limited<T>(session: PgliteSession, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const late = new DatabaseError('timeout', `The transaction took longer than ${this.#transactionTimeoutMs} ms`);
    let open = true;
    const expiry = Promise.withResolvers<never>();
    const timer = setTimeout(() => expiry.reject(late), this.#transactionTimeoutMs);
    const tx: Transaction = {
      query: async (sql, params = []) => {
        if (!open) throw late;
        return session.query(sql, params, true);
      },
    };
    try {
      return await Promise.race([work(tx), expiry.promise]);
    } finally {
      open = false;
      clearTimeout(timer);
    }
  }
}
