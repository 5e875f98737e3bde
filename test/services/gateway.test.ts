import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { DatabaseError } from '../../adapters/database/database.ts';
import { ERRORS, type ErrorType } from '../../contracts/errors.ts';
import { type Answer, ask, type RestNode, register, startRestNode } from './rest-node.ts';

let node: RestNode;
before(async () => {
  node = await startRestNode({ env: { SKEIN_LIMIT_REQUEST_MAX_BYTES: '20000' } });
  await register(node, 'here');
});
after(() => node.stop());

/** A problem document, whole and consistent. */
function isProblem(answer: Answer, type: ErrorType): void {
  assert.equal(answer.headers.get('content-type'), 'application/problem+json', JSON.stringify(answer.body));
  assert.equal(answer.body.type, type, JSON.stringify(answer.body));
  assert.equal(answer.status, ERRORS[type].status);
  assert.equal(answer.body.status, ERRORS[type].status);
  assert.equal(answer.body.title, ERRORS[type].title);
  assert.equal(typeof answer.body.detail, 'string');
  assert.equal(answer.body.requestId, answer.headers.get('x-request-id'));
}

/** Sends bytes as they are and answers with all that comes back until the server closes. */
const raw = (bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(node.url);
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', chunk => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    // A reset after the answer was read is no failure of the answer.
    socket.on('error', error => (text === '' ? reject(error) : resolve(text)));
  });
const rawGet = (path: string, more = '') =>
  raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${node.adminKey}\r\n${more}Connection: close\r\n\r\n`);

test('a path that is not there is not found, with the method of any', async () => {
  for (const line of [
    'GET /',
    'GET /api',
    'GET /api/v2/devices',
    'GET /api/v1/nothing',
    'POST /api/v1/devices/here/nothing',
    'GET /apix/devices',
    'GET /api/v1/Devices',
    'GET /api//devices',
    'OPTIONS /api/v1/nothing',
  ])
    isProblem(await ask(node, line), 'not_found');
});

test('a path with another method says which methods it answers', async () => {
  const answer = await ask(node, 'PUT /api/v1/devices/here', { body: {} });
  isProblem(answer, 'method_not_allowed');
  assert.equal(answer.headers.get('allow'), 'DELETE, GET, HEAD, OPTIONS, PATCH');
  isProblem(await ask(node, 'DELETE /api/devices'), 'method_not_allowed');
  isProblem(await ask(node, 'POST /health/live'), 'method_not_allowed');
});

test('OPTIONS says which methods a path answers, HEAD is GET without a body', async () => {
  const options = await ask(node, 'OPTIONS /api/v1/devices', { key: null });
  assert.deepEqual([options.status, options.headers.get('allow')], [204, 'GET, HEAD, OPTIONS, POST']);
  const head = await ask(node, 'HEAD /api/v1/devices/here');
  assert.deepEqual([head.status, head.headers.get('etag'), head.body], [200, '"1"', undefined]);
  assert.equal((await ask(node, 'HEAD /api/v1/devices/nobody')).status, 404);
});

for (const [what, headers] of [
  ['no key', {}],
  ['another scheme', { authorization: 'Basic YTpi' }],
  ['an empty key', { authorization: 'Bearer ' }],
  ['a wrong key', { authorization: 'Bearer nonsense' }],
  ['a very long key', { authorization: `Bearer ${'x'.repeat(1_000)}` }],
] as const)
  test(`a request with ${what} is unauthorized`, async () => {
    const answer = await ask(node, 'GET /api/v1/devices', { key: null, headers });
    isProblem(answer, 'unauthorized');
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  });

for (const [what, type, body, headers] of [
  ['broken JSON', 'invalid_json', '{"id":', {}],
  ['an empty body', 'invalid_json', '', {}],
  ['a form', 'unsupported_media_type', 'id=1', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['a compressed body', 'unsupported_media_type', '{}', { 'content-encoding': 'gzip' }],
  ['another charset', 'unsupported_media_type', '{}', { 'content-type': 'application/json; charset=latin1' }],
  ['a body that is too large', 'too_large', JSON.stringify({ name: 'x'.repeat(20_000) }), {}],
  ['a body that is nested very deep', 'invalid_request', `{"metadata": ${'['.repeat(9_000)}${']'.repeat(9_000)}}`, {}],
] as const)
  test(`${what} is refused`, async () => {
    isProblem(await ask(node, 'POST /api/v1/devices', { body, headers }), type);
  });

test('brackets inside of texts are no nesting, and a suffix of JSON is JSON', async () => {
  const body = JSON.stringify({ name: `${'['.repeat(100)}\\"${'{'.repeat(50)}` });
  const made = await ask(node, 'POST /api/v1/devices', {
    body,
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  assert.equal(made.status, 201);
});

test('a body that is not UTF-8 is refused', async () => {
  const response = await fetch(`${node.url}/api/v1/devices`, {
    method: 'POST',
    headers: { authorization: `Bearer ${node.adminKey}`, 'content-type': 'application/json' },
    body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  });
  assert.partialDeepStrictEqual(await response.json(), { type: 'invalid_json' });
});

test('a body that grows too large while it comes is refused before it ends', async () => {
  const chunk = `${(10_000).toString(16)}\r\n${'x'.repeat(10_000)}\r\n`;
  const answer = await raw(
    `POST /api/v1/devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${node.adminKey}\r\nContent-Type: application/json\r\n` +
      `Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk}${chunk}${chunk}`,
  );
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test('nothing of a body is read for a caller without a key', async () => {
  const answer = await raw(
    'POST /api/v1/devices HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 401 /);
});

test('headers that are too large, and what is not HTTP, get a problem document', async () => {
  const large = await rawGet('/api/v1/devices', `X-Large: ${'x'.repeat(1_000_000)}\r\n`);
  assert.match(large, /^HTTP\/1\.1 431 /);
  assert.match(large, /application\/problem\+json[\s\S]*"type":"headers_too_large"/);
  const broken = await raw('this is not HTTP\r\n\r\n');
  assert.match(broken, /^HTTP\/1\.1 400 [\s\S]*"type":"invalid_request"/);
});

for (const id of [
  'a%2fb',
  '..',
  '%2e%2e',
  'a%00b',
  '+',
  '%23',
  'a%20b',
  '%F0%9F%98%80',
  "'",
  '%25',
  'x'.repeat(5_000),
  '%zz',
  '%c3',
])
  test(`the path id ${id.slice(0, 20)} is no id, and no exception`, async () => {
    const paths = [
      'devices/ID',
      'devices/ID/telemetry',
      'devices/ID/telemetry/latest',
      'device/ID/latest',
      'dead-letters/ID',
    ];
    for (const path of paths) {
      const answer = await rawGet(`/api/v1/${path.replace('ID', id)}`);
      assert.match(answer, /^HTTP\/1\.1 (400|404) /, path);
      assert.match(answer, /"type":"(invalid_request|not_found)"/, path);
    }
    assert.equal(
      node.logged.some(line => line.includes('A request failed')),
      false,
    );
  });

test('an id of the caller names the request, unless it could forge something', async () => {
  const named = await ask(node, 'GET /api/v1/nothing', { headers: { 'x-request-id': 'order-66:a.b_c' } });
  assert.equal(named.headers.get('x-request-id'), 'order-66:a.b_c');
  for (const id of ['a b', 'x'.repeat(200), '"', 'a\tb'])
    assert.match(
      (await ask(node, 'GET /api/v1/nothing', { headers: { 'x-request-id': id } })).headers.get('x-request-id')!,
      /^[0-9a-f-]{36}$/,
    );
  const correlated = await ask(node, 'GET /api/v1/devices/here', { headers: { 'x-correlation-id': '<script>' } });
  assert.match(correlated.headers.get('x-request-id')!, /^[0-9a-f-]{36}$/);
});

test('every answer forbids guessing its type', async () => {
  for (const line of ['GET /api/v1/devices/here', 'GET /api/v1/nothing', 'OPTIONS /api/devices'])
    assert.equal((await ask(node, line)).headers.get('x-content-type-options'), 'nosniff');
});

/** Lets the next statement of the database fail. */
async function withFailing<T>(error: Error, work: () => Promise<T>): Promise<T> {
  const { database } = node;
  const query = database.query;
  database.query = () => Promise.reject(error);
  try {
    return await work();
  } finally {
    database.query = query;
  }
}

for (const [kind, type] of [
  ['unavailable', 'unavailable'],
  ['timeout', 'unavailable'],
  ['outcome_unknown', 'unknown_outcome'],
  ['refused', 'invalid_request'],
  ['failed', 'internal'],
] as const)
  test(`a database that says "${kind}" is told as ${type}, without its words`, async () => {
    const failure = new DatabaseError(kind, 'relation "device" at character 15', { code: '42P01' });
    const answer = await withFailing(failure, () => ask(node, 'GET /api/v1/devices'));
    isProblem(answer, type);
    assert.doesNotMatch(JSON.stringify(answer.body), /relation|character|42P01/);
  });

test('a defect is logged with the id of its request, and told without any word of it', async () => {
  const answer = await withFailing(new TypeError('x is not a function'), () => ask(node, 'GET /api/v1/devices'));
  isProblem(answer, 'internal');
  assert.doesNotMatch(JSON.stringify(answer.body), /function|stack|TypeError/);
  const line = node.logged.find(it => it.includes(answer.body.requestId));
  assert.match(line ?? '', /x is not a function/);
});

test('a failure that is not of the caller is one line in the log, with its id', async () => {
  const failure = new DatabaseError('timeout', 'canceling statement', { code: '57014' });
  const before = node.logged.length;
  const answer = await withFailing(failure, () => ask(node, 'GET /api/v1/devices'));
  const lines = node.logged.slice(before).map(it => JSON.parse(it));
  assert.deepEqual(
    lines.map(it => [it.requestId, it.status, it.type, it.action]),
    [[answer.body.requestId, 503, 'unavailable', 'devices.list']],
  );
  const quiet = node.logged.length;
  await ask(node, 'GET /api/v1/devices/nobody');
  assert.equal(node.logged.length, quiet);
});

test('a filter that no stored text can have is refused by its name', async () => {
  const answer = await ask(node, 'GET /api/v1/devices?type=a%00b');
  isProblem(answer, 'invalid_request');
  assert.match(answer.body.detail, /^type /);
  assert.equal((await ask(node, 'GET /api/v1/devices?type=ab')).status, 200);
});

test('a part of the system that no node runs is not available', async () => {
  const service = node.broker.getLocalService('dead-letters')!;
  const schema = service.originalSchema ?? service.schema;
  await node.broker.destroyService(service);
  const answer = await ask(node, 'GET /api/v1/dead-letters');
  node.broker.createService(schema);
  await node.broker.waitForServices('dead-letters');
  isProblem(answer, 'unavailable');
  assert.equal(answer.headers.get('retry-after'), '1');
  assert.equal((await ask(node, 'GET /api/v1/dead-letters')).status, 200);
});

test('nobody can change the paths, or ask for them', () => {
  const names = node.broker.registry.actions.list({ onlyLocal: true }).map(it => it.name);
  assert.deepEqual(names.filter(name => name.startsWith('gateway.')).sort(), ['gateway.live', 'gateway.openApi']);
});

test('a stopped gateway refuses instead of leaving requests without an answer', async () => {
  await node.broker.destroyService(node.broker.getLocalService('gateway')!);
  isProblem(await ask(node, 'GET /health/live'), 'unavailable');
});
