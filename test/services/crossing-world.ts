/** Two tenants that know nothing of each other: each has one of everything that can be made, with words in it that nobody else may ever read. */
import { newKey } from '../../adapters/access/keys.ts';
import { MAKERS, type Maker } from './crossing-makers.ts';
import { type Answer, ask, type RestNode } from './rest-node.ts';

export const ROLES = ['admin', 'operator', 'viewer'] as const;
export type Role = (typeof ROLES)[number];
export type Who = Role | 'device' | 'user';
export const EVERYBODY: readonly Who[] = [...ROLES, 'user', 'device'];
export type Tenant = {
  readonly slug: string;
  /** Is in every text that the tenant wrote which is no name of anything. */
  readonly canary: string;
  /** A key for each built-in role and for the device; the token of a person who is an administrator. */
  readonly keys: { readonly [who in Who]: string };
  /** By the collection that is before it in a path: `devices` -> the id of its device. */
  readonly ids: { readonly [collection: string]: string };
};

export const PASSWORD = 'three green presses in hall 4';

/** Many strangers fail here, from one address. */
export const ENOUGH_ATTEMPTS = {
  SKEIN_LIMIT_LOGIN_FAILURES_PER_ACCOUNT: '100000',
  SKEIN_LIMIT_LOGIN_FAILURES_PER_ACCOUNT_ANYWHERE: '100000',
  SKEIN_LIMIT_LOGIN_FAILURES_PER_ADDRESS: '100000',
  SKEIN_LIMIT_PROVISIONING_ATTEMPTS_PER_MINUTE: '100000',
  SKEIN_LIMIT_CLAIM_ATTEMPTS_PER_MINUTE: '100000',
  SKEIN_LIMIT_EXPORTS_UNDER_WAY_MAX: '1000',
};

async function addKeys({ database }: RestNode, slug: string): Promise<Record<Role, string>> {
  await database.query('INSERT INTO tenant (slug) VALUES ($1)', [slug]);
  const keys = ROLES.map(role => ({ role, key: newKey('application') }));
  for (const { role, key } of keys)
    await database.query(
      `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
       SELECT $1, tenant_id, ARRAY[$2::text], $3, $4 FROM tenant WHERE slug = $5`,
      [key.id, role, `${slug}-${role}`, key.hash, slug],
    );
  return Object.fromEntries(keys.map(({ role, key }) => [role, key.text])) as Record<Role, string>;
}

/** @param told hears of each answer while it is made */
export async function makeTenant(
  node: RestNode,
  slug: string,
  canary: string,
  told: (line: string, answer: Answer) => void = () => {},
): Promise<Tenant> {
  const keys = await addKeys(node, slug);
  const askWith = async (key: string | null, line: string, body?: unknown, headers?: Record<string, string>) => {
    const [method, path] = line.split(' ') as [string, string];
    const answer = await ask(node, `${method} /api/v1${path}`, { key, body, headers });
    told(line, answer);
    if (answer.status >= 300) throw new Error(`${line}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const asAdmin: Maker['ask'] = (line, body, headers) => askWith(keys.admin, line, body, headers);
  const ids: Record<string, string> = {};
  for (const [name, make] of Object.entries(MAKERS)) ids[name] = await make({ ask: asAdmin, canary, slug, ids });
  const login = { email: `admin@${slug}.test`, password: PASSWORD };
  await asAdmin('POST /users', { ...login, name: canary, roles: ['admin'] });
  const { accessToken } = await askWith(null, 'POST /auth/login', { ...login, organization: slug });
  ids.logins = (await askWith(accessToken, 'GET /auth/logins')).items[0].id;
  const device = (await asAdmin(`POST /devices/${ids.devices}/keys`, { name: canary })).apiKey;
  return { slug, canary, ids, keys: { ...keys, device, user: accessToken } };
}

/** The same as a tenant, of whose things none exists; each looks like one that does. */
export const nobodys = (like: Tenant): Tenant => ({
  ...like,
  ids: Object.fromEntries(Object.entries(like.ids).map(([name, id]) => [name, absent(id)])),
});

/** An id of the same form and length, so that errors about it differ from those of the other in nothing else. */
export const absent = (id: string): string => id.slice(0, -6) + [...id.slice(-6)].map(other).join('');

/** The next one of the same kind: digits, the letters of hexadecimal numbers, the other letters. */
function other(letter: string): string {
  for (const kind of ['0123456789', 'abcdef', 'ghijkmnpqrstuvwxyz', 'ABCDEF', 'GHJKMNPQRSTVWXYZ']) {
    const place = kind.indexOf(letter);
    if (place >= 0) return kind[(place + 1) % kind.length]!;
  }
  return letter;
}
