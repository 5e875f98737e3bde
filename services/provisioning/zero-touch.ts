/** A device gets its identity with the secret, or the certificate, of its batch: exactly once. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { JsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { ProvisionedView } from '../../contracts/provisioning.contract.ts';
import { appendAudit } from '../../mixins/audit.ts';
import { insertDevices } from '../../mixins/device-registration.ts';
import { withinQuota } from '../../mixins/quotas.ts';
import { noteProvisioned, readDevice } from './batch-devices.ts';
import { giveClaimCode } from './claim-codes.ts';
import { type PreparedCredential, storeCredential } from './first-credentials.ts';
import { type Attempt, type Batch, isStillGood, notGood } from './shown-batches.ts';

type LockedBatch = {
  readonly state: string;
  readonly is_expired: boolean;
  readonly is_full: boolean;
  readonly admits: string;
  readonly claim_codes: boolean;
  readonly device_type: string | null;
  readonly tags: string[];
  readonly groups: string[];
  readonly metadata: JsonObject;
};

/** Rejects with what keeps it from being provisioned; then nothing has happened. */
export const provision = (
  database: Database,
  limits: Limits,
  batch: Batch,
  attempt: Attempt,
  prepared: PreparedCredential,
): Promise<ProvisionedView> =>
  database.transaction(async tx => {
    // Devices of one batch take turns from here: so its number is exact, and two with the same id are one after the other.
    const [locked] = await tx.query<LockedBatch>(
      `SELECT state, coalesce(expires_at <= now(), false) AS is_expired, coalesce(devices >= max_devices, false) AS is_full,
         admits, claim_codes, device_type, tags, groups, metadata
       FROM provisioning_batch WHERE batch_id = $1 FOR UPDATE`,
      [batch.batch_id],
    );
    // The secret was replaced, or the certificate revoked, a moment ago.
    if (locked === undefined || !(await isStillGood(tx, batch))) throw notGood(attempt);
    const { deviceId, address } = attempt;
    const known = await readDevice(tx, batch.batch_id, deviceId);
    if (known?.provisioned_at) throw new SkeinError('already_provisioned', `"${deviceId}" has its credentials already`);
    const isAgain = typeof known?.device_uid === 'number';
    checkOpen(locked, isAgain);
    if (locked.admits === 'listed' && known === undefined)
      throw new SkeinError('forbidden', `The batch does not list "${deviceId}"`);
    const deviceUid = isAgain
      ? await madeBefore(tx, known.device_uid!)
      : await makeDevice(tx, limits, batch, locked, deviceId);
    const stored = await storeCredential(tx, prepared, {
      batch,
      deviceId,
      deviceUid,
      days: limits.deviceCertificateDays,
    });
    await noteProvisioned(tx, batch.batch_id, deviceId, deviceUid, !isAgain);
    const code = locked.claim_codes
      ? await giveClaimCode(tx, deviceUid, limits.claimCodeKeepDays * 24 * 3600)
      : undefined;
    await appendAudit(tx, {
      tenantId: batch.tenant_id,
      actor: `batch ${batch.batch_id}`,
      act: 'device.provisioned',
      target: `device ${deviceId}`,
      address,
      result: 'done',
      data: { ...stored.told, again: isAgain, ...shownIn(batch) },
    });
    const { device_type: type, tags, groups, metadata } = locked;
    return {
      device: { id: deviceId, organization: batch.tenant, type, tags, groups, metadata },
      credentials: stored.credentials,
      ...(code !== undefined && { claimCode: code.text }),
    };
  });

/** With which certificate it came, so that one knows what came of one that was stolen. */
const shownIn = ({ proof }: Batch) => (proof.kind === 'certificate' ? { withCertificate: proof.serialNumber } : {});

/** One that was let in again counts already. */
function checkOpen({ state, is_expired, is_full }: LockedBatch, isAgain: boolean): void {
  if (state !== 'open') throw new SkeinError('provisioning_closed', 'The batch is closed');
  if (is_expired) throw new SkeinError('provisioning_closed', 'The time of the batch is over');
  if (is_full && !isAgain) throw new SkeinError('provisioning_closed', 'The batch has as many devices as it may have');
}

async function makeDevice(
  tx: Transaction,
  limits: Limits,
  { batch_id, tenant_id }: Batch,
  { device_type, tags, groups, metadata }: LockedBatch,
  id: string,
): Promise<number> {
  await withinQuota(tx, limits, tenant_id, 'devices');
  const registration = { tenantId: tenant_id, state: 'provisioned', by: `batch ${batch_id}` } as const;
  const fields = { type: device_type, tags, metadata: { ...metadata } };
  const made = await insertDevices(tx, registration, [{ id, fields, groups }]);
  const uid = made.get(id);
  if (uid === undefined) throw new SkeinError('conflict', `"${id}" is another device already`);
  return uid;
}

/** For one that was let in again. Rejects with `lifecycle_conflict` when it may have no credentials now. */
async function madeBefore(tx: Transaction, deviceUid: number): Promise<number> {
  const [device] = await tx.query<{ state: string }>('SELECT state FROM device WHERE device_uid = $1 FOR UPDATE', [
    deviceUid,
  ]);
  const { state } = device!;
  if (state === 'suspended' || state === 'decommissioned')
    throw new SkeinError('lifecycle_conflict', `The device is ${state}`);
  return deviceUid;
}
