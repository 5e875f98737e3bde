/** What a caller says of a batch: checked, and stored. */
import { uuidv7 } from 'uuidv7';
import { newKey } from '../../adapters/access/keys.ts';
import type { Transaction } from '../../adapters/database/database.ts';
import { isDeviceId } from '../../contracts/addresses.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { JsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Admission, BatchCredentials, BatchView } from '../../contracts/provisioning.contract.ts';
import { checkText } from '../../mixins/bounded-json.ts';
import { checkFields } from '../../mixins/device-fields.ts';
import { momentOf } from '../../mixins/moments.ts';
import { listDevices } from './batch-devices.ts';
import {
  type BatchRow,
  batchView,
  countBatches,
  insertBatch,
  readBatch,
  replaceSecret,
  shownKey,
} from './batch-rows.ts';

export type BatchSaid = {
  readonly name: string;
  readonly type?: string | null;
  readonly tags?: string[];
  readonly groups?: string[];
  readonly metadata?: JsonObject;
  readonly admits: Admission;
  readonly deviceIds?: string[];
  readonly claimCodes?: boolean;
  readonly maxDevices?: number | null;
  readonly expiresAt?: string | null;
};
export type NewBatchView = { batch: BatchView; credentials: BatchCredentials };

/** Undefined stays undefined: nothing was said. */
export const expiryOf = (expiresAt: string | null | undefined): Date | null | undefined =>
  typeof expiresAt === 'string' ? momentOf('expiresAt', expiresAt) : expiresAt;

/** Rejects with `invalid_request`, `too_large`. */
export function checkBatch(said: BatchSaid, limits: Limits): void {
  const { name, type, tags, groups, metadata, admits, deviceIds } = said;
  checkText('name', name);
  for (const it of groups ?? []) checkText('groups', it);
  checkFields({ ...(type && { type }), ...(tags && { tags }), ...(metadata && { metadata: { ...metadata } }) }, limits);
  if (admits === 'any' && deviceIds != null)
    throw new SkeinError('invalid_request', 'deviceIds are for a batch that admits listed devices');
  checkIds(deviceIds ?? [], limits);
  expiryOf(said.expiresAt);
}

/** Rejects with `invalid_request`, or `too_large` when they are too many for one request. */
export function checkIds(ids: readonly string[], limits: Limits): void {
  const { deviceIdMaxLength, provisioningRequestMaxDevices } = limits;
  if (ids.length > provisioningRequestMaxDevices)
    throw new SkeinError('too_large', `deviceIds has at most ${provisioningRequestMaxDevices} items in one request`);
  const wrong = ids.find(it => !isDeviceId(it, deviceIdMaxLength));
  if (wrong !== undefined)
    throw new SkeinError('invalid_request', `deviceIds: "${wrong.slice(0, 100)}" is no id that a device can have`);
}

/** In a transaction. Rejects with `conflict`, `not_found` (a group) or `too_large`. */
export async function makeBatch(
  tx: Transaction,
  said: BatchSaid,
  { tenantId, createdBy, limits }: { readonly tenantId: number; readonly createdBy: string; readonly limits: Limits },
): Promise<NewBatchView> {
  const { groups = [], deviceIds = [] } = said;
  await checkGroups(tx, tenantId, groups ?? []);
  // Whoever makes one at the same time waits, so that the number of them is exact.
  await tx.query('SELECT FROM tenant WHERE tenant_id = $1 FOR NO KEY UPDATE', [tenantId]);
  if ((await countBatches(tx, tenantId)) >= limits.provisioningBatches)
    throw new SkeinError('too_large', `An organization has at most ${limits.provisioningBatches} batches`);
  const { id: keyId, secret, hash } = newKey('device');
  const row = await insertBatch(tx, {
    id: uuidv7(),
    tenantId,
    name: said.name,
    type: said.type ?? null,
    tags: [...new Set(said.tags)],
    groups: [...new Set(groups)],
    metadata: said.metadata ?? {},
    admits: said.admits,
    claimCodes: said.claimCodes ?? false,
    maxDevices: said.maxDevices ?? null,
    expiresAt: expiryOf(said.expiresAt) ?? null,
    createdBy,
    keyId,
    secretHash: hash,
  });
  if (row === undefined) throw new SkeinError('conflict', `A batch "${said.name}" exists already`);
  if (deviceIds !== null && deviceIds.length > 0) await addDevices(tx, row, deviceIds, limits);
  const whole = await readBatch(tx, tenantId, row.batch_id);
  return { batch: batchView(whole!), credentials: { provisioningKey: shownKey(keyId), provisioningSecret: secret } };
}

/** The batch is locked. Rejects with `too_large`. */
export async function addDevices(
  tx: Transaction,
  batch: BatchRow,
  ids: readonly string[],
  { provisioningListedDevices }: Limits,
): Promise<{ added: number; listed: number }> {
  const added = await listDevices(tx, batch, [...new Set(ids)]);
  const listed = batch.listed + added;
  if (listed > provisioningListedDevices)
    throw new SkeinError('too_large', `A batch lists at most ${provisioningListedDevices} devices`);
  return { added, listed };
}

export async function rotateSecret(tx: Transaction, batch: BatchRow): Promise<NewBatchView> {
  const { secret, hash } = newKey('device');
  const row = await replaceSecret(tx, batch, hash);
  const provisioningKey = shownKey(row.key_id);
  return { batch: batchView(row), credentials: { provisioningKey, provisioningSecret: secret } };
}

async function checkGroups(tx: Transaction, tenantId: number, groups: readonly string[]): Promise<void> {
  const known = await tx.query<{ name: string }>(
    'SELECT name FROM device_group WHERE tenant_id = $1 AND name = ANY ($2)',
    [tenantId, groups],
  );
  const missing = groups.find(name => !known.some(it => it.name === name));
  if (missing !== undefined) throw new SkeinError('not_found', `There is no group "${missing.slice(0, 100)}"`);
}
