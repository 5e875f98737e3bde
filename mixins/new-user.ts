/** Users as they are kept, and how one is made. */
import type { Transaction } from '../adapters/database/database.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { UserView } from '../contracts/users.contract.ts';
import { type QuotaLimits, withinQuota } from './quotas.ts';

export type UserName = { readonly tenantId: number; readonly id: string };

export const USER_COLUMNS = `user_id, email, name, roles, state, password_hash IS NOT NULL AS has_password, last_login_at, version, created_at, updated_at`;

export type UserRow = {
  user_id: string;
  email: string;
  name: string | null;
  roles: string[];
  state: UserView['state'];
  has_password: boolean;
  last_login_at: Date | null;
  version: number;
  created_at: Date;
  updated_at: Date;
};

export const userView = (row: UserRow): UserView => ({
  id: row.user_id,
  email: row.state === 'erased' ? null : row.email,
  name: row.name,
  roles: row.roles,
  state: row.state,
  hasPassword: row.has_password,
  lastLoginAt: row.last_login_at?.toISOString() ?? null,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

export type NewUser = {
  readonly email: string;
  readonly name: string | null;
  readonly roles: readonly string[];
  readonly passwordHash: string | null;
};

/** Rejects with `quota_exceeded`, and with `conflict` when the tenant has a user with this address. */
export async function insertUser(
  tx: Transaction,
  limits: QuotaLimits,
  { tenantId, id }: UserName,
  it: NewUser,
): Promise<UserRow> {
  await withinQuota(tx, limits, tenantId, 'users');
  const [row] = await tx.query<UserRow>(
    `INSERT INTO app_user (user_id, tenant_id, email, name, roles, password_hash) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (tenant_id, email) DO NOTHING RETURNING ${USER_COLUMNS}`,
    [id, tenantId, it.email, it.name, it.roles, it.passwordHash],
  );
  if (row === undefined) throw new SkeinError('conflict', 'A user with this email exists already');
  return row;
}
