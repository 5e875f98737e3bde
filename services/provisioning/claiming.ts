/** A user claims a device with the code that came with it. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import { isUuid } from '../../contracts/addresses.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ClaimCodeView, ClaimView } from '../../contracts/provisioning.contract.ts';
import { limitFor } from '../../mixins/access-control.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';
import { claimHash, giveClaimCode } from './claim-codes.ts';

type ClaimRow = { device_id: string; claimed_by: string | null; claimed_at: Date | null };

const claimView = (row: ClaimRow): ClaimView => ({
  deviceId: row.device_id,
  claimedBy: row.claimed_by,
  claimedAt: row.claimed_at?.toISOString() ?? null,
});

/** Rejects with `forbidden` when the caller is no person who can have devices. */
export async function claimant(tx: Transaction, { kind, id, tenantId }: MemberPrincipal): Promise<string> {
  if (kind !== 'user') throw new SkeinError('forbidden', 'Only a user can claim a device, not an API key');
  const isKnown =
    isUuid(id) &&
    (await tx.query('SELECT FROM app_user WHERE user_id = $1 AND tenant_id = $2', [id, tenantId])).length > 0;
  if (!isKnown)
    throw new SkeinError('forbidden', 'Only a user with an account here can claim a device, not one of another issuer');
  return id;
}

/** Works once for each code. Rejects with `not_found`, never saying whether the code was wrong, used or too old. */
export async function claimDevice(
  tx: Transaction,
  tenantId: number,
  userId: string,
  claimCode: string,
): Promise<ClaimView> {
  const hash = claimHash(claimCode);
  const [row] =
    hash === undefined
      ? []
      : await tx.query<ClaimRow>(
          `UPDATE device SET claimed_by = $3, claimed_at = now(), claim_hash = NULL, claim_expires_at = NULL, updated_at = now(),
             version = version + 1
           WHERE tenant_id = $1 AND claim_hash = $2 AND claim_expires_at > now() AND claimed_by IS NULL AND state <> 'decommissioned'
           RETURNING device_id, claimed_by, claimed_at`,
          [tenantId, hash, userId],
        );
  if (row === undefined) throw new SkeinError('not_found', 'The claim code is not valid');
  return claimView(row);
}

export async function newClaimCode(
  tx: Transaction,
  tenantId: number,
  deviceId: string,
  ttlSeconds: number,
): Promise<ClaimCodeView> {
  const device = await lockDevice(tx, tenantId, deviceId);
  if (device.state === 'decommissioned')
    throw new SkeinError('lifecycle_conflict', 'A decommissioned device can not be claimed');
  if (device.claimed_by !== null)
    throw new SkeinError('conflict', 'The device is claimed; its claim must be released first');
  const { text, expiresAt } = await giveClaimCode(tx, device.device_uid, ttlSeconds);
  return { deviceId, claimCode: text, expiresAt: expiresAt.toISOString() };
}

/** Answers whose it was: null when nobody had claimed it. Rejects with `forbidden` when it is another user's. */
export async function releaseDevice(
  tx: Transaction,
  caller: MemberPrincipal,
  deviceId: string,
): Promise<{ view: ClaimView; before: string | null }> {
  const { tenantId } = caller;
  const device = await lockDevice(tx, tenantId, deviceId);
  const before = device.claimed_by;
  if (before !== null) {
    if (before !== caller.id && !(await mayIssue(tx, caller, deviceId)))
      throw new SkeinError('forbidden', 'Another user has claimed the device');
    await tx.query(
      `UPDATE device SET claimed_by = NULL, claimed_at = NULL, updated_at = now(), version = version + 1 WHERE device_uid = $1`,
      [device.device_uid],
    );
  }
  return { view: claimView({ device_id: deviceId, claimed_by: null, claimed_at: null }), before };
}

/** Whether the caller may issue credentials of this device: then its claims are the caller's business too. */
async function mayIssue(tx: Transaction, caller: MemberPrincipal, deviceId: string): Promise<boolean> {
  const limit = limitFor(caller, ['devices:credentials']);
  if (limit === undefined) return false;
  const fits = await tx.query(
    `SELECT FROM device d WHERE tenant_id = $1 AND device_id = $2 AND ($3::text IS NULL OR device_fits(d, $3::text::jsonb))`,
    [caller.tenantId, deviceId, limit],
  );
  return fits.length > 0;
}

type LockedDevice = { device_uid: number; state: string; claimed_by: string | null };

async function lockDevice(tx: Transaction, tenantId: number, deviceId: string): Promise<LockedDevice> {
  const [device] = await tx.query<LockedDevice>(
    'SELECT device_uid, state, claimed_by FROM device WHERE tenant_id = $1 AND device_id = $2 FOR UPDATE',
    [tenantId, deviceId],
  );
  if (device === undefined) throw unknownDevice(deviceId);
  return device;
}
