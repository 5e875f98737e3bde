import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type GatewayNode, startGatewayNode } from './gateway-node.ts';

const LISTED = 'https://panel.example.org';
let node: GatewayNode;
let open: GatewayNode;
let closed: GatewayNode;
before(async () => {
  node = await startGatewayNode({ SKEIN_CORS_ORIGINS: `${LISTED}, http://localhost:3000` });
  open = await startGatewayNode({ SKEIN_CORS_ORIGINS: '*' });
  closed = await startGatewayNode();
});
after(() => Promise.all([node, open, closed].map(it => it?.stop())));

const ask = (to: GatewayNode, path: string, origin: string | undefined, init: RequestInit = {}) =>
  fetch(to.url + path, { ...init, headers: { ...(origin !== undefined && { origin }), ...init.headers } });
const preflight = (to: GatewayNode, path: string, origin: string, method = 'GET') =>
  ask(to, path, origin, { method: 'OPTIONS', headers: { 'access-control-request-method': method } });
const corsHeaders = (response: Response): string[] =>
  [...response.headers.keys()].filter(name => name.startsWith('access-control-'));

test('a page of a listed origin may read every answer, its failures included', async () => {
  for (const path of ['/health/live', '/api/v1/devices', '/nothing', '/openapi.json']) {
    const { headers } = await ask(node, path, LISTED);
    assert.equal(headers.get('access-control-allow-origin'), LISTED, path);
    assert.equal(
      headers.get('access-control-expose-headers'),
      'accept-ranges, content-disposition, content-range, etag, location, retry-after, x-request-id',
    );
    assert.equal(headers.get('vary'), 'Origin');
  }
});

test('a preflight says the methods of the path, and the headers that a page may send', async () => {
  const response = await preflight(node, '/api/v1/devices/a', LISTED, 'PATCH');
  assert.equal(response.status, 204);
  const methods = response.headers.get('access-control-allow-methods')!.split(', ');
  for (const method of ['GET', 'PATCH', 'DELETE']) assert.ok(methods.includes(method), method);
  assert.ok(!methods.includes('PUT'));
  assert.equal(
    response.headers.get('access-control-allow-headers'),
    'authorization, content-type, idempotency-key, if-match, if-none-match, if-range, range, x-request-id',
  );
  assert.equal(response.headers.get('access-control-max-age'), '600');
});

test('an origin that is not listed gets no header', async () => {
  for (const origin of [
    'https://panel.example.org.evil.test',
    'http://panel.example.org',
    'https://panel.example.org:8443',
    'https://PANEL.example.org',
    'https://example.org',
    'null',
    '*',
  ]) {
    for (const response of [
      await ask(node, '/health/live', origin),
      await preflight(node, '/api/v1/devices', origin, 'POST'),
    ]) {
      assert.deepEqual(corsHeaders(response), [], origin);
      assert.equal(response.headers.get('vary'), 'Origin');
    }
  }
});

test('a request without an origin gets no header, but a hint for caches', async () => {
  const response = await ask(node, '/health/live', undefined);
  assert.deepEqual(corsHeaders(response), []);
  assert.equal(response.headers.get('vary'), 'Origin');
});

test('all origins may, when that is configured', async () => {
  const response = await ask(open, '/health/live', 'https://anything.test');
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
});

test('none may, unless something is configured', async () => {
  const response = await ask(closed, '/health/live', LISTED);
  assert.deepEqual(corsHeaders(response), []);
  assert.equal(response.headers.get('vary'), null);
});

test('credentials that a browser adds by itself are never allowed', async () => {
  for (const it of [node, open])
    for (const response of [await ask(it, '/health/live', LISTED), await preflight(it, '/api/v1/devices', LISTED)])
      assert.equal(response.headers.get('access-control-allow-credentials'), null);
});

test('OPTIONS that is no preflight says the methods of the path only', async () => {
  const response = await ask(node, '/api/v1/devices', LISTED, { method: 'OPTIONS' });
  assert.equal(response.headers.get('access-control-allow-methods'), null);
  assert.match(response.headers.get('allow')!, /GET/);
});
