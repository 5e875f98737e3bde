/** The rows of users, as far as logging in needs them. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { SignedInUser } from '../../contracts/auth.contract.ts';

export type Account = {
  readonly user_id: string;
  readonly tenant_id: number;
  readonly slug: string;
  readonly email: string;
  readonly name: string | null;
  readonly roles: string[];
  readonly password_hash: string | null;
  readonly totp_secret: Uint8Array | null;
  readonly totp_confirmed: boolean;
  /** The user and its tenant. */
  readonly is_active: boolean;
};
/** A tenant without the user has nulls in the place of the user. */
type Nobody = { readonly [K in keyof Omit<Account, 'tenant_id' | 'slug'>]: null };
type Found = { readonly tenant_id: number; readonly slug: string } & (Account | Nobody);

const COLUMNS = `t.tenant_id, t.slug, u.user_id, u.email, u.name, u.roles, u.password_hash, u.totp_secret, u.totp_confirmed,
  u.state = 'active' AND t.state = 'active' AS is_active`;

/**
 * The account of an address, and to whose audit log it belongs when somebody fails to log in: its tenant's; of a tenant that there is not, that
 * of the tenant that runs the system. So it is the same work for all.
 */
export async function findAccount(
  database: Pick<Database, 'query'>,
  organization: string,
  email: string,
): Promise<{ readonly account: Account | undefined; readonly auditTenantId: number | undefined }> {
  const [row] = await database.query<Found & { is_asked: boolean }>(
    `SELECT ${COLUMNS}, t.slug = $1 AS is_asked
     FROM tenant t LEFT JOIN app_user u ON u.tenant_id = t.tenant_id AND t.slug = $1 AND u.email = $2
     WHERE t.slug = $1 OR t.is_operator ORDER BY t.slug = $1 DESC, t.tenant_id LIMIT 1`,
    [organization, email],
  );
  const account = row?.is_asked === true && row.user_id !== null ? row : undefined;
  return { account, auditTenantId: row?.tenant_id };
}

export async function accountOf(
  database: Pick<Transaction, 'query'>,
  tenantId: number,
  userId: string,
): Promise<Account | undefined> {
  const [row] = await database.query<Account>(
    `SELECT ${COLUMNS} FROM app_user u JOIN tenant t USING (tenant_id) WHERE u.tenant_id = $1 AND u.user_id = $2`,
    [tenantId, userId],
  );
  return row;
}

/**
 * Locks the row until the end of the transaction, when the user is still active, has this password, and has a second factor or not, as it was:
 * who came with the password alone must not get in when a code is needed by now.
 */
export async function holdAccount(
  tx: Transaction,
  { user_id, password_hash, totp_confirmed }: Account,
): Promise<boolean> {
  const rows = await tx.query(
    `SELECT FROM app_user u JOIN tenant t USING (tenant_id)
     WHERE u.user_id = $1 AND u.password_hash = $2 AND u.totp_confirmed = $3 AND u.state = 'active' AND t.state = 'active' FOR UPDATE OF u`,
    [user_id, password_hash, totp_confirmed],
  );
  return rows.length > 0;
}

export const signedInUser = ({ user_id, slug, email, name, roles }: Account): SignedInUser => ({
  id: user_id,
  organization: slug,
  email,
  name,
  roles,
});

/** As addresses are kept; one that can be none is not refused: it is nobody's. */
export const emailOf = (text: string): string => text.trim().normalize('NFC').toLowerCase();
