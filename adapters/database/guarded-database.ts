/**
 * A database that is read-only while its disk is full: the lanes, by which devices store, write nothing then; anything else is tried, so
 * that reading, and what makes room, goes on. Nothing is acknowledged that is not stored, because whoever wrote gets the error.
 */
import { statfs } from 'node:fs/promises';
import type { Limits } from '../../contracts/limits.ts';
import {
  type Database,
  DatabaseError,
  type Lane,
  type Reader,
  type ReadOnly,
  type Row,
  type Step,
  type Transaction,
} from './database.ts';
import { StorageRoom } from './storage-room.ts';
import { isAboutFullDisk } from './wire/database-errors.ts';

export type GuardOptions = {
  readonly limits: Limits;
  /** Where an embedded database is; undefined: it is not on this machine, or nobody knows. */
  readonly folder: string | undefined;
  readonly onReadOnly?: (readOnly: ReadOnly | undefined, freeBytes: number | undefined) => void;
};

/** New files for tables and for the log, in the place of those of the last time: so it leaves no more than one piece behind. */
const PROBE = ['TRUNCATE disk_probe', `INSERT INTO disk_probe (filler) SELECT repeat('x', $1::int)`] as const;

export class GuardedDatabase implements Database {
  readonly engine: Database['engine'];
  readonly room: StorageRoom;
  readonly #database: Database;

  /** Closes `database` when it is closed. */
  static async over(database: Database, options: GuardOptions): Promise<GuardedDatabase> {
    const guarded = new GuardedDatabase(database, options);
    await guarded.room.start();
    return guarded;
  }

  private constructor(database: Database, { limits, folder, onReadOnly }: GuardOptions) {
    this.engine = database.engine;
    this.#database = database;
    this.room = new StorageRoom({
      limits,
      probe: () => this.#probe(limits.diskProbeBytes),
      ...(folder !== undefined && { free: () => freeBytesOf(folder) }),
      ...(onReadOnly && { onChange: onReadOnly }),
    });
  }

  query<R extends Row = Row>(sql: string, params?: readonly unknown[]): Promise<R[]> {
    return this.#watched(this.#database.query<R>(sql, params));
  }

  reader(sql: string): Reader {
    return this.#database.reader(sql);
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#watched(this.#database.transaction(work));
  }

  script(sql: string): Promise<void> {
    return this.#watched(this.#database.script(sql));
  }

  lane(name: string): Lane {
    const lane = this.#database.lane(name);
    const commit = (steps: readonly Step[]): Promise<Row[][]> =>
      this.room.readOnly === undefined ? this.#watched(lane.commit(steps)) : Promise.reject(readOnlyError());
    return { commit, close: () => lane.close() };
  }

  close(): Promise<void> {
    this.room.close();
    return this.#database.close();
  }

  async #watched<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (isAboutFullDisk(error)) this.room.becameFull();
      throw error;
    }
  }

  async #probe(bytes: number): Promise<void> {
    await this.#database.transaction(async tx => {
      await tx.query(PROBE[0]);
      await tx.query(PROBE[1], [bytes]);
    });
  }
}

const readOnlyError = () => new DatabaseError('full', 'The database is read-only until there is room on its disk');

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
