import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type GatewayNode, startGatewayNode } from './gateway-node.ts';
import { rawHttp, statusOf } from './raw-http.ts';

let node: GatewayNode;
before(async () => {
  node = await startGatewayNode();
});
after(() => node?.stop());

const get = (path: string, init: RequestInit = {}) => fetch(node.url + path, { redirect: 'manual', ...init });
const rawGet = (path: string) => rawHttp(node.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

test('everything that the page loads is there, with its type', async () => {
  const page = await get('/docs');
  assert.equal(page.status, 200);
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  const html = await page.text();
  const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
  assert.equal(loaded.length, 4);
  const types: Record<string, string> = { js: 'text/javascript', css: 'text/css', png: 'image/png' };
  for (const path of loaded) {
    const response = await get(path);
    assert.equal(response.status, 200, path);
    assert.ok(response.headers.get('content-type')!.startsWith(types[path.split('.').at(-1)!]!), path);
    const bytes = (await response.arrayBuffer()).byteLength;
    assert.equal(String(bytes), response.headers.get('content-length'));
    assert.ok(bytes > 100, path);
  }
});

test('the page shows the document of this system, and forgets the keys that were typed', async () => {
  const script = await (await get('/docs/initializer.js')).text();
  const url = /url: '([^']+)'/.exec(script)?.[1];
  assert.equal(url, '/openapi.json');
  const document = await (await get(url)).json();
  assert.equal((document as { openapi: string }).openapi, '3.1.0');
  assert.match(script, /persistAuthorization: false/);
  assert.match(script, /queryConfigEnabled: false/);
  // It runs as it is, against what the bundle offers.
  const given: Record<string, unknown>[] = [];
  const bundle = Object.assign((config: Record<string, unknown>) => given.push(config), { presets: { apis: [] } });
  const window = { SwaggerUIBundle: bundle, addEventListener: (_name: string, run: () => void) => run() };
  new Function('window', script)(window);
  assert.equal(given[0]?.url, '/openapi.json');
});

test('the policy of the page allows its own files, and the page needs no more', async () => {
  const page = await get('/docs');
  const policy = page.headers.get('content-security-policy')!;
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'(;|$)/);
  assert.match(policy, /connect-src 'self'(;|$)/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  const html = await page.text();
  assert.doesNotMatch(html, /<script>|<style|style=|\son\w+=/, 'nothing inline, which the policy would forbid');
  for (const [, src] of html.matchAll(/(?:src|href)="([^"]+)"/g)) assert.match(src!, /^\/docs\//);
});

test('a browser that has a file need not load it again', async () => {
  for (const path of ['/docs', '/docs/swagger-ui-bundle.js', '/openapi.json', '/api/v1/openapi.json']) {
    const etag = (await get(path)).headers.get('etag')!;
    // Without the second one fetch would ask for a new answer all the same.
    const again = await get(path, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } });
    assert.equal(again.status, 304, path);
    assert.equal(await again.text(), '');
  }
});

test('the page is at /docs only', async () => {
  const response = await get('/docs/');
  assert.equal(response.status, 308);
  assert.equal(response.headers.get('location'), '/docs');
  const head = await get('/docs', { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), '');
  assert.equal((await get('/docs', { method: 'OPTIONS' })).headers.get('allow'), 'GET, HEAD, OPTIONS');
  const post = await get('/docs', { method: 'POST', body: 'x' });
  assert.equal(post.status, 405);
  assert.equal(post.headers.get('allow'), 'GET, HEAD, OPTIONS');
});

const ELSEWHERE = [
  '/docs/index.html',
  '/docs/package.json',
  '/docs/swagger-ui.js',
  '/docs/../package.json',
  '/docs/../../package.json',
  '/docs/..%2f..%2fpackage.json',
  '/docs/%2e%2e/%2e%2e/package.json',
  '/docs/..\\..\\package.json',
  '/docs//etc/passwd',
  '/docs/swagger-ui.css%00.js',
  '/docs/swagger-ui.css/',
  '/docs/__proto__',
  '/docs/constructor',
  '/docsx',
  '/Docs',
];
for (const path of ELSEWHERE)
  test(`nothing is served at ${path}`, async () => {
    const answer = await rawGet(path);
    assert.equal(statusOf(answer), 404);
    assert.match(answer, /"type":"not_found"/);
  });
