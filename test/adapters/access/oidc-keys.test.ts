import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import { IssuerAway, OidcKeys } from '../../../adapters/access/oidc-keys.ts';

const LIMITS = { oidcTimeoutMs: 300, oidcKeysMinutes: 60, oidcRetrySeconds: 10 };
const servers: Server[] = [];
afterEach(async () => {
  for (const it of servers.splice(0)) {
    it.closeAllConnections();
    await new Promise(resolve => it.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const jwkOf = (kid: string, more: object = {}) => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  kid,
  ...more,
});

/** An issuer whose documents a test changes. */
async function startIssuer(keys: unknown = [jwkOf('one')]) {
  const state = { keys, about: {} as object, requests: 0, isDown: false };
  const url = await serve((request, response) => {
    state.requests++;
    if (state.isDown) return void response.writeHead(500).end();
    const about = { issuer: url, jwks_uri: `${url}/keys`, ...state.about };
    response.end(JSON.stringify(request.url === '/keys' ? { keys: state.keys } : about));
  });
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs };
  return { state, url, clock, keys: new OidcKeys(url, LIMITS, clock) };
}

test('keys are read once, and a key that is not known is looked for once in a while', async () => {
  const { keys, state, clock } = await startIssuer();
  await Promise.all(Array.from({ length: 20 }, () => keys.find('one')));
  assert.equal(state.requests, 2);
  for (let i = 0; i < 20; i++) assert.equal(await keys.find(`random-${i}`), undefined);
  assert.equal(state.requests, 2);
  state.keys = [jwkOf('two')];
  clock.nowMs += 10_000;
  assert.ok(await keys.find('two'));
  assert.equal(await keys.find('one'), undefined);
});

test('an issuer that is down is asked once in a while, and its keys are taken for a day', async () => {
  const { keys, state, clock } = await startIssuer();
  state.isDown = true;
  for (let i = 0; i < 5; i++) await assert.rejects(keys.find('one'), IssuerAway);
  assert.equal(state.requests, 1);
  state.isDown = false;
  clock.nowMs += 10_000;
  assert.ok(await keys.find('one'));
  state.isDown = true;
  clock.nowMs += 23 * 3_600_000;
  assert.ok(await keys.find('one'));
  clock.nowMs += 2 * 3_600_000;
  await assert.rejects(keys.find('one'), IssuerAway);
});

test('an issuer that does not answer holds nobody up', async () => {
  const silent = new OidcKeys(await serve(() => {}), LIMITS);
  await assert.rejects(silent.find('one'), IssuerAway);
  const startedAt = performance.now();
  await assert.rejects(silent.find('one'), IssuerAway);
  assert.ok(performance.now() - startedAt < LIMITS.oidcTimeoutMs);
  const endless = await serve((_request, response) => {
    const timer = setInterval(() => response.write(' '.repeat(64 * 1024)), 1);
    response.on('close', () => clearInterval(timer));
  });
  await assert.rejects(new OidcKeys(endless, LIMITS).find('one'), IssuerAway);
});

test('what the issuer says must be its own', async () => {
  for (const about of [{ issuer: 'https://other.example.org' }, { jwks_uri: 'file:///etc/passwd' }, { jwks_uri: 7 }]) {
    const { keys, state } = await startIssuer();
    state.about = about;
    await assert.rejects(keys.find('one'), IssuerAway, JSON.stringify(about));
  }
  const elsewhere = await startIssuer();
  const moved = await serve((_request, response) =>
    response.writeHead(302, { location: `${elsewhere.url}/.well-known/openid-configuration` }).end(),
  );
  await assert.rejects(new OidcKeys(moved, LIMITS).find('one'), IssuerAway);
});

test('keys that are weak, secret, for encryption or broken are none', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' });
  const { keys } = await startIssuer([
    jwkOf('good', { use: 'sig', alg: 'ES256' }),
    { kty: 'oct', k: 'c2VjcmV0', kid: 'secret' },
    jwkOf('encrypts', { use: 'enc' }),
    jwkOf('other', { alg: 'ES512' }),
    { ...weak, kid: 'weak' },
    { ...p384, kid: 'p384' },
    { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'broken' },
    { kty: 'RSA' },
    null,
    7,
  ]);
  assert.deepEqual((await keys.find('good'))?.algorithms, ['ES256']);
  for (const kid of ['secret', 'encrypts', 'other', 'weak', 'p384', 'broken'])
    assert.equal(await keys.find(kid), undefined, kid);
});
