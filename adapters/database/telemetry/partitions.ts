/** The tables that datapoints of a day lie in: partitions of PostgreSQL, each made before its first datapoint comes, or one hypertable. */
import { LRUCache } from 'lru-cache';
import { type Database, DatabaseError } from '../database.ts';
import { dayStart } from './days.ts';

export type PartitionedTable = 'telemetry' | 'telemetry_1m';
/** Days remembered: whole years of late data. */
const KNOWN_DAYS = 4_000;

export class TelemetryPartitions {
  readonly #database: Database;
  readonly #parent: PartitionedTable;
  readonly #known = new LRUCache<number, string>({ max: KNOWN_DAYS });

  constructor(database: Database, parent: PartitionedTable) {
    this.#database = database;
    this.#parent = parent;
  }

  /** The table for this day, counted from 1970; undefined: `make` it first. */
  get(day: number): string | undefined {
    return this.#known.get(day);
  }

  /** Makes those of these days that are not there. Rejects with a DatabaseError. */
  async make(days: Iterable<number>): Promise<void> {
    for (const day of days) {
      if (this.#known.has(day)) continue;
      const [row] = await this.#database.query<{ name: string }>(
        `SELECT telemetry_partition($1, ${dayStart('$2')}) AS name`,
        [this.#parent, day],
      );
      this.#known.set(day, row!.name);
    }
  }

  /** One was removed meanwhile: nothing is known any more. */
  forget(): void {
    this.#known.clear();
  }
}

/** A partition has the days from `from` until before `to`. */
export type Partition = { readonly name: string; readonly from: number; readonly to: number };

/** In the order of time. Of a hypertable: none. */
export const partitionsOf = (database: Database, parent: PartitionedTable): Promise<Partition[]> =>
  database.query<Partition>(
    `SELECT name, (extract(epoch FROM first) / 86400)::int4 AS from,
       (extract(epoch FROM first + CASE WHEN length(day) = 8 THEN interval '1 day' ELSE interval '1 month' END) / 86400)::int4 AS to
     FROM (
       SELECT relname AS name, day, to_timestamp(rpad(day, 8, '01'), 'YYYYMMDD') AT TIME ZONE 'UTC' AS first
       FROM (SELECT c.relname::text, substr(c.relname::text, length($1) + 2) AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = $1::text::regclass) child
     ) part ORDER BY first`,
    [parent],
  );

/** Readers and writers of all partitions wait while one that is to go is still in use, so it is not waited for longer than this. */
const DROP_WAIT_MS = 300;
/** SQLSTATE lock_not_available. */
const IN_USE = '55P03';

/**
 * Removes one with all that is in it. False: it is in use, try again later. It is never detached first: a writer that knows its name would go
 * on writing into what is no part of the table any more.
 */
export async function dropPartition(database: Database, { name }: Partition): Promise<boolean> {
  try {
    await database.transaction(async tx => {
      await tx.query(`SET LOCAL lock_timeout = ${DROP_WAIT_MS}`);
      await tx.query(`DROP TABLE IF EXISTS ${quoted(name)}`);
    });
    return true;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === IN_USE) return false;
    throw error;
  }
}

/** The names come from the catalog, and are of our own making. */
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** No partition for a row, or no such table: it was removed after this process had learned of it. */
const REMOVED = new Set(['23514', '42P01']);
export const isRemovedPartition = (code: string | undefined, where: string | undefined): boolean =>
  REMOVED.has(code ?? '') && (where === undefined || where.startsWith('telemetry'));
