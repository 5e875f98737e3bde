/** The statements about users. Each names its tenant. */
import type { Transaction } from '../../adapters/database/database.ts';
import { isUuid } from '../../contracts/addresses.ts';
import { USER_COLUMNS, type UserName, type UserRow } from '../../mixins/new-user.ts';

type Querying = Pick<Transaction, 'query'>;

export async function readUser(db: Querying, { tenantId, id }: UserName): Promise<UserRow | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await db.query<UserRow>(`SELECT ${USER_COLUMNS} FROM app_user WHERE tenant_id = $1 AND user_id = $2`, [
    tenantId,
    id,
  ]);
  return row;
}

/** Nobody else changes it until the transaction ends. */
export async function lockUser(tx: Querying, { tenantId, id }: UserName): Promise<UserRow | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await tx.query<UserRow>(
    `SELECT ${USER_COLUMNS} FROM app_user WHERE tenant_id = $1 AND user_id = $2 FOR NO KEY UPDATE`,
    [tenantId, id],
  );
  return row;
}

export type UserChanges = {
  readonly email?: string | undefined;
  readonly name?: string | null | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly state?: string | undefined;
  readonly passwordHash?: string | null | undefined;
  /** Removes the second factor. */
  readonly totp?: false | undefined;
};

const NO_SECOND_FACTOR = [
  { column: 'totp_secret', value: null },
  { column: 'totp_confirmed', value: false },
  { column: 'recovery_hashes', value: [] },
];

/** Of a row that is locked. Sets what is given. */
export async function updateUser(tx: Querying, { tenantId, id }: UserName, it: UserChanges): Promise<UserRow> {
  const all = [
    { column: 'email', value: it.email },
    { column: 'name', value: it.name },
    { column: 'roles', value: it.roles },
    { column: 'state', value: it.state },
    { column: 'password_hash', value: it.passwordHash },
    ...(it.totp === false ? NO_SECOND_FACTOR : []),
  ];
  const given = all.filter(({ value }) => value !== undefined);
  const sets = given.map(({ column }, i) => `${column} = $${i + 3}`);
  const [row] = await tx.query<UserRow>(
    `UPDATE app_user SET ${[...sets, 'version = version + 1', 'updated_at = now()'].join(', ')}
     WHERE tenant_id = $1 AND user_id = $2 RETURNING ${USER_COLUMNS}`,
    [tenantId, id, ...given.map(({ value }) => value)],
  );
  return row!;
}

/** Of a row that is locked. What is left says nothing of the person. */
export async function eraseUser(tx: Querying, { tenantId, id }: UserName): Promise<UserRow> {
  await tx.query('DELETE FROM login WHERE tenant_id = $1 AND user_id = $2', [tenantId, id]);
  const [row] = await tx.query<UserRow>(
    `UPDATE app_user SET email = user_id::text, name = NULL, password_hash = NULL, roles = '{}', state = 'erased',
       totp_secret = NULL, totp_confirmed = false, totp_last_step = 0, recovery_hashes = '{}', last_login_at = NULL,
       version = version + 1, updated_at = now()
     WHERE tenant_id = $1 AND user_id = $2 RETURNING ${USER_COLUMNS}`,
    [tenantId, id],
  );
  return row!;
}

export async function endLogins(tx: Querying, { tenantId, id }: UserName, why: string): Promise<void> {
  await tx.query(
    `UPDATE login SET revoked_at = now(), revoked_for = $3
     WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL`,
    [tenantId, id, why],
  );
}

/**
 * Whether the organization has another administrator who can act. Those who ask wait for each other until their transactions end: two that each
 * end the other one would both find one.
 */
export async function hasOtherAdministrator(tx: Querying, { tenantId, id }: UserName): Promise<boolean> {
  await tx.query('SELECT FROM tenant WHERE tenant_id = $1 FOR NO KEY UPDATE', [tenantId]);
  const rows = await tx.query(
    `SELECT 1 AS there FROM app_user
     WHERE tenant_id = $1 AND user_id <> $2 AND state = 'active' AND 'admin' = ANY (roles) LIMIT 1`,
    [tenantId, id],
  );
  return rows.length > 0;
}

export type UserFilter = { readonly state?: string | undefined; readonly email?: string | undefined };

export const listUsers = (
  db: Querying,
  tenantId: number,
  { state, email }: UserFilter,
  after: string | undefined,
  limit: number,
): Promise<UserRow[]> =>
  db.query<UserRow>(
    `SELECT ${USER_COLUMNS} FROM app_user
     WHERE tenant_id = $1 AND state <> 'erased' AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR email = $3)
       AND ($4::uuid IS NULL OR user_id > $4)
     ORDER BY user_id LIMIT $5`,
    [tenantId, state ?? null, email ?? null, after ?? null, limit],
  );
