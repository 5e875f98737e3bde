/**
 * Events in the order of their transactions, for whoever reads on from a position. A transaction that began earlier may commit later, so
 * only events that are older than every transaction under way are read: whatever commits after that is behind the position.
 */
import type { DeviceEvent } from '../../contracts/events.ts';
import type { Database, Row, Transaction } from './database.ts';

/** After the event with this transaction and number. `tx` is an xid8: 64 bits, as text. */
export type EventPosition = { readonly tx: string; readonly eventId: number };
export const BEFORE_ALL: EventPosition = { tx: '0', eventId: 0 };

export type StoredEvent = DeviceEvent & {
  /** Names the event, for ever. */
  readonly id: string;
  readonly tenant: string;
  readonly deviceId: string;
};
export type EventBatch = {
  readonly events: readonly StoredEvent[];
  /** Where to read on. */
  readonly position: EventPosition;
  /** There may be more at once. */
  readonly full: boolean;
  /** Between the position that was given and these, events were removed because of their age. */
  readonly missed: boolean;
};

export const eventIdOf = ({ tx, eventId }: EventPosition): string => `${tx}-${eventId}`;

/** Which row of `event_position` says how far events were removed. */
export const RETENTION = 'retention';

/**
 * The oldest transaction that is under way, or will be the next one. The same statement reads the events: then the snapshot in
 * which it sees them is the one that this is about.
 */
export const HORIZON_SQL = `SELECT pg_snapshot_xmin(pg_current_snapshot()) AS tx`;

const READ_SQL = `
WITH horizon AS MATERIALIZED (${HORIZON_SQL})
SELECT coalesce((gone.tx, gone.event_id) > ($1::xid8, $2::int8), false) AS missed,
  e.tx::text AS tx, e.event_id AS "eventId", e.kind, (extract(epoch FROM e.at) * 1000)::float8 AS "atMs", e.data,
  t.slug AS tenant, d.device_id AS "deviceId"
FROM horizon
LEFT JOIN event_position gone ON gone.reader = '${RETENTION}'
LEFT JOIN LATERAL (
  SELECT * FROM event WHERE (tx, event_id) > ($1::xid8, $2::int8) AND tx < horizon.tx ORDER BY tx, event_id LIMIT $3::int4
) e ON true
LEFT JOIN tenant t USING (tenant_id)
LEFT JOIN device d USING (device_uid)
ORDER BY e.tx, e.event_id`;

/** The next events of all tenants. Rejects with a DatabaseError. */
export async function readEvents(on: Transaction, position: EventPosition, limit: number): Promise<EventBatch> {
  const rows = await on.query(READ_SQL, [position.tx, position.eventId, limit]);
  const events = rows.filter(row => row.tx !== null);
  const last = events.at(-1);
  return {
    events: events.map(eventOf),
    position: last === undefined ? position : { tx: last.tx as string, eventId: last.eventId as number },
    full: events.length === limit,
    missed: rows[0]!.missed as boolean,
  };
}

/** Makes a position for a reader that has none: behind all that there is. */
export async function beginReading(on: Transaction, reader: string): Promise<void> {
  await on.query(
    `INSERT INTO event_position (reader, tx, event_id) SELECT $1, tx, 0 FROM (${HORIZON_SQL}) horizon ON CONFLICT DO NOTHING`,
    [reader],
  );
}

/**
 * Hands the next events of a reader to `handle`, and moves the reader's position when that resolves; one process at a time. What `handle`
 * writes through `tx` is committed with the move, so it happens once. Anything else that it does happens at least once: again
 * when the process ends in between.
 *
 * @returns the batch; undefined when there was nothing, or another process is just doing it
 */
export async function readOn(
  database: Database,
  reader: string,
  limit: number,
  handle: (batch: EventBatch, tx: Transaction) => Promise<void> | void,
): Promise<EventBatch | undefined> {
  // A look costs no lock, no transaction number and no write.
  const [at] = await database.query<Row & EventPosition>(POSITION_SQL, [reader]);
  if (at === undefined || (await readEvents(database, at, 1)).events.length === 0) return undefined;
  return database.transaction(async tx => {
    const [position] = await tx.query<Row & EventPosition>(`${POSITION_SQL} FOR UPDATE SKIP LOCKED`, [reader]);
    if (position === undefined) return undefined;
    const batch = await readEvents(tx, position, limit);
    if (batch.events.length === 0) return undefined;
    await handle(batch, tx);
    await tx.query('UPDATE event_position SET tx = $2::xid8, event_id = $3 WHERE reader = $1', [
      reader,
      batch.position.tx,
      batch.position.eventId,
    ]);
    return batch;
  });
}

const POSITION_SQL = `SELECT tx::text AS tx, event_id AS "eventId" FROM event_position WHERE reader = $1`;

/**
 * Removes from the oldest on, in their order, until the first one that is to be kept; so a position says whether its reader missed some.
 * What lies in the future was written under a wrong clock, and keeps nothing. How far it came is stored with it.
 */
const REMOVE_SQL = `
WITH gone AS (
  SELECT coalesce(p.tx, '0'::xid8) AS tx, coalesce(p.event_id, 0) AS event_id
  FROM (VALUES (1)) one LEFT JOIN event_position p ON p.reader = '${RETENTION}'
), piece AS MATERIALIZED (
  SELECT e.tx, e.event_id, e.at < now() - $1::int4 * interval '1 day' OR e.at > now() + interval '1 hour' AS old
  FROM event e, gone, (${HORIZON_SQL}) horizon
  WHERE (e.tx, e.event_id) > (gone.tx, gone.event_id) AND e.tx < horizon.tx
  ORDER BY e.tx, e.event_id LIMIT $2::int4
), kept AS (
  SELECT tx, event_id FROM piece WHERE NOT old ORDER BY tx, event_id LIMIT 1
), removable AS (
  SELECT tx, event_id FROM piece
  WHERE NOT EXISTS (SELECT FROM kept WHERE (kept.tx, kept.event_id) <= (piece.tx, piece.event_id))
), removed AS (
  DELETE FROM event USING removable WHERE event.tx = removable.tx AND event.event_id = removable.event_id
), moved AS (
  INSERT INTO event_position (reader, tx, event_id)
  SELECT '${RETENTION}', tx, event_id FROM removable ORDER BY tx DESC, event_id DESC LIMIT 1
  ON CONFLICT (reader) DO UPDATE SET tx = excluded.tx, event_id = excluded.event_id
  WHERE (event_position.tx, event_position.event_id) < (excluded.tx, excluded.event_id)
)
SELECT count(*)::int4 AS count FROM removable`;

/** One piece. Answers how many; less than `limit`: no more are old enough. Rejects with a DatabaseError. */
export async function removeEvents(on: Transaction, keepDays: number, limit: number): Promise<number> {
  const [row] = await on.query<{ count: number }>(REMOVE_SQL, [keepDays, limit]);
  return row!.count;
}

const eventOf = (row: Row): StoredEvent =>
  ({
    id: eventIdOf(row as unknown as EventPosition),
    tenant: row.tenant,
    deviceId: row.deviceId,
    kind: row.kind,
    atMs: row.atMs,
    data: row.data,
  }) as StoredEvent;
