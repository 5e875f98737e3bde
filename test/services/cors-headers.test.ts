import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, type TestContext, test } from 'node:test';
import * as x509 from '@peculiar/x509';
import { frontDoor } from '../../services/gateway/front-door.ts';
import { type GatewayNode, startGatewayNode } from './gateway-node.ts';
import { rawHttp, statusOf } from './raw-http.ts';

let node: GatewayNode;
before(async () => {
  node = await startGatewayNode();
});
after(() => node?.stop());

const get = (path: string, init: RequestInit = {}) => fetch(node.url + path, { redirect: 'manual', ...init });
const rawGet = (path: string, more = '') =>
  rawHttp(
    node.url,
    Buffer.from(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${node.adminKey}\r\n${more}Connection: close\r\n\r\n`,
      'latin1',
    ),
  );

const EXPECTED: Readonly<Record<string, RegExp>> = {
  'x-content-type-options': /^nosniff$/,
  'content-security-policy': /frame-ancestors 'none'/,
  'x-frame-options': /^DENY$/,
  'referrer-policy': /^no-referrer$/,
  'cross-origin-resource-policy': /^same-origin$/,
  'cross-origin-opener-policy': /^same-origin$/,
  'permissions-policy': /camera=\(\)/,
  'x-request-id': /./,
};
const isGuarded = (headers: Headers, what: string) => {
  for (const [name, expected] of Object.entries(EXPECTED))
    assert.match(headers.get(name) ?? '', expected, `${what}: ${name}`);
  for (const name of ['x-powered-by', 'server', 'strict-transport-security'])
    assert.equal(headers.get(name), null, `${what}: ${name}`);
};

test('every answer says what browsers must not do with it, and nothing of what answers', async () => {
  isGuarded((await get('/health/live')).headers, 'done');
  isGuarded((await get('/api/v1/devices')).headers, 'without a key');
  isGuarded((await get('/nothing')).headers, 'not found');
  isGuarded((await get('/health', { method: 'PUT' })).headers, 'another method');
  isGuarded((await get('/health', { method: 'OPTIONS' })).headers, 'OPTIONS');
  isGuarded((await get('/docs')).headers, 'the page');
  isGuarded((await get('/docs/swagger-ui.css')).headers, 'a file');
  isGuarded((await get('/docs/')).headers, 'a redirection');
  isGuarded((await get('/openapi.json')).headers, 'the document');
});

/** Of an answer as it came over the wire. */
const headersIn = (answer: string): Headers =>
  new Headers(
    answer
      .split('\r\n\r\n')[0]!
      .split('\r\n')
      .slice(1)
      .map(line => line.split(/: (.*)/).slice(0, 2) as [string, string]),
  );

test('so does an answer to what is no request', async () => {
  const answer = await rawHttp(node.url, 'nonsense\r\n\r\n');
  assert.equal(statusOf(answer), 400);
  isGuarded(headersIn(answer), 'broken');
});

test('a megabyte of headers is refused, and the next request is answered', async () => {
  for (const headers of [
    `X-Large: ${'x'.repeat(1024 * 1024)}\r\n`,
    Array.from({ length: 20_000 }, (_, i) => `X-${i}: ${'y'.repeat(40)}\r\n`).join(''),
    `Authorization: Bearer ${'z'.repeat(1024 * 1024)}\r\n`,
  ]) {
    const answer = await rawGet('/api/v1/devices', headers);
    assert.equal(statusOf(answer), 431);
    assert.match(answer, /"type":"headers_too_large"/);
    isGuarded(headersIn(answer), 'too large');
  }
  assert.equal(statusOf(await rawGet(`/${'p'.repeat(100_000)}`)), 431);
  assert.equal((await get('/health/live')).status, 200);
});

test('line breaks can not be smuggled into an answer', async () => {
  for (const value of ['a\r\nX-Forged: 1', 'a\nX-Forged: 1', 'a\rX-Forged: 1', 'a\0b', '\u0085']) {
    const answer = await rawGet('/health/live', `X-Request-Id: ${value}\r\n`);
    assert.doesNotMatch(answer.split('\r\n\r\n')[0]!, /^x-forged/im, JSON.stringify(value));
    assert.ok([200, 400].includes(statusOf(answer)), answer);
  }
  for (const path of ['/docs%0d%0aX-Forged:%201', '/api/v1/devices/a%0d%0aX-Forged:%201', '/nothing%0aX-Forged:1']) {
    const answer = await rawGet(path);
    assert.doesNotMatch(answer, /^x-forged/im);
    assert.ok(statusOf(answer) >= 400, answer);
  }
  for (const origin of ['https://a.test\r\nX-Forged: 1', 'https://a.test%0d%0aX-Forged: 1'])
    assert.doesNotMatch(await rawGet('/health/live', `Origin: ${origin}\r\n`), /access-control/i);
});

/** Whatever the path says, it is a refusal of ours, and never one of the inside. */
const STRANGE_PATHS = [
  '/api/v1/types/a+b',
  '/api/v1/devices/a#b',
  '/api/v1/devices/%2f',
  '/api/v1/devices/%2F..%2F',
  '/api/v1/devices/a%00b',
  '/api/v1/devices/%c0%af',
  '/api/v1/devices/%e0%80%af',
  '/api/v1/devices/%f0%80%80%af',
  '/api/v1/devices/%ed%a0%80',
  '/api/v1/devices/%ff',
  '/api/v1/devices/%',
  '/api/v1/devices/%zz',
  '/api/v1/devices/\xc0\xaf',
  '/api/v1/nothing/../../health',
  '//health/live',
  '/api/v1/devices/a;b',
  'http://elsewhere.test/health/nothing',
  '/api/v1/devices?%00=1',
  '/api/v1/devices?__proto__[a]=1',
];
for (const path of STRANGE_PATHS)
  test(`the path ${JSON.stringify(path)} is refused and harms nothing`, async () => {
    const answer = await rawGet(path);
    const status = statusOf(answer);
    // The services behind are not in this process: 503 is how far a well-formed one comes.
    assert.ok([400, 404, 503].includes(status), answer);
    assert.match(answer, /application\/problem\+json/);
    assert.doesNotMatch(answer, /at .*\.(ts|js)|Error:|URIError/);
    assert.equal((await get('/health/live')).status, 200);
  });

async function selfSigned(): Promise<{ cert: string; key: string }> {
  x509.cryptoProvider.set(webcrypto as never);
  const keys = (await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])) as { publicKey: webcrypto.CryptoKey; privateKey: webcrypto.CryptoKey };
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    keys,
    signingAlgorithm,
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
}

/** Answers each request with `pass`, behind the front door, over HTTPS. */
async function behindTheDoor(t: TestContext, pass: RequestListener): Promise<IncomingHttpHeaders> {
  const door = frontDoor(pass, () => [], ['*']);
  const server = createServer(await selfSigned(), door.listener);
  t.after(() => {
    server.closeAllConnections();
    return new Promise(resolve => server.close(resolve));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const headers = { origin: 'https://panel.test' };
    httpsRequest({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false, headers }, response =>
      resolve(response.resume().headers),
    )
      .on('error', reject)
      .end();
  });
}

test('over HTTPS browsers are told to stay there', async t => {
  const headers = await behindTheDoor(t, (_request, response) => void response.end('{}'));
  assert.match(headers['strict-transport-security'] ?? '', /^max-age=31536000$/);
});

test('whoever makes an answer, in whichever way, it has the headers of every answer', async t => {
  const ways: Record<string, RequestListener> = {
    'a body only': (_, response) => void response.end('{}'),
    'piece by piece': (_, response) => {
      response.write('{');
      response.end('}');
    },
    'a head': (_, response) => void response.writeHead(200, { 'Content-Type': 'text/plain' }).end('{}'),
    'a header by itself': (_, response) => void response.setHeader('X-Frame-Options', 'SAMEORIGIN').end('{}'),
  };
  for (const [what, pass] of Object.entries(ways)) {
    const headers = await behindTheDoor(t, pass);
    for (const [name, expected] of Object.entries(EXPECTED)) assert.match(String(headers[name]), expected, what);
    assert.equal(headers['access-control-allow-origin'], '*', what);
  }
});

test('an answer that says another value of such a header has only that one', async () => {
  const policy = (await get('/docs')).headers.get('content-security-policy')!;
  assert.match(policy, /script-src 'self'/);
  // Two of them would come as one text with a comma.
  assert.doesNotMatch(policy, /,/);
});
