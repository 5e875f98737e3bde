/** The statements about legal holds. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { LegalHoldView } from '../../contracts/legal-holds.contract.ts';

type Querying = Pick<Transaction, 'query'>;
export type HoldRow = {
  hold_id: string;
  device_id: string | null;
  device_type: string | null;
  measurement: string | null;
  from_at: Date | null;
  to_at: Date | null;
  reason: string;
  made_by: string;
  created_at: Date;
  released_at: Date | null;
  released_by: string | null;
  release_reason: string | null;
};
const COLUMNS = `hold_id, device_id, device_type, measurement, from_at, to_at, reason, made_by, created_at, released_at, released_by,
  release_reason`;

export const holdView = (row: HoldRow): LegalHoldView => ({
  id: row.hold_id,
  deviceId: row.device_id,
  deviceType: row.device_type,
  measurement: row.measurement,
  from: row.from_at?.toISOString() ?? null,
  to: row.to_at?.toISOString() ?? null,
  reason: row.reason,
  madeBy: row.made_by,
  createdAt: row.created_at.toISOString(),
  releasedAt: row.released_at?.toISOString() ?? null,
  releasedBy: row.released_by,
  releaseReason: row.release_reason,
});

export type NewHold = Pick<
  HoldRow,
  'device_id' | 'device_type' | 'measurement' | 'from_at' | 'to_at' | 'reason' | 'made_by'
>;

export async function insertHold(tx: Querying, tenantId: number, id: string, it: NewHold): Promise<HoldRow> {
  const [row] = await tx.query<HoldRow>(
    `INSERT INTO legal_hold (hold_id, tenant_id, device_id, device_type, measurement, from_at, to_at, reason, made_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ${COLUMNS}`,
    [id, tenantId, it.device_id, it.device_type, it.measurement, it.from_at, it.to_at, it.reason, it.made_by],
  );
  return row!;
}

export async function readHold(db: Querying, tenantId: number, id: string): Promise<HoldRow | undefined> {
  const [row] = await db.query<HoldRow>(`SELECT ${COLUMNS} FROM legal_hold WHERE tenant_id = $1 AND hold_id = $2`, [
    tenantId,
    id,
  ]);
  return row;
}

/** Undefined: it is not there, or was released before. */
export async function releaseHold(
  tx: Querying,
  tenantId: number,
  { id, by, reason }: { readonly id: string; readonly by: string; readonly reason: string },
): Promise<HoldRow | undefined> {
  const [row] = await tx.query<HoldRow>(
    `UPDATE legal_hold SET released_at = now(), released_by = $3, release_reason = $4
     WHERE tenant_id = $1 AND hold_id = $2 AND released_at IS NULL RETURNING ${COLUMNS}`,
    [tenantId, id, by, reason],
  );
  return row;
}

/** The newest first: their ids grow with time. */
export const listHolds = (
  db: Querying,
  tenantId: number,
  open: boolean | undefined,
  before: string | undefined,
  limit: number,
): Promise<HoldRow[]> =>
  db.query<HoldRow>(
    `SELECT ${COLUMNS} FROM legal_hold
     WHERE tenant_id = $1 AND ($2::bool IS NULL OR (released_at IS NULL) = $2) AND ($3::uuid IS NULL OR hold_id < $3)
     ORDER BY hold_id DESC LIMIT $4`,
    [tenantId, open ?? null, before ?? null, limit],
  );

export async function countOpenHolds(db: Querying, tenantId: number): Promise<number> {
  const [row] = await db.query<{ open: number }>(
    'SELECT count(*)::int AS open FROM legal_hold WHERE tenant_id = $1 AND released_at IS NULL',
    [tenantId],
  );
  return row!.open;
}

/** `isErasing`: what a hold would keep is going already. Undefined: there is no such device. */
export async function findDevice(
  tx: Querying,
  tenantId: number,
  deviceId: string,
): Promise<{ isErasing: boolean } | undefined> {
  const [row] = await tx.query<{ isErasing: boolean }>(
    `SELECT erasure_started_at IS NOT NULL AS "isErasing" FROM device WHERE tenant_id = $1 AND device_id = $2`,
    [tenantId, deviceId],
  );
  return row;
}
