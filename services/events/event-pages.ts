/** Events of one tenant, as pages of the REST feed. */
import type { Database, Row } from '../../adapters/database/database.ts';
import { type EventPosition, eventIdOf, HORIZON_SQL, RETENTION } from '../../adapters/database/events-feed.ts';
import type { EventView } from '../../contracts/events.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import { pieceRows } from '../../mixins/pieces.ts';

export type EventFilter = {
  readonly tenantId: number;
  readonly kind?: string;
  readonly deviceId?: string;
  /** Only of devices that fit, for the function `device_fits` of the database; null: of all. */
  readonly within: string | null;
};
export type FoundEvents = {
  readonly items: EventView[];
  readonly position: EventPosition;
  /** There may be more at once. */
  readonly more: boolean;
  /** Events behind the position that was given were removed. */
  readonly missed: boolean;
};
export type Sizes = {
  readonly items: number;
  /** Events that one query looks at, whether or not they fit the filter. */
  readonly scan: number;
};

/**
 * `reach`: how far this query looks. The two comparisons of rows are the range of the index, so it looks no further, however
 * few events fit.
 */
const PAGE_SQL = `
WITH horizon AS MATERIALIZED (${HORIZON_SQL}),
reach AS MATERIALIZED (
  SELECT coalesce(far.tx, horizon.tx) AS tx, coalesce(far.event_id, 0) AS event_id, far.tx IS NOT NULL AS bounded
  FROM horizon LEFT JOIN LATERAL (
    SELECT tx, event_id FROM event
    WHERE ($4::text IS NOT NULL OR $5::text IS NOT NULL OR $8::text IS NOT NULL)
      AND tenant_id = $1::int4 AND (tx, event_id) > ($2::xid8, $3::int8) AND tx < horizon.tx
    ORDER BY tx, event_id OFFSET $7::int4 - 1 LIMIT 1
  ) far ON true
)
SELECT reach.tx::text AS "reachTx", reach.event_id AS "reachId", reach.bounded,
  coalesce((gone.tx, gone.event_id) > ($2::xid8, $3::int8), false) AS missed,
  e.tx::text AS tx, e.event_id AS "eventId", e.kind, e.at, e.data, d.device_id AS "deviceId"
FROM reach
LEFT JOIN event_position gone ON gone.reader = '${RETENTION}'
LEFT JOIN LATERAL (
  SELECT * FROM event
  WHERE tenant_id = $1::int4 AND (tx, event_id) > ($2::xid8, $3::int8) AND (tx, event_id) <= (reach.tx, reach.event_id)
    AND ($4::text IS NULL OR kind = $4)
    AND ($5::text IS NULL OR device_uid = (SELECT device_uid FROM device WHERE tenant_id = $1 AND device_id = $5))
    AND ($8::text IS NULL OR (SELECT device_fits(d, $8::text::jsonb) FROM device d WHERE d.device_uid = event.device_uid))
  ORDER BY tx, event_id LIMIT $6::int4
) e ON true
LEFT JOIN device d USING (device_uid)
ORDER BY e.tx, e.event_id`;

/**
 * What fits after a position. Where a page ends because it is full, its position is just before the next event that fits, not behind its
 * own last one: then only the removal of that next one means that its reader missed something.
 */
export async function readPage(
  database: Database,
  { tenantId, kind, deviceId, within }: EventFilter,
  from: EventPosition,
  sizes: Sizes,
): Promise<FoundEvents> {
  const params = [tenantId, from.tx, from.eventId, kind ?? null, deviceId ?? null, sizes.items + 1, sizes.scan, within];
  const rows = await database.query<PageRow>(PAGE_SQL, params);
  const found = rows.filter((row): row is EventRow => row.tx !== null);
  const { missed, bounded, reachTx, reachId } = rows[0]!;
  const next = found[sizes.items];
  const items = found.slice(0, sizes.items).map(viewOf);
  if (next !== undefined) return { items, position: { tx: next.tx, eventId: next.eventId - 1 }, more: true, missed };
  return { items, position: { tx: reachTx, eventId: reachId }, more: bounded, missed };
}

/** An event without its data. */
const AROUND_BYTES = 500;

/** As `readPage`; but it ends earlier when its events are large, and is read in pieces, so that no more than about that is in memory. */
export async function readBoundedPage(
  database: Database,
  { eventScanMaxRows: scan, pageMaxBytes, twinMaxBytes }: Limits,
  filter: EventFilter,
  from: EventPosition,
  size: number,
): Promise<FoundEvents> {
  const most = pieceRows(pageMaxBytes, twinMaxBytes + AROUND_BYTES);
  const items: EventView[] = [];
  let [bytes, missed, at] = [0, false, from];
  for (;;) {
    const wanted = Math.min(most, size - items.length);
    const piece = await readPage(database, filter, at, { items: wanted, scan });
    missed ||= piece.missed;
    for (const item of piece.items) {
      bytes += JSON.stringify(item).length;
      if (bytes > pageMaxBytes && items.length > 0) return { items, position: justBefore(item), more: true, missed };
      items.push(item);
    }
    if (piece.items.length < wanted || items.length === size) return { ...piece, items, missed };
    at = piece.position;
  }
}

function justBefore({ id }: EventView): EventPosition {
  const [tx, eventId] = id.split('-') as [string, string];
  return { tx, eventId: Number(eventId) - 1 };
}

/** The position behind all that there is. */
export async function latestPosition(database: Database): Promise<EventPosition> {
  const [row] = await database.query<{ tx: string }>(`SELECT tx::text AS tx FROM (${HORIZON_SQL}) horizon`);
  return { tx: row!.tx, eventId: 0 };
}

type Reach = { reachTx: string; reachId: number; bounded: boolean; missed: boolean };
type EventRow = Row &
  Reach & { tx: string; eventId: number; kind: EventView['kind'] } & Pick<EventView, 'data' | 'deviceId'> & {
    at: Date;
  };
type PageRow = EventRow | (Row & Reach & { tx: null });

const viewOf = ({ tx, eventId, kind, at, deviceId, data }: EventRow): EventView => ({
  id: eventIdOf({ tx, eventId }),
  kind,
  at: at.toISOString(),
  deviceId,
  data,
});
