/** A new key of a device in place of its older ones. */
import { insertKey } from '../../adapters/access/device-credentials.ts';
import type { Transaction } from '../../adapters/database/database.ts';
import type { Principal, Revocation } from '../../contracts/access.contract.ts';
import { KEY_COLUMNS, type KeyRow, LIVE } from './credential-rows.ts';
import { given, isWithin, type Scopes, scopesOf, union } from './scopes.ts';

export type Rotation = {
  readonly name: string | undefined;
  readonly scopes: Scopes | undefined;
  readonly graceSeconds: number;
};

type Wanted = { readonly name: string | null; readonly scopes: Scopes; readonly expiresAt: Date | null };

/**
 * Ends the older keys: at once, or after a while. A device ends only those that may do no more than the credential that it shows, so that a
 * lesser one can't shut out a greater one. Answers those, as they are now, and what the new one is to be.
 */
export async function endOlder(
  tx: Transaction,
  deviceUid: number,
  caller: Principal,
  { name, scopes, graceSeconds }: Rotation,
): Promise<{ replaced: KeyRow[]; wanted: Wanted }> {
  const live = await tx.query<KeyRow>(
    `SELECT ${KEY_COLUMNS} FROM device_key WHERE device_uid = $1 AND ${LIVE} ORDER BY created_at DESC, key_id`,
    [deviceUid],
  );
  const most = scopesOf(caller);
  const older = live.filter(it => isWithin(it.scopes, most));
  const usual = older.length === 0 ? most : union(older.map(it => it.scopes));
  const wanted = {
    name: name ?? older[0]?.name ?? null,
    scopes: given(scopes ?? usual, caller),
    expiresAt: successorEnd(older),
  };
  const replaced = await tx.query<KeyRow>(
    `UPDATE device_key SET
       revoked_at = CASE WHEN $2::int = 0 THEN now() END,
       expires_at = CASE WHEN $2::int = 0 THEN expires_at
                    ELSE least(coalesce(expires_at, 'infinity'), now() + make_interval(secs => $2::int)) END
     WHERE key_id = ANY ($1) RETURNING ${KEY_COLUMNS}`,
    [older.map(it => it.key_id), graceSeconds],
  );
  return { replaced, wanted };
}

/** In the place of keys that all end comes one that is good for as long as the longest of them was. Null: it does not end by itself. */
function successorEnd(older: readonly KeyRow[]): Date | null {
  if (older.length === 0 || older.some(it => it.expires_at === null)) return null;
  return new Date(Date.now() + Math.max(...older.map(it => it.expires_at!.getTime() - it.created_at.getTime())));
}

export const addKey = async (
  tx: Transaction,
  deviceUid: number,
  wanted: Wanted,
): Promise<{ row: KeyRow; text: string }> => {
  const key = await insertKey(tx, deviceUid, wanted);
  const [row] = await tx.query<KeyRow>(`SELECT ${KEY_COLUMNS} FROM device_key WHERE key_id = $1`, [key.id]);
  return { row: row!, text: key.text };
};

/**
 * They close the connections of the device, also when the keys work for a while longer: it comes back within that time, and then its connection has
 * the end of the key that it shows.
 */
export const revocationsOf = (tenant: string, device: string, keyIds: readonly string[]): Revocation[] =>
  keyIds.map(subject => ({ kind: 'device_key', tenant, subject, device }));
