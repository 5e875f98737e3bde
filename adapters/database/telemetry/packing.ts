/**
 * The key of a partition takes a third less room when it is made anew: while datapoints of many devices come in turns, its pages split in
 * their middle and stay two thirds full. That is done once the day is over, when little comes any more, and it makes reading quicker too.
 */
import type { Database } from '../database.ts';
import { dayOf } from './days.ts';
import { partitionsOf } from './partitions.ts';

/** So long after its end most of what a day has is there. */
const SETTLED_MS = 3 * 3_600_000;
/** Those that ended lately: an older one was seen to, and late data for it is little. */
const LATEST_DAYS = 7;
/** A key of three columns: 24 bytes, its line pointer, and pages that are nine tenths full. What is wider than this by a sixth is packed. */
const PACKED_BYTES = 28 / 0.9;
const LOOSE = 7 / 6;
/** Fewer are not worth it. */
const LEAST_ROWS = 10_000;
/** The embedded database does nothing else meanwhile: this takes it less than a second. */
const EMBEDDED_MAX_BYTES = 64 * 2 ** 20;

type Key = { readonly name: string; readonly bytes: number; readonly rows: number };

/**
 * Packs the keys of days that ended lately, where it is worth it. Answers how many those were. On a server without holding up anybody, so
 * `database` needs the patience for it, and it is no part of a transaction. Rejects with a DatabaseError; then it may be repeated.
 */
export async function packKeys(database: Database, nowMs: number): Promise<number> {
  if (database.engine === 'timescale') return 0;
  const before = dayOf((nowMs - SETTLED_MS) * 1_000);
  let packed = 0;
  for (const { name, to } of await partitionsOf(database, 'telemetry')) {
    if (to > before || to < before - LATEST_DAYS) continue;
    // What a node left behind that ended while it packed.
    const unfinished = await database.query<{ name: string }>(
      `SELECT c.relname::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
       WHERE i.indrelid = $1::regclass AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)\\d*$'`,
      [name],
    );
    for (const it of unfinished) await database.query(`DROP INDEX CONCURRENTLY IF EXISTS ${it.name}`);
    const key = await keyOf(database, name);
    if (key === undefined || !isLoose(key)) continue;
    const isEmbedded = database.engine === 'pglite';
    if (isEmbedded && key.bytes > EMBEDDED_MAX_BYTES) continue;
    await database.query(`REINDEX INDEX ${isEmbedded ? '' : 'CONCURRENTLY'} ${key.name}`);
    packed++;
  }
  return packed;
}

/** Undefined: it is not known how many rows it has, or there is no such table any more. */
async function keyOf(database: Database, table: string): Promise<Key | undefined> {
  if ((await rowsOf(database, table)) < 0) await database.query(`ANALYZE ${table}`);
  const [key] = await database.query<Key>(
    `SELECT k.relname::text AS name, pg_relation_size(k.oid)::int8 AS bytes, t.reltuples::float8 AS rows
     FROM pg_class t JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary JOIN pg_class k ON k.oid = i.indexrelid
     WHERE t.oid = to_regclass($1)`,
    [table],
  );
  return key;
}

async function rowsOf(database: Database, table: string): Promise<number> {
  const [row] = await database.query<{ rows: number }>(
    'SELECT reltuples::float8 AS rows FROM pg_class WHERE oid = to_regclass($1)',
    [table],
  );
  return row?.rows ?? 0;
}

const isLoose = ({ bytes, rows }: Key): boolean => rows >= LEAST_ROWS && bytes / rows > PACKED_BYTES * LOOSE;
