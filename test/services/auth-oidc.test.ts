import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { after, before, test } from 'node:test';
import jwt from 'jsonwebtoken';
import { OAuth2Server } from 'oauth2-mock-server';
import { access } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { me } from './auth-node.ts';
import { addTenant, ask, type RestNode, startRestNode } from './rest-node.ts';

const ALGORITHMS = ['RS256', 'PS256', 'ES256'] as const;
const AUDIENCE = 'skein-api';

let issuer: OAuth2Server;
let node: RestNode;
before(async () => {
  issuer = new OAuth2Server();
  for (const alg of [...ALGORITHMS, 'RS512', 'ES384']) await issuer.issuer.keys.generate(alg, { kid: alg });
  await issuer.start(0, '127.0.0.1');
  node = await startRestNode({
    env: {
      SKEIN_OIDC_ISSUER: issuer.issuer.url!,
      SKEIN_OIDC_AUDIENCE: AUDIENCE,
      SKEIN_OIDC_TENANT_CLAIM: 'org',
      SKEIN_OIDC_ROLES_CLAIM: 'groups',
      SKEIN_LIMIT_OIDC_RETRY_SECONDS: '1',
    },
  });
  await addTenant(node, 'closed');
  await node.database.query(`UPDATE tenant SET state = 'disabled' WHERE slug = 'closed'`);
  await addTenant(node, 'shop');
  await node.database.query(
    `INSERT INTO role (tenant_id, name, permissions, device_limit)
     SELECT tenant_id, 'pressman', '{devices:read}', '{"types": ["press"], "claimed": true}' FROM tenant WHERE slug = 'shop'`,
  );
});
after(async () => {
  await node?.stop();
  await issuer?.stop();
});

const GOOD = { sub: 'ada', aud: AUDIENCE, org: 'shop', groups: ['viewer'], name: 'Ada' };
/** As the issuer signs. */
const token = (claims: object = {}, header: object = {}, kid: string = 'RS256'): Promise<string> =>
  issuer.issuer.buildToken({
    kid,
    scopesOrTransform: (head, payload) => {
      Object.assign(payload, GOOD, claims);
      Object.assign(head, header);
      for (const name in payload) if (payload[name] === undefined) delete payload[name];
    },
  });
const verify = (key: string) => call(node.broker, access.verify, { key });
const nowSeconds = () => Math.floor(Date.now() / 1000);

test('a person of the issuer is one of the tenant, with its roles, and needs no row', async () => {
  for (const alg of ALGORITHMS) {
    const key = await token({}, { typ: 'at+jwt' }, alg);
    assert.partialDeepStrictEqual(await verify(key), {
      kind: 'user',
      tenant: 'shop',
      id: 'oidc:ada',
      name: 'Ada',
      isOperator: false,
    });
  }
  const key = await token();
  const own = await me(node, key);
  assert.partialDeepStrictEqual(own.body, {
    kind: 'user',
    organization: 'shop',
    id: 'oidc:ada',
    name: 'Ada',
    email: null,
    totp: null,
  });
  assert.equal((await ask(node, 'GET /api/v1/devices', { key })).status, 200);
  assert.equal((await ask(node, 'POST /api/v1/devices', { key, body: {} })).status, 403);
  for (const line of ['GET /api/v1/auth/logins', 'POST /api/v1/auth/logout'])
    assert.equal((await ask(node, line, { key })).body.type, 'forbidden');
  const begun = await ask(node, 'POST /api/v1/auth/totp', { key, body: { password: 'any' } });
  assert.equal(begun.body.type, 'forbidden');
});

test("a role of the tenant's own counts, with its limit; what no role is called counts nothing", async () => {
  const key = await token({ groups: ['staff', 'pressman', '', 7] });
  const { body } = await me(node, key);
  assert.deepEqual(body.limits, [{ permissions: ['devices:read'], devices: { types: ['press'] } }]);
  const listed = await ask(node, 'GET /api/v1/devices', { key });
  assert.deepEqual([listed.status, listed.body.items], [200, []]);
});

test('a token that is not as it must be is refused', async () => {
  const good = await token();
  const [head, body, signature] = good.split('.') as [string, string, string];
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const claims = jwt.decode(good) as jwt.JwtPayload;
  const header = { alg: 'RS256', typ: 'JWT', kid: 'RS256' };
  const bySomebody = (more: object) =>
    jwt.sign(claims, stranger.privateKey, { algorithm: 'RS256', header: { ...header, ...more } as jwt.JwtHeader });
  const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const jwk = issuer.issuer.keys.toJSON(true).find(it => it.kid === 'RS256') as unknown as JsonWebKey;
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  const byItself = jwt.sign(claims, privateKey, { algorithm: 'RS256', header });
  assert.equal((await verify(byItself)).kind, 'user');
  const pem = createPublicKey({ key: { kty: 'RSA', n: jwk.n!, e: jwk.e! }, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  });
  const hs256 = `${base64({ ...header, alg: 'HS256' })}.${body}`;
  const none = base64({ ...header, alg: 'none' });
  const bad: Record<string, string> = {
    'alg none': `${none}.${body}.`,
    'HS256 with the public key as its secret': `${hs256}.${createHmac('sha256', pem).update(hs256).digest('base64url')}`,
    RS512: await token({}, {}, 'RS512'),
    ES384: await token({}, {}, 'ES384'),
    'signed by a stranger': bySomebody({}),
    'signed by a stranger, whose key is in the header': bySomebody({
      jwk: stranger.publicKey.export({ format: 'jwk' }),
    }),
    'signed by a stranger, whose key is somewhere': bySomebody({
      jku: 'http://127.0.0.1:1/',
      x5u: 'http://127.0.0.1:1/',
    }),
    'an unknown kid': bySomebody({ kid: 'unknown' }),
    'without a kid': bySomebody({ kid: undefined }),
    'another algorithm than that of the key': jwt.sign(claims, privateKey, {
      algorithm: 'PS256',
      header: { ...header, alg: 'PS256' },
    }),
    'a token for logging out': await token({}, { typ: 'logout+jwt' }),
    'an extension that must be understood': jwt.sign(claims, privateKey, {
      algorithm: 'RS256',
      header: { ...header, crit: ['x'], x: 1 } as jwt.JwtHeader,
    }),
    expired: await token({ exp: nowSeconds() - 60 }),
    'without an end': await token({ exp: undefined }),
    'not yet': await token({ nbf: nowSeconds() + 600 }),
    'of another issuer': await token({ iss: 'https://other.example.org' }),
    'for somebody else': await token({ aud: 'other' }),
    'for nobody': await token({ aud: undefined }),
    'of nobody': await token({ sub: undefined }),
    'of somebody too long': await token({ sub: 'x'.repeat(256) }),
    'of somebody with U+0000': await token({ sub: 'a\0b' }),
    'without a tenant': await token({ org: undefined }),
    'of a tenant that there is not': await token({ org: 'nowhere' }),
    'of a tenant that can be none': await token({ org: ['shop'] }),
    'of a tenant with U+0000': await token({ org: 'shop\0' }),
    'of a closed tenant': await token({ org: 'closed' }),
    'without roles': await token({ groups: undefined }),
    'with no role that there is': await token({ groups: ['staff'] }),
    'with a role of another tenant': await token({ groups: ['pressman'], org: 'default' }),
    'with roles that are no list': await token({ groups: 'admin' }),
    'with too many roles': await token({ groups: Array.from({ length: 101 }, () => 'admin') }),
    'with another payload': `${head}.${base64({ ...claims, groups: ['admin'] })}.${signature}`,
  };
  for (const [what, text] of Object.entries(bad)) await assert.rejects(verify(text), { type: 'unauthorized' }, what);
  assert.equal((await verify(good)).kind, 'user');
});

test('a new key of the issuer is found, without a restart', async () => {
  await verify(await token());
  await issuer.issuer.keys.generate('ES256', { kid: 'fresh' });
  const key = await token({}, {}, 'fresh');
  const isKnown = () =>
    verify(key).then(
      () => true,
      () => false,
    );
  while (!(await isKnown())) await new Promise(resolve => setTimeout(resolve, 50));
});
