/** What is new for tenants, without its content: enough to say whom it concerns. */
import type { Database, Row } from '../../adapters/database/database.ts';
import { type EventPosition, HORIZON_SQL } from '../../adapters/database/events-feed.ts';

export type TailOf = { readonly tenantId: number; readonly position: EventPosition };
export type Heading = { readonly position: EventPosition; readonly kind: string; readonly deviceId: string };
export type Tail = {
  readonly tenantId: number;
  readonly headings: readonly Heading[];
  /** As far as the headings are all that there is. */
  readonly position: EventPosition;
};

const TAIL_SQL = `
WITH horizon AS MATERIALIZED (${HORIZON_SQL})
SELECT horizon.tx::text AS "horizonTx", w.tenant_id AS "tenantId", e.tx::text AS tx, e.event_id AS "eventId", e.kind,
  d.device_id AS "deviceId"
FROM horizon
CROSS JOIN unnest($1::int4[], $2::text[], $3::int8[]) AS w (tenant_id, tx, event_id)
LEFT JOIN LATERAL (
  SELECT tx, event_id, kind, device_uid FROM event
  WHERE tenant_id = w.tenant_id AND (tx, event_id) > (w.tx::xid8, w.event_id) AND tx < horizon.tx
  ORDER BY tx, event_id LIMIT $4::int4
) e ON true
LEFT JOIN device d USING (device_uid)
ORDER BY w.tenant_id, e.tx, e.event_id`;

/** At most `limit` headings altogether, or one of each tenant. Rejects with a DatabaseError. */
export async function readTails(database: Database, tails: readonly TailOf[], limit: number): Promise<Tail[]> {
  const each = Math.max(1, Math.floor(limit / tails.length));
  const column = <T>(read: (tail: TailOf) => T) => tails.map(read);
  const rows = await database.query<TailRow>(TAIL_SQL, [
    column(it => it.tenantId),
    column(it => it.position.tx),
    column(it => it.position.eventId),
    each,
  ]);
  return [...Map.groupBy(rows, row => row.tenantId)].map(([tenantId, its]) => {
    const headings = its.filter((row): row is HeadingRow => row.tx !== null).map(headingOf);
    const last = headings.length === each ? headings.at(-1)! : undefined;
    return { tenantId, headings, position: last?.position ?? { tx: its[0]!.horizonTx, eventId: 0 } };
  });
}

type Of = { horizonTx: string; tenantId: number };
type HeadingRow = Row & Of & { tx: string; eventId: number; kind: string; deviceId: string };
type TailRow = HeadingRow | (Row & Of & { tx: null });

const headingOf = ({ tx, eventId, kind, deviceId }: HeadingRow): Heading => ({
  position: { tx, eventId },
  kind,
  deviceId,
});
