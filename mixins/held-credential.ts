/**
 * A device that gives itself a new credential must still have the one that it shows when the new one is stored. What was found out when it showed
 * it may be some seconds old, or of before its connection was opened: else a stolen credential would outlive its revocation by its successor.
 */
import type { Transaction } from '../adapters/database/database.ts';
import type { DeviceCredential, Principal } from '../contracts/access.contract.ts';
import { SkeinError } from '../contracts/errors.ts';

/** Holds the row, so that whoever revokes it comes before or after, and then sees the new one. */
const HOLD: { readonly [kind in DeviceCredential['kind']]: string } = {
  device_key: `SELECT 1 AS one FROM device_key
    WHERE key_id = $1 AND device_uid = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) FOR SHARE`,
  device_token: `SELECT 1 AS one FROM device_token
    WHERE token_id = $1::uuid AND device_uid = $2 AND revoked_at IS NULL AND expires_at > now() FOR SHARE`,
  certificate: `SELECT 1 AS one FROM certificate
    WHERE serial_number = $1 AND device_uid = $2 AND revoked_at IS NULL AND not_after > now()
      AND (replaced_from IS NULL OR replaced_from > now()) FOR SHARE`,
};
const WORKS = `SELECT 1 AS one FROM device d JOIN tenant t USING (tenant_id)
  WHERE d.device_uid = $1 AND d.state NOT IN ('suspended', 'decommissioned') AND t.state = 'active'`;

/** To be called while the device is held. Of others than devices nothing is asked. Rejects with `unauthorized`. */
export async function holdCredential(tx: Pick<Transaction, 'query'>, caller: Principal): Promise<void> {
  if (caller.kind !== 'device') return;
  const { credential, deviceUid } = caller;
  const works = credential !== undefined && (await tx.query(WORKS, [deviceUid])).length > 0;
  if (works && (await tx.query(HOLD[credential.kind], [credential.subject, deviceUid])).length > 0) return;
  throw new SkeinError('unauthorized', 'The credential that was shown is not valid any more');
}
