/**
 * PostgreSQL inside this process (PGlite), in a thread of its own. It has one session, so everything takes turns: single
 * statements and lanes' transactions follow each other, and a transaction of several round trips has it alone.
 */
import type { Limits } from '../../../contracts/limits.ts';
import { type Database, DatabaseError, type Lane, type Reader, type Row, type Transaction } from '../database.ts';
import { limitedTransaction } from '../limited-transaction.ts';
import { Turnstile } from '../turnstile.ts';
import { isAboutFullDisk } from '../wire/database-errors.ts';
import type { DataDirLock } from './data-dir-lock.ts';
import { PgliteLane } from './pglite.lane.ts';
import type { PgliteSession } from './pglite-session.ts';

/** Requests under way to the thread: enough that it finds the next one waiting whenever it has finished one. */
const AT_ONCE = 4;
/** Requests that wait: about a second's worth. Beyond it an answer would come too late to be of use. */
const WAITING_MAX = 5_000;

export type PgliteParts = {
  /** Called again when the session's thread has died. */
  readonly openSession: () => Promise<PgliteSession>;
  readonly lock: DataDirLock;
  readonly limits: Limits;
  readonly onFatal: (error: DatabaseError) => void;
};

/** In the place of a session, while there is no room to open one: a log that was full when the last one ended needs a new file first. */
type NoSession = {
  readonly dead: true;
  readonly ended: Promise<void>;
  readonly error: DatabaseError;
  readonly untilMs: number;
};
/** Opening takes half a second of a processor. */
const REOPEN_AFTER_MS = 1_000;

export class PgliteDatabase implements Database {
  readonly engine = 'pglite';
  readonly #parts: PgliteParts;
  readonly #turnstile = new Turnstile('The database', AT_ONCE, WAITING_MAX);
  readonly #lanes = new Set<Lane>();
  #session: Promise<PgliteSession | NoSession>;
  #closing: Promise<void> | undefined;

  constructor(session: PgliteSession, parts: PgliteParts) {
    this.#session = Promise.resolve(session);
    this.#parts = parts;
  }

  query<R extends Row = Row>(sql: string, params: readonly unknown[] = []): Promise<R[]> {
    return this.#turnstile.shared(async () => (await this.#live()).query<R>(sql, params, false));
  }

  reader(sql: string): Reader {
    return { read: params => this.query(sql, params) };
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#turnstile.exclusive(async () => {
      const session = await this.#live();
      await session.begin();
      try {
        const query: Transaction['query'] = (sql, params = []) => session.query(sql, params, true);
        const result = await limitedTransaction(this.#parts.limits.queryTimeoutMs, query, work);
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

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#lanes].map(lane => lane.close()));
    await this.#turnstile.close();
    const session = await this.#session.catch(() => undefined);
    if (session !== undefined && !('error' in session)) await session.close();
    await this.#parts.lock.release();
  }

  /** The session, opened again if its thread died. */
  async #live(): Promise<PgliteSession> {
    const current = this.#session;
    const session = await current;
    if (!('error' in session) && !session.dead) return session;
    if ('error' in session && performance.now() < session.untilMs) throw session.error;
    // Of several that find it dead, the first opens it for all.
    if (this.#session === current) this.#session = this.#reopen(session);
    const opened = await this.#session;
    if ('error' in opened) throw opened.error;
    return opened;
  }

  /** Not before the old thread is gone: two at once would destroy the files. */
  async #reopen(dead: PgliteSession | NoSession): Promise<PgliteSession | NoSession> {
    await dead.ended;
    return this.#parts.openSession().catch((error: Error) => {
      if (isAboutFullDisk(error)) return noSession(error);
      const message = `The embedded database has ended, and cannot be opened again: ${error.message}`;
      const fatal = new DatabaseError('unavailable', message, { cause: error });
      this.#parts.onFatal(fatal);
      throw fatal;
    });
  }
}

const noSession = (cause: Error): NoSession => ({
  dead: true,
  ended: Promise.resolve(),
  error: new DatabaseError('full', 'The embedded database has no room to start again', { cause }),
  untilMs: performance.now() + REOPEN_AFTER_MS,
});
