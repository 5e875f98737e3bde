/** Rows of dead letters, and how they look outside. */
import { isUtf8 } from 'node:buffer';
import type { Database } from '../../adapters/database/database.ts';
import { isUuid } from '../../contracts/addresses.ts';
import type { DeadLetterView } from '../../contracts/dead-letters.contract.ts';
import type { DeadLetterReason, UplinkKind } from '../../contracts/uplinks.ts';
import { MATCHES, type Matching, matchingParams } from './matching.ts';

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
  tried_at: Date | null;
  attempts: number;
  replayed_at: Date | null;
};
export const COLUMNS = `l.dead_letter_id, l.device_id, l.kind, l.topic, l.content_type, l.reason, l.detail, l.payload,
  l.received_at, l.tried_at, l.attempts, l.replayed_at, (extract(epoch FROM l.received_at) * 1000000)::int8 AS us`;

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
    triedAt: row.tried_at?.toISOString() ?? null,
    attempts: row.attempts,
    replayedAt: row.replayed_at?.toISOString() ?? null,
  };
}

export type Before = readonly [us: number, id: string];

/** Newest first, those older than `before`. */
export const listDeadLetters = (
  database: Database,
  tenantId: number,
  matching: Matching,
  before: Before | undefined,
  limit: number,
): Promise<DeadLetterRow[]> =>
  database.query<DeadLetterRow>(
    `SELECT ${COLUMNS} FROM dead_letter l
     WHERE l.tenant_id = $1 AND ${MATCHES}
       AND ($9::float8 IS NULL OR
         (received_at, dead_letter_id) < ('epoch'::timestamptz + $9::float8 * interval '1 microsecond', $10::uuid))
     ORDER BY received_at DESC, dead_letter_id DESC LIMIT $11`,
    [tenantId, ...matchingParams(matching), before?.[0] ?? null, before?.[1] ?? null, limit],
  );

export async function findDeadLetter(
  database: Database,
  tenantId: number,
  id: string,
): Promise<DeadLetterRow | undefined> {
  const [row] = await database.query<DeadLetterRow>(
    `SELECT ${COLUMNS} FROM dead_letter l WHERE l.tenant_id = $1 AND dead_letter_id = $2`,
    [tenantId, id],
  );
  return row;
}
