/** A device goes from state to state: what that does to it and its credentials, and how it is remembered. */
import type { Transaction } from '../../adapters/database/database.ts';
import { type LifecycleState, type LifecycleStep, nextStates } from '../../contracts/devices.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';
import { COLUMNS, type DeviceRow } from './device-rows.ts';

/** A device that nobody else changes until the transaction ends. */
export type Held = DeviceRow & { readonly device_uid: number; readonly suspended_from: LifecycleState | null };

/** Rejects with `not_found`. */
export async function holdDevice(tx: Transaction, tenantId: number, id: string): Promise<Held> {
  const [row] = await tx.query<Held>(
    `SELECT device_uid, ${COLUMNS}, (
       SELECT from_state FROM device_lifecycle l
       WHERE l.device_uid = d.device_uid AND to_state = 'suspended' ORDER BY step_id DESC LIMIT 1) AS suspended_from
     FROM device d WHERE tenant_id = $1 AND device_id = $2 FOR NO KEY UPDATE OF d`,
    [tenantId, id],
  );
  if (row === undefined) throw unknownDevice(id);
  return row;
}

type Change = {
  readonly to: LifecycleState;
  readonly reason: string | undefined;
  readonly changedBy: string;
  readonly version: number | undefined;
};

/**
 * Takes the device to another state, and writes that down. To the state that it has: changes nothing, whatever the version. Rejects with
 * `lifecycle_conflict`, and with `stale_version` when it has another version.
 */
export async function changeState(
  tx: Transaction,
  held: Held,
  { to, reason, changedBy, version }: Change,
): Promise<DeviceRow> {
  if (held.state === to) return held;
  const allowed = nextStates(held.state, held.suspended_from);
  if (!allowed.includes(to)) throw notAllowed(held.state, to, allowed);
  if (version !== undefined && version !== held.version)
    throw new SkeinError('stale_version', `The device has version ${held.version}`, { version: held.version });
  const [row] = await tx.query<DeviceRow>(
    `UPDATE device SET state = $2, state_reason = $3, state_changed_at = now(), version = version + 1, updated_at = now(),
       claim_hash = CASE WHEN $2 = 'decommissioned' THEN NULL ELSE claim_hash END
     WHERE device_uid = $1 RETURNING ${COLUMNS}`,
    [held.device_uid, to, reason ?? null],
  );
  await tx.query(
    `INSERT INTO device_lifecycle (device_uid, from_state, to_state, reason, changed_by) VALUES ($1, $2, $3, $4, $5)`,
    [held.device_uid, held.state, to, reason ?? null, changedBy],
  );
  if (to === 'decommissioned') await endCredentials(tx, held.device_uid);
  return row!;
}

/** They have nobody left to be for. The revocation of the device itself is what tells the nodes. */
async function endCredentials(tx: Transaction, deviceUid: number): Promise<void> {
  await tx.query('UPDATE device_key SET revoked_at = now() WHERE device_uid = $1 AND revoked_at IS NULL', [deviceUid]);
  await tx.query('UPDATE device_token SET revoked_at = now() WHERE device_uid = $1 AND revoked_at IS NULL', [
    deviceUid,
  ]);
  await tx.query(
    `UPDATE certificate SET revoked_at = now(), revoked_for = 'cessationOfOperation'
     WHERE device_uid = $1 AND revoked_at IS NULL`,
    [deviceUid],
  );
}

const notAllowed = (from: LifecycleState, to: LifecycleState, allowed: readonly LifecycleState[]): SkeinError =>
  new SkeinError(
    'lifecycle_conflict',
    allowed.length === 0
      ? `A ${from} device stays ${from}`
      : `A device that is ${from} can not become ${to}, but ${allowed.join(', ')}`,
    { state: from, allowed },
  );

/** As it is named in the audit log. */
export const actOf = (from: LifecycleState, to: LifecycleState): string =>
  to === 'suspended' || to === 'decommissioned'
    ? `device.${to}`
    : from === 'suspended'
      ? 'device.resumed'
      : to === 'active'
        ? 'device.activated'
        : `device.${to}`;

export type StepRow = {
  step_id: number;
  from_state: LifecycleState | null;
  to_state: LifecycleState;
  reason: string | null;
  changed_by: string;
  at: Date;
};

export const stepView = (row: StepRow): LifecycleStep => ({
  from: row.from_state,
  to: row.to_state,
  reason: row.reason,
  changedBy: row.changed_by,
  at: row.at.toISOString(),
});

/** The newest first, before `before`. Undefined: there is no such device. */
export async function readSteps(
  db: Pick<Transaction, 'query'>,
  tenantId: number,
  id: string,
  before: number | undefined,
  limit: number,
): Promise<StepRow[] | undefined> {
  const rows = await db.query<StepRow | { step_id: null }>(
    `SELECT l.* FROM device d LEFT JOIN LATERAL (
       SELECT step_id, from_state, to_state, reason, changed_by, at FROM device_lifecycle
       WHERE device_uid = d.device_uid AND ($3::int8 IS NULL OR step_id < $3) ORDER BY step_id DESC LIMIT $4) l ON true
     WHERE d.tenant_id = $1 AND d.device_id = $2`,
    [tenantId, id, before ?? null, limit],
  );
  return rows.length === 0 ? undefined : rows.filter((row): row is StepRow => row.step_id !== null);
}
