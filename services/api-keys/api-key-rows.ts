/** The statements about API keys of programs. Each names its tenant. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { ApiKeyView } from '../../contracts/api-keys.contract.ts';
import type { Permission } from '../../contracts/permissions.ts';

type Querying = Pick<Transaction, 'query'>;
export type KeyName = { readonly tenantId: number; readonly id: string };

const COLUMNS = 'key_id, name, roles, permissions, created_by, created_at, expires_at, last_used_at, revoked_at';

export type ApiKeyRow = {
  key_id: string;
  name: string;
  roles: string[];
  permissions: Permission[] | null;
  created_by: string | null;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
};

export const apiKeyView = (row: ApiKeyRow): ApiKeyView => ({
  id: row.key_id,
  name: row.name,
  roles: row.roles,
  permissions: row.permissions,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at?.toISOString() ?? null,
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
  revokedAt: row.revoked_at?.toISOString() ?? null,
});

export async function readKey(db: Querying, { tenantId, id }: KeyName): Promise<ApiKeyRow | undefined> {
  const [row] = await db.query<ApiKeyRow>(`SELECT ${COLUMNS} FROM api_key WHERE tenant_id = $1 AND key_id = $2`, [
    tenantId,
    id,
  ]);
  return row;
}

/** Nobody else changes it until the transaction ends. `isOver`: it no longer works. */
export async function lockKey(
  tx: Querying,
  { tenantId, id }: KeyName,
): Promise<(ApiKeyRow & { readonly is_over: boolean }) | undefined> {
  const [row] = await tx.query<ApiKeyRow & { is_over: boolean }>(
    `SELECT ${COLUMNS}, revoked_at IS NOT NULL OR coalesce(expires_at <= now(), false) AS is_over
     FROM api_key WHERE tenant_id = $1 AND key_id = $2 FOR NO KEY UPDATE`,
    [tenantId, id],
  );
  return row;
}

export type NewKeyRow = {
  readonly hash: Uint8Array;
  readonly name: string;
  readonly roles: readonly string[];
  readonly permissions: readonly Permission[] | null;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
};

export async function insertKey(tx: Querying, { tenantId, id }: KeyName, it: NewKeyRow): Promise<ApiKeyRow> {
  const [row] = await tx.query<ApiKeyRow>(
    `INSERT INTO api_key (key_id, tenant_id, name, secret_hash, roles, permissions, created_by, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
    [id, tenantId, it.name, it.hash, it.roles, it.permissions, it.createdBy, it.expiresAt],
  );
  return row!;
}

/** Undefined when there is none. */
export async function renameKey(tx: Querying, { tenantId, id }: KeyName, name: string): Promise<ApiKeyRow | undefined> {
  const [row] = await tx.query<ApiKeyRow>(
    `UPDATE api_key SET name = $3 WHERE tenant_id = $1 AND key_id = $2 RETURNING ${COLUMNS}`,
    [tenantId, id, name],
  );
  return row;
}

/** Undefined when there is none that was not revoked before. */
export async function revokeKey(tx: Querying, { tenantId, id }: KeyName): Promise<ApiKeyRow | undefined> {
  const [row] = await tx.query<ApiKeyRow>(
    `UPDATE api_key SET revoked_at = now() WHERE tenant_id = $1 AND key_id = $2 AND revoked_at IS NULL RETURNING ${COLUMNS}`,
    [tenantId, id],
  );
  return row;
}

/** It works for so much longer, unless it ends before. */
export const endKeyIn = (tx: Querying, { tenantId, id }: KeyName, seconds: number): Promise<unknown> =>
  tx.query(
    `UPDATE api_key SET expires_at = least(expires_at, now() + make_interval(secs => $3))
     WHERE tenant_id = $1 AND key_id = $2`,
    [tenantId, id, seconds],
  );

export const listKeys = (db: Querying, tenantId: number, after: string, limit: number): Promise<ApiKeyRow[]> =>
  db.query<ApiKeyRow>(`SELECT ${COLUMNS} FROM api_key WHERE tenant_id = $1 AND key_id > $2 ORDER BY key_id LIMIT $3`, [
    tenantId,
    after,
    limit,
  ]);
