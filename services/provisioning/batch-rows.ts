/** Rows of batches, and how they look outside. Each statement names its tenant. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { JsonObject } from '../../contracts/json.ts';
import type { Admission, BatchState, BatchView } from '../../contracts/provisioning.contract.ts';

export type Querying = Pick<Transaction, 'query'>;

const COLUMNS = `batch_id, tenant_id, name, device_type, tags, groups, metadata, admits, state, claim_codes, max_devices, devices, listed, key_id,
  created_by, created_at, expires_at`;

export type BatchRow = {
  batch_id: string;
  tenant_id: number;
  name: string;
  device_type: string | null;
  tags: string[];
  groups: string[];
  metadata: JsonObject;
  admits: Admission;
  state: BatchState;
  claim_codes: boolean;
  max_devices: number | null;
  devices: number;
  listed: number;
  key_id: string;
  created_by: string;
  created_at: Date;
  expires_at: Date | null;
};

/** So that people and scanners of secrets know what it is. */
const KEY_PREFIX = 'skp_';
export const shownKey = (keyId: string): string => KEY_PREFIX + keyId;
/** Of what a device sends; whatever is no key is the key of no batch. */
export const keyIdOf = (provisioningKey: string): string | undefined =>
  /^skp_([0-9A-Za-z]{12,24})$/.exec(provisioningKey)?.[1];

export const batchView = (row: BatchRow): BatchView => ({
  id: row.batch_id,
  name: row.name,
  type: row.device_type,
  tags: row.tags,
  groups: row.groups,
  metadata: row.metadata,
  admits: row.admits,
  state: row.state,
  claimCodes: row.claim_codes,
  maxDevices: row.max_devices,
  devices: row.devices,
  listed: row.listed,
  provisioningKey: shownKey(row.key_id),
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at?.toISOString() ?? null,
});

export type NewBatch = {
  readonly id: string;
  readonly tenantId: number;
  readonly name: string;
  readonly type: string | null;
  readonly tags: readonly string[];
  readonly groups: readonly string[];
  readonly metadata: JsonObject;
  readonly admits: Admission;
  readonly claimCodes: boolean;
  readonly maxDevices: number | null;
  readonly expiresAt: Date | null;
  readonly createdBy: string;
  readonly keyId: string;
  readonly secretHash: Uint8Array;
};

/** Undefined: the tenant has a batch of this name. */
export async function insertBatch(tx: Querying, batch: NewBatch): Promise<BatchRow | undefined> {
  const [row] = await tx.query<BatchRow>(
    `INSERT INTO provisioning_batch (batch_id, tenant_id, name, device_type, tags, groups, metadata, admits, claim_codes, max_devices,
       expires_at, created_by, key_id, secret_hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9, $10, $11, $12, $13, $14)
     ON CONFLICT (tenant_id, name) DO NOTHING RETURNING ${COLUMNS}`,
    [
      batch.id,
      batch.tenantId,
      batch.name,
      batch.type,
      batch.tags,
      batch.groups,
      JSON.stringify(batch.metadata),
      batch.admits,
      batch.claimCodes,
      batch.maxDevices,
      batch.expiresAt,
      batch.createdBy,
      batch.keyId,
      batch.secretHash,
    ],
  );
  return row;
}

export async function countBatches(tx: Querying, tenantId: number): Promise<number> {
  const [row] = await tx.query<{ batches: number }>(
    'SELECT count(*)::int AS batches FROM provisioning_batch WHERE tenant_id = $1',
    [tenantId],
  );
  return row!.batches;
}

export async function readBatch(db: Querying, tenantId: number, id: string): Promise<BatchRow | undefined> {
  const [row] = await db.query<BatchRow>(
    `SELECT ${COLUMNS} FROM provisioning_batch WHERE tenant_id = $1 AND batch_id = $2`,
    [tenantId, id],
  );
  return row;
}

/** Nobody else changes it, and none of its devices is provisioned, until the transaction ends. */
export async function lockBatch(tx: Querying, tenantId: number, id: string): Promise<BatchRow | undefined> {
  const [row] = await tx.query<BatchRow>(
    `SELECT ${COLUMNS} FROM provisioning_batch WHERE tenant_id = $1 AND batch_id = $2 FOR UPDATE`,
    [tenantId, id],
  );
  return row;
}

export const listBatches = (
  db: Querying,
  tenantId: number,
  state: string | undefined,
  before: string | undefined,
  limit: number,
): Promise<BatchRow[]> =>
  db.query<BatchRow>(
    `SELECT ${COLUMNS} FROM provisioning_batch
     WHERE tenant_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR batch_id < $3)
     ORDER BY batch_id DESC LIMIT $4`,
    [tenantId, state ?? null, before ?? null, limit],
  );

/** Undefined leaves it as it is. */
export type BatchChange = {
  readonly state?: BatchState | undefined;
  readonly maxDevices?: number | null | undefined;
  readonly expiresAt?: Date | null | undefined;
};

export async function updateBatch(tx: Querying, { batch_id }: BatchRow, change: BatchChange): Promise<BatchRow> {
  const [row] = await tx.query<BatchRow>(
    `UPDATE provisioning_batch SET state = coalesce($2, state),
       max_devices = CASE WHEN $3::bool THEN $4 ELSE max_devices END,
       expires_at = CASE WHEN $5::bool THEN $6 ELSE expires_at END
     WHERE batch_id = $1 RETURNING ${COLUMNS}`,
    [
      batch_id,
      change.state ?? null,
      change.maxDevices !== undefined,
      change.maxDevices ?? null,
      change.expiresAt !== undefined,
      change.expiresAt ?? null,
    ],
  );
  return row!;
}

export async function replaceSecret(tx: Querying, { batch_id }: BatchRow, secretHash: Uint8Array): Promise<BatchRow> {
  const [row] = await tx.query<BatchRow>(
    `UPDATE provisioning_batch SET secret_hash = $2 WHERE batch_id = $1 RETURNING ${COLUMNS}`,
    [batch_id, secretHash],
  );
  return row!;
}
