import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import jwt from 'jsonwebtoken';
import { addPerson, audits, me, session } from './auth-node.ts';
import { addTenant, ask, type RestNode, register, startRestNode } from './rest-node.ts';

let node: RestNode;
before(async () => {
  node = await startRestNode({ env: { SKEIN_PUBLIC_URL: 'https://skein.example.org/' } });
});
after(() => node?.stop());

const rotate = (key: string, body?: object) => ask(node, 'POST /api/v1/auth/keys/rotate', { key, body });

test('the keys that verify are public, at the root and below the prefix', async () => {
  for (const path of ['/.well-known/jwks.json', '/api/v1/auth/jwks', '/api/auth/jwks']) {
    const { status, body, headers } = await ask(node, `GET ${path}`, { key: null });
    assert.equal(status, 200, path);
    assert.equal(headers.get('cache-control'), 'public, max-age=60');
    assert.deepEqual(Object.keys(body.keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  }
});

test('the issuer is the public address of the system', async () => {
  const { accessToken } = await session(node, await addPerson(node));
  assert.equal((jwt.decode(accessToken) as jwt.JwtPayload).iss, 'https://skein.example.org');
  assert.equal((await me(node, accessToken)).status, 200);
});

test('only an administrator of the organization that runs the system makes a new key', async () => {
  const theirs = await addTenant(node, 'customer');
  assert.equal((await rotate(theirs)).body.type, 'forbidden');
  assert.equal((await rotate(await register(node, 'press-9'))).body.type, 'forbidden');
  const { accessToken: viewer } = await session(node, await addPerson(node, { roles: ['viewer'] }));
  assert.equal((await rotate(viewer)).body.type, 'forbidden');
  const { accessToken } = await session(node, await addPerson(node));
  const { status, body } = await rotate(accessToken);
  assert.equal(status, 200, JSON.stringify(body));
  const { keys } = (await ask(node, 'GET /.well-known/jwks.json', { key: null })).body;
  assert.ok(Date.parse(body.signsFrom) > Date.now());
  const [entry] = await audits(node, 'signing_key.rotated');
  assert.equal(entry!.target, `signing key ${body.kid}`);
  assert.ok(keys.length >= 1);
  assert.equal((await me(node, accessToken)).status, 200);
});
