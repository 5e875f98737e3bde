/** How many credentials a device has, and may have. */
import type { Transaction } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { LIVE } from './credential-rows.ts';

/** What is counted, as SQL. */
const COUNTED = {
  keys: { table: 'device_key', id: 'key_id' },
  tokens: { table: 'device_token', id: 'token_id' },
} as const;
type Kind = keyof typeof COUNTED;

/** Rejects with `too_many_credentials` when one more is too many. To be asked while the device is held. */
export async function roomForOne(
  tx: Transaction,
  deviceUid: number,
  kind: Kind,
  { most, kept }: { readonly most: number; readonly kept: number },
): Promise<void> {
  const { table, id } = COUNTED[kind];
  const [row] = await tx.query<{ live: number }>(
    `SELECT count(*) AS live FROM ${table} WHERE device_uid = $1 AND ${LIVE}`,
    [deviceUid],
  );
  if (row!.live >= most)
    throw new SkeinError('too_many_credentials', `The device has ${row!.live} ${kind} that work, and may have ${most}`);
  // One that renews without end must not fill the disk: of those that do not work any more only the newest stay.
  await tx.query(
    `DELETE FROM ${table} WHERE ${id} IN (
       SELECT ${id} FROM ${table} WHERE device_uid = $1 AND NOT (${LIVE}) ORDER BY created_at DESC OFFSET $2)`,
    [deviceUid, kept],
  );
}
