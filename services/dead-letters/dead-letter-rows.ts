/** Rows of dead letters, and how they look outside. */
import { isUtf8 } from 'node:buffer';
import type { Database } from '../../adapters/database/database.ts';
import { deviceAddress, isUuid } from '../../contracts/addresses.ts';
import type { DeadLetterView } from '../../contracts/dead-letters.contract.ts';
import type { DeadLetterReason, Uplink, UplinkKind } from '../../contracts/uplinks.ts';

export type DeadLetterRow = {
  dead_letter_id: string;
  device_id: string;
  kind: UplinkKind;
  topic: string;
  content_type: string;
  reason: DeadLetterReason;
  detail: string;
  payload: Uint8Array;
  us: number;
  received_at: Date;
  replayed_at: Date | null;
};
const COLUMNS = `dead_letter_id, device_id, kind, topic, content_type, reason, detail, payload, received_at, replayed_at,
  (extract(epoch FROM received_at) * 1000000)::int8 AS us`;

/** Ids are UUIDs; anything else is no dead letter, and the database need not be asked. */
export const isDeadLetterId = isUuid;

export function deadLetterView(row: DeadLetterRow): DeadLetterView {
  const payload = Buffer.from(row.payload);
  const encoding = isUtf8(payload) ? 'utf8' : 'base64';
  return {
    id: row.dead_letter_id,
    deviceId: row.device_id,
    kind: row.kind,
    topic: row.topic,
    contentType: row.content_type,
    reason: row.reason,
    detail: row.detail,
    payload: payload.toString(encoding),
    payloadEncoding: encoding,
    payloadBytes: payload.length,
    receivedAt: row.received_at.toISOString(),
    replayedAt: row.replayed_at?.toISOString() ?? null,
  };
}

/**
 * The same uplink again. Telemetry keeps the time that it came at, because a reading without a time was made then; what changes the state
 * of the device changes it now.
 */
export const uplinkAgain = (tenant: string, row: DeadLetterRow, nowMs: number): Uplink => ({
  address: deviceAddress(tenant, row.device_id),
  session: 0,
  receivedAtMs: row.kind === 'telemetry' ? row.received_at.getTime() : nowMs,
  kind: row.kind,
  topic: row.topic,
  contentType: row.content_type,
  payload: row.payload,
});

export type DeadLetterFilter = {
  readonly deviceId?: string;
  readonly reason?: string;
  /** Only of devices that fit, for the function `device_fits` of the database; null: of all. */
  readonly within: string | null;
};
export type Before = readonly [us: number, id: string];

/** Newest first, those older than `before`. */
export const listDeadLetters = (
  database: Database,
  tenantId: number,
  filter: DeadLetterFilter,
  before: Before | undefined,
  limit: number,
): Promise<DeadLetterRow[]> =>
  database.query<DeadLetterRow>(
    `SELECT ${COLUMNS} FROM dead_letter l
     WHERE tenant_id = $1 AND ($2::text IS NULL OR device_id = $2) AND ($3::text IS NULL OR reason = $3)
       AND ($4::float8 IS NULL OR
         (received_at, dead_letter_id) < ('epoch'::timestamptz + $4::float8 * interval '1 microsecond', $5::uuid))
       AND ($7::text IS NULL OR EXISTS (
         SELECT FROM device d
         WHERE d.tenant_id = l.tenant_id AND d.device_id = l.device_id AND device_fits(d, $7::text::jsonb)))
     ORDER BY received_at DESC, dead_letter_id DESC LIMIT $6`,
    [
      tenantId,
      filter.deviceId ?? null,
      filter.reason ?? null,
      before?.[0] ?? null,
      before?.[1] ?? null,
      limit,
      filter.within,
    ],
  );

export async function findDeadLetter(
  database: Database,
  tenantId: number,
  id: string,
): Promise<DeadLetterRow | undefined> {
  const [row] = await database.query<DeadLetterRow>(
    `SELECT ${COLUMNS} FROM dead_letter WHERE tenant_id = $1 AND dead_letter_id = $2`,
    [tenantId, id],
  );
  return row;
}

export async function markReplayed(database: Database, tenantId: number, id: string): Promise<void> {
  await database.query(
    `UPDATE dead_letter SET replayed_at = now() WHERE tenant_id = $1 AND dead_letter_id = $2 AND replayed_at IS NULL`,
    [tenantId, id],
  );
}
