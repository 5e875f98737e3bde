/** The devices of a batch: listed before they come, provisioned when they came. The batch was found by its tenant. */
import type { BatchDeviceView } from '../../contracts/provisioning.contract.ts';
import type { BatchRow, Querying } from './batch-rows.ts';

export type BatchDeviceRow = { device_id: string; device_uid: number | null; provisioned_at: Date | null };

export const batchDeviceView = ({ device_id, provisioned_at }: BatchDeviceRow): BatchDeviceView => ({
  deviceId: device_id,
  state: provisioned_at === null ? 'waiting' : 'provisioned',
  provisionedAt: provisioned_at?.toISOString() ?? null,
});

/** Answers how many were new. The row of the batch is locked, so its number of them is exact. */
export async function listDevices(tx: Querying, { batch_id }: BatchRow, ids: readonly string[]): Promise<number> {
  const [row] = await tx.query<{ added: number }>(
    `WITH added AS (
       INSERT INTO provisioning_device (batch_id, device_id) SELECT $1::uuid, unnest($2::text[]) ON CONFLICT DO NOTHING RETURNING 1),
     counted AS (
       UPDATE provisioning_batch SET listed = listed + (SELECT count(*) FROM added) WHERE batch_id = $1)
     SELECT count(*)::int AS added FROM added`,
    [batch_id, ids],
  );
  return row!.added;
}

export async function readDevice(tx: Querying, batchId: string, deviceId: string): Promise<BatchDeviceRow | undefined> {
  const [row] = await tx.query<BatchDeviceRow>(
    'SELECT device_id, device_uid, provisioned_at FROM provisioning_device WHERE batch_id = $1 AND device_id = $2',
    [batchId, deviceId],
  );
  return row;
}

export const devicesOf = (
  db: Querying,
  { batch_id }: BatchRow,
  state: BatchDeviceView['state'] | undefined,
  after: string | undefined,
  limit: number,
): Promise<BatchDeviceRow[]> =>
  db.query<BatchDeviceRow>(
    `SELECT device_id, device_uid, provisioned_at FROM provisioning_device
     WHERE batch_id = $1 AND ($2::bool IS NULL OR (provisioned_at IS NOT NULL) = $2) AND ($3::text IS NULL OR device_id > $3)
     ORDER BY device_id LIMIT $4`,
    [batch_id, state === undefined ? null : state === 'provisioned', after ?? null, limit],
  );

/** It has its identity now. `isNew`: the batch made the device, so it counts as one more of it. */
export async function noteProvisioned(
  tx: Querying,
  batchId: string,
  deviceId: string,
  deviceUid: number,
  isNew: boolean,
): Promise<void> {
  await tx.query(
    `WITH noted AS (
       INSERT INTO provisioning_device (batch_id, device_id, device_uid, provisioned_at) VALUES ($1, $2, $3, now())
       ON CONFLICT (batch_id, device_id) DO UPDATE SET device_uid = EXCLUDED.device_uid, provisioned_at = now())
     UPDATE provisioning_batch SET devices = devices + 1 WHERE batch_id = $1 AND $4::bool`,
    [batchId, deviceId, deviceUid, isNew],
  );
}

/** What it could show for itself is good no more, and it may be provisioned once more. */
export async function resetDevice(
  tx: Querying,
  batchId: string,
  { device_id, device_uid }: BatchDeviceRow,
): Promise<void> {
  await tx.query('UPDATE provisioning_device SET provisioned_at = NULL WHERE batch_id = $1 AND device_id = $2', [
    batchId,
    device_id,
  ]);
  await tx.query('UPDATE device_key SET revoked_at = now() WHERE device_uid = $1 AND revoked_at IS NULL', [device_uid]);
  await tx.query('UPDATE device_token SET revoked_at = now() WHERE device_uid = $1 AND revoked_at IS NULL', [
    device_uid,
  ]);
  await tx.query(
    `UPDATE certificate SET revoked_at = now(), revoked_for = 'superseded' WHERE device_uid = $1 AND revoked_at IS NULL`,
    [device_uid],
  );
}
