/** The rows of logins. Whatever ends one writes a revocation as well, so that its access tokens stop on every node. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { MemberPrincipal, Revocation } from '../../contracts/access.contract.ts';
import type { LoginView } from '../../contracts/auth.contract.ts';
import { revoke } from '../../mixins/revocations.ts';
import type { Account } from './accounts.ts';
import { hashesOf, type RefreshToken } from './refresh-tokens.ts';

export type Client = { readonly address: string | null; readonly userAgent: string | null };
type Whose = Pick<Account, 'user_id' | 'tenant_id' | 'slug'>;

/** As much as tells one browser from another. */
const USER_AGENT_MAX_LENGTH = 200;

export async function insertLogin(
  tx: Transaction,
  { user_id, tenant_id }: Whose,
  token: RefreshToken,
  { address, userAgent }: Client,
  maxDays: number,
): Promise<void> {
  const { family_hash, refresh_hash } = hashesOf(token);
  await tx.query(
    `INSERT INTO login (login_id, tenant_id, user_id, generation, family_hash, refresh_hash, address, user_agent, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(days => $9))`,
    [
      token.loginId,
      tenant_id,
      user_id,
      token.generation,
      family_hash,
      refresh_hash,
      address,
      userAgent?.replaceAll('\0', '').slice(0, USER_AGENT_MAX_LENGTH).toWellFormed() ?? null,
      maxDays,
    ],
  );
}

type Ending = {
  /** Only this one. */
  readonly only?: string;
  /** All but this one. */
  readonly except?: string;
  /** So many of those that were used last stay. */
  readonly keep?: number;
  readonly why: 'logout' | 'password' | 'too_many' | 'reused';
};

/** Ends logins of a user, in this transaction. What it answers is announced after it. */
export async function endLogins(
  tx: Transaction,
  { tenant_id, user_id, slug }: Whose,
  { only, except, keep = 0, why }: Ending,
): Promise<Revocation[]> {
  const rows = await tx.query<{ login_id: string }>(
    `UPDATE login SET revoked_at = now(), revoked_for = $6 WHERE login_id IN (
       SELECT login_id FROM login
       WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL
         AND ($3::uuid IS NULL OR login_id = $3) AND ($4::uuid IS NULL OR login_id <> $4)
       ORDER BY last_used_at DESC, login_id OFFSET $5)
     RETURNING login_id`,
    [tenant_id, user_id, only, except, keep, why],
  );
  const revoked = rows.map((it): Revocation => ({ kind: 'login', tenant: slug, subject: it.login_id }));
  await revoke(tx, revoked);
  return revoked;
}

type Row = {
  login_id: string;
  address: string | null;
  user_agent: string | null;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
};

/** Those that go on, the newest first. */
export async function listLogins(
  database: Database,
  { tenantId, id, login: current }: Pick<MemberPrincipal, 'tenantId' | 'id' | 'login'>,
  limits: { readonly refreshTokenDays: number; readonly loginsPerUser: number },
): Promise<LoginView[]> {
  const rows = await database.query<Row>(
    `SELECT login_id, address, user_agent, created_at, last_used_at, expires_at FROM login
     WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > now()
       AND last_used_at > now() - make_interval(days => $3)
     ORDER BY created_at DESC, login_id LIMIT $4`,
    [tenantId, id, limits.refreshTokenDays, limits.loginsPerUser],
  );
  return rows.map(row => ({
    id: row.login_id,
    current: row.login_id === current,
    address: row.address,
    userAgent: row.user_agent,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
  }));
}
