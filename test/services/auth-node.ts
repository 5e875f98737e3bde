/** A node with people who can log in. */
import { randomUUID } from 'node:crypto';
import { issuerOf, TokenSigner } from '../../adapters/access/json-web-tokens.ts';
import { hashPassword } from '../../adapters/access/passwords.ts';
import { SigningKeys } from '../../adapters/access/signing-keys.ts';
import { insertLogin } from '../../services/auth/logins.ts';
import { newRefreshToken, textOf } from '../../services/auth/refresh-tokens.ts';
import { type Answer, ask, type RestNode } from './rest-node.ts';

export const PASSWORD = 'correct horse battery staple';
/** It takes a while, so all have the same. */
const HASH = hashPassword(PASSWORD);

export type Person = { readonly id: string; readonly email: string; readonly organization: string };
export type PersonFields = {
  readonly organization?: string;
  readonly roles?: readonly string[];
  readonly state?: string;
  readonly name?: string | null;
};

let made = 0;

/** A new user with the password above. */
export async function addPerson(
  { database }: Pick<RestNode, 'database'>,
  { organization = 'default', roles = ['admin'], state = 'active', name = 'Ada' }: PersonFields = {},
): Promise<Person> {
  const id = randomUUID();
  const email = `person-${++made}@example.org`;
  await database.query(
    `INSERT INTO app_user (user_id, tenant_id, email, name, password_hash, roles, state)
     SELECT $1, tenant_id, $2, $3, $4, $5::text[], $6 FROM tenant WHERE slug = $7`,
    [id, email, name, await HASH, roles, state, organization],
  );
  return { id, email, organization };
}

export const logIn = (node: RestNode, { email, organization }: Person, more: object = {}): Promise<Answer> =>
  ask(node, 'POST /api/v1/auth/login', { key: null, body: { email, organization, password: PASSWORD, ...more } });

export type Session = { readonly accessToken: string; readonly refreshToken: string };

/** As after a login, without the third of a second that a password takes. */
export async function session({ database, sealer, config }: RestNode, { id, organization }: Person): Promise<Session> {
  const { limits } = config;
  const [row] = await database.query<{ tenant_id: number }>('SELECT tenant_id FROM app_user WHERE user_id = $1', [id]);
  const whose = { user_id: id, tenant_id: row!.tenant_id, slug: organization };
  const token = newRefreshToken(randomUUID());
  const client = { address: null, userAgent: null };
  await database.transaction(tx => insertLogin(tx, whose, token, client, limits.loginMaxDays));
  const signer = new TokenSigner(new SigningKeys({ database, sealer, limits }), issuerOf(config));
  const accessToken = await signer.sign(
    { jti: randomUUID(), tenant: organization, sid: token.loginId, client_id: 'skein' },
    { typ: 'access', subject: id, ttlSeconds: limits.accessTokenMinutes * 60 },
  );
  return { accessToken, refreshToken: textOf(token) };
}

export const refresh = (node: RestNode, refreshToken: string): Promise<Answer> =>
  ask(node, 'POST /api/v1/auth/token', { key: null, body: { refreshToken } });

export const me = (node: RestNode, key: string): Promise<Answer> => ask(node, 'GET /api/v1/auth/me', { key });

/** What the audit log says of one act, the newest first. */
export const audits = (
  { database }: Pick<RestNode, 'database'>,
  act: string,
): Promise<{ actor: string; target: string | null; result: string; address: string | null; data: object }[]> =>
  database.query('SELECT actor, target, result, address, data FROM audit_entry WHERE act = $1 ORDER BY at DESC', [act]);
