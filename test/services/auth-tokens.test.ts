import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import jwt from 'jsonwebtoken';
import { DeviceTokens, insertToken } from '../../adapters/access/device-credentials.ts';
import { access } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { addPerson, logIn, me, type Person, type Session } from './auth-node.ts';
import { addTenant, ask, type RestNode, register, startRestNode } from './rest-node.ts';

let node: RestNode;
let person: Person;
let own: Session;
/** The key that this node signs with. */
let kid: string;
let key: KeyObject;
before(async () => {
  node = await startRestNode();
  person = await addPerson(node);
  own = (await logIn(node, person)).body;
  const [row] = await node.database.query<{ kid: string; private_key: Uint8Array }>(
    'SELECT kid, private_key FROM signing_key',
  );
  kid = row!.kid;
  const der = Buffer.from(node.sealer.open(row!.private_key, `signing key ${kid}`));
  key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
});
after(() => node?.stop());

type Header = jwt.JwtHeader & Record<string, unknown>;
const verify = (text: string) => call(node.broker, access.verify, { key: text });
const claims = () => jwt.decode(own.accessToken) as jwt.JwtPayload;
const header = (more: object = {}): Header => ({ alg: 'ES256', typ: 'at+jwt', kid, ...more });
/** As this node signs, with something else in it. */
const forged = (payload: object, more: object = {}, with_: jwt.Secret | jwt.PrivateKey = key): string =>
  jwt.sign(JSON.parse(JSON.stringify({ ...claims(), ...payload })), with_, {
    algorithm: header(more).alg as jwt.Algorithm,
    header: header(more),
  });
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const nowSeconds = () => Math.floor(Date.now() / 1000);
const publicPem = async () => {
  const { keys } = (await ask(node, 'GET /.well-known/jwks.json', { key: null })).body;
  const { createPublicKey } = await import('node:crypto');
  return createPublicKey({ key: keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' }) as string;
};

test('an access token says what RFC 9068 wants, and nothing of the person', () => {
  const token = jwt.decode(own.accessToken, { complete: true })!;
  assert.deepEqual(token.header, { alg: 'ES256', typ: 'at+jwt', kid });
  const { jti, iat, nbf, exp, sid, ...rest } = token.payload as jwt.JwtPayload;
  assert.deepEqual(rest, { iss: 'skein', aud: 'skein', sub: person.id, tenant: 'default', client_id: 'skein' });
  assert.equal(exp! - iat!, 15 * 60);
  assert.equal(nbf, iat);
  assert.match(`${jti}${sid}`, /^[0-9a-f-]{72}$/);
});

test('a token that was made as this node makes them is good: else the refusals below would mean nothing', async () => {
  assert.partialDeepStrictEqual(await verify(forged({})), { kind: 'user', id: person.id, login: claims().sid });
});

test('a token that is not as it must be is refused', async () => {
  const [head, body, signature] = own.accessToken.split('.') as [string, string, string];
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const jwk = { ...stranger.publicKey.export({ format: 'jwk' }), kid: 'theirs' };
  const pem = await publicPem();
  const hs256 = `${base64(header({ alg: 'HS256' }))}.${body}`;
  const { createHmac } = await import('node:crypto');
  const bad: Record<string, string> = {
    'alg none': `${base64(header({ alg: 'none' }))}.${body}.`,
    'alg none, with the signature': `${base64(header({ alg: 'none' }))}.${body}.${signature}`,
    'HS256 with the public key as its secret': `${hs256}.${createHmac('sha256', pem).update(hs256).digest('base64url')}`,
    'RS256 with another key': jwt.sign(claims(), rsa.privateKey, {
      algorithm: 'RS256',
      header: header({ alg: 'RS256' }),
    }),
    'ES384 with another key': jwt.sign(claims(), p384.privateKey, {
      algorithm: 'ES384',
      header: header({ alg: 'ES384' }),
    }),
    'signed by a stranger': forged({}, {}, stranger.privateKey),
    'signed by a stranger, whose key is in the header': forged({}, { jwk }, stranger.privateKey),
    'signed by a stranger, whose key is somewhere': forged(
      {},
      { jku: 'http://127.0.0.1:1/jwks', x5u: 'http://127.0.0.1:1/x' },
      stranger.privateKey,
    ),
    'the key of a stranger, by its name': forged({}, { jwk, kid: 'theirs' }, stranger.privateKey),
    'no kid': forged({}, { kid: undefined }),
    'an unknown kid': forged({}, { kid: 'unknown' }),
    'a kid that is no text': forged({}, { kid: ["' OR 1=1"] as never }),
    'an extension that must be understood': forged({}, { crit: ['b64'], b64: false }),
    expired: forged({ exp: nowSeconds() - 60 }),
    'without an end': forged({ exp: undefined }),
    'older than any may be': forged({ iat: nowSeconds() - 3600, exp: nowSeconds() + 3600 }),
    'not yet': forged({ nbf: nowSeconds() + 600 }),
    'without a beginning': forged({ nbf: undefined }),
    'of another issuer': forged({ iss: 'https://other.example.org' }),
    'for somebody else': forged({ aud: 'other' }),
    'typ JWT': forged({}, { typ: 'JWT' }),
    'without a typ': forged({}, { typ: undefined }),
    'typ device+jwt': forged({}, { typ: 'device+jwt' }),
    'of another user': forged({ sub: randomUUID() }),
    'of another tenant': forged({ tenant: 'other' }),
    'of no login': forged({ sid: randomUUID() }),
    'of a login that can be none': forged({ sid: "'; DROP TABLE login" }),
    'with another payload': `${head}.${base64({ ...claims(), sub: randomUUID() })}.${signature}`,
    'with another header': `${base64(header({ extra: 1 }))}.${body}.${signature}`,
    'with another signature': `${head}.${body}.${Buffer.alloc(64, 1).toString('base64url')}`,
    'without a signature': `${head}.${body}.`,
    'with a signature in DER': `${head}.${body}.${base64({ r: 1, s: 2 })}`,
    'longer than any is': forged({ more: 'x'.repeat(8_192) }),
    'a payload that is no object': jwt.sign('text', key, { algorithm: 'ES256', header: header() }),
    'not JSON': `${Buffer.from('{').toString('base64url')}.${body}.${signature}`,
    'three dots': '..',
  };
  for (const [what, text] of Object.entries(bad)) {
    await assert.rejects(verify(text), { type: 'unauthorized' }, what);
    const { status, body: told } = await me(node, text);
    assert.equal(status, 401, what);
    assert.equal(told.type, 'unauthorized', what);
  }
});

test('a token of the longest length is looked at, and one that is longer is not', async () => {
  const filler = 8_192 - forged({ more: '' }).length;
  const long = forged({ more: 'x'.repeat(Math.floor((filler * 3) / 4) - 3) });
  assert.ok(long.length > 8_180 && long.length <= 8_192, String(long.length));
  assert.equal((await verify(long)).kind, 'user');
});

test('random kids cost a look at the database once in a while, not each time', async () => {
  const { database } = node;
  const query = database.query.bind(database);
  let looks = 0;
  database.query = ((sql: string, params?: unknown[]) => {
    if (sql.includes('signing_key')) looks++;
    return query(sql, params);
  }) as typeof database.query;
  try {
    for (let i = 0; i < 50; i++)
      await assert.rejects(verify(forged({}, { kid: `random-${i}` })), { type: 'unauthorized' });
    assert.ok(looks <= 2, `${looks}`);
  } finally {
    database.query = query;
  }
});

/** A token of a device, and its row. */
async function deviceToken(device: string, tenant = 'default', scopes: readonly 'twin:read'[] | null = null) {
  const tokens = new DeviceTokens(node);
  const made = await tokens.make({ tenant, device }, { scopes, ttlSeconds: 3600 });
  const [row] = await node.database.query<{ device_uid: number }>(
    'SELECT device_uid FROM device JOIN tenant USING (tenant_id) WHERE device_id = $1 AND slug = $2',
    [device, tenant],
  );
  await node.database.transaction(tx => insertToken(tx, row!.device_uid, made, 'test'));
  return made;
}

test('a token of a device is the device, with its scopes, until it is revoked', async () => {
  await register(node, 'press-1');
  const { id, text } = await deviceToken('press-1', 'default', ['twin:read']);
  assert.partialDeepStrictEqual(await verify(text), { kind: 'device', device: 'press-1', scopes: ['twin:read'] });
  assert.equal((await ask(node, 'GET /api/v1/devices/press-1/twin', { key: text })).status, 200);
  assert.equal((await ask(node, 'GET /api/v1/devices/press-1/telemetry/latest', { key: text })).status, 403);
  await node.database.query('UPDATE device_token SET revoked_at = now() WHERE token_id = $1', [id]);
  node.broker.broadcast('access.revoked', { kind: 'device_token', tenant: 'default', subject: id, device: 'press-1' });
  await assert.rejects(verify(text), { type: 'unauthorized' });
});

test('a token of a device is no access token, and an access token is none of a device', async () => {
  await register(node, 'press-2');
  const { text, id } = await deviceToken('press-2');
  const said = jwt.decode(text) as jwt.JwtPayload;
  const as = (typ: string, payload: object) => jwt.sign(payload, key, { algorithm: 'ES256', header: header({ typ }) });
  assert.equal((await verify(as('device+jwt', said))).kind, 'device');
  await assert.rejects(verify(as('at+jwt', said)), { type: 'unauthorized' });
  await assert.rejects(verify(as('at+jwt', { ...said, sid: id })), { type: 'unauthorized' });
  await assert.rejects(verify(as('device+jwt', { ...claims(), jti: claims().sid })), { type: 'unauthorized' });
  await assert.rejects(verify(as('device+jwt', { ...said, sub: 'press-1' })), { type: 'unauthorized' });
});

test('a device of the same name in another tenant has its own tokens', async () => {
  const theirs = await addTenant(node, 'neighbour');
  await register(node, 'twin');
  await register(node, 'twin', {}, theirs);
  const { text } = await deviceToken('twin', 'neighbour');
  assert.equal((await verify(text)).tenant, 'neighbour');
  const said = jwt.decode(text) as jwt.JwtPayload;
  const moved = jwt.sign({ ...said, tenant: 'default' }, key, {
    algorithm: 'ES256',
    header: header({ typ: 'device+jwt' }),
  });
  await assert.rejects(verify(moved), { type: 'unauthorized' });
});

test('the token of a suspended device does not work', async () => {
  await register(node, 'press-3');
  const { text } = await deviceToken('press-3');
  await node.database.query(`UPDATE device SET state = 'suspended' WHERE device_id = 'press-3'`);
  await assert.rejects(verify(text), { type: 'unauthorized' });
});
