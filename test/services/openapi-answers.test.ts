import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { OpenApi } from '../../services/gateway/openapi/document.ts';
import { crossingsOf } from './crossing-requests.ts';
import { ENOUGH_ATTEMPTS, makeTenant, nobodys, type Tenant } from './crossing-world.ts';
import { answerFault, type Check, type Operation, operationsOf, schemaChecks } from './openapi-checks.ts';
import { type Asking, ELSEWHERE, LIVES } from './openapi-lives.ts';
import { type Answer, ask, type RestNode } from './rest-node.ts';
import { startWholeNode } from './whole-node.ts';

let node: RestNode;
let tenant: Tenant;
let document: OpenApi;
let operations: Operation[];
let check: Check;
const made: [line: string, answer: Answer][] = [];
before(async () => {
  node = await startWholeNode(ENOUGH_ATTEMPTS);
  document = (await ask(node, 'GET /openapi.json', { key: null })).body;
  operations = operationsOf(document);
  check = schemaChecks(document);
  tenant = await makeTenant(node, 'tenant-a', 'canary-a-7391', (line, answer) => made.push([line, answer]));
});
after(() => node?.stop());

/** The operation that a path leads to; one without parameters in it before one with. */
function operationAt(line: string): Operation {
  const [method, path] = line.split(' ') as [string, string];
  const fits = operations
    .filter(it => it.method === method)
    .filter(it => new RegExp(`^${it.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path.split('?')[0]!))
    .sort((a, b) => a.path.split('{').length - b.path.split('{').length);
  assert.ok(fits[0], `${line} is in the document`);
  return fits[0];
}

async function tell(operation: Operation, path: string, body: unknown, key: string): Promise<Answer> {
  const response = await fetch(`${node.url}/api/v1${path}`, {
    method: operation.method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': Object.keys(operation.requestBody!.content)[0]! }),
    },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** What takes something away comes last, and of that what is inside of something else first: so that the others have something to show. */
function turnOf({ method, path }: Operation): number {
  // Nothing that is held is erased.
  if (path === '/storage/legal-holds' && method === 'POST') return 360;
  const place = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE'].indexOf(method) * 100;
  const takes = /\/(lifecycle|erase|revoke|logout|cancel|rotate|claim|password)$/.test(path);
  return takes ? 350 - path.split('/').length : place - (method === 'DELETE' ? path.split('/').length : 0);
}

const statuses = new Map<string, Set<number>>();
/** What is wrong with it. */
function judge(operation: Operation, what: string, answer: Answer): string[] {
  const line = `${operation.method} ${operation.path}`;
  statuses.set(line, (statuses.get(line) ?? new Set()).add(answer.status));
  const fault = answerFault(document, check, operation, answer);
  return fault === undefined ? [] : [`${what}: ${fault}`];
}

test('what is made, from its beginning to its end, answers as the document says', async () => {
  const faults = made.flatMap(([line, answer]) => judge(operationAt(line), line, answer));
  const asking: Asking = async (line, body, key = tenant.keys.admin) => {
    const [method, path] = line.split(' ') as [string, string];
    const answer = await ask(node, `${method} /api/v1${path}`, { body, key });
    faults.push(...judge(operationAt(line), line, answer));
    assert.ok(answer.status < 300, `${line}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  for (const live of LIVES) await live(asking, tenant.slug);
  assert.deepEqual(faults, []);
});

test('every path answers as the document says: about what is there, what is not, and to who may not', async () => {
  const faults: string[] = [];
  const { device, user, admin } = tenant.keys;
  for (const operation of operations.toSorted((a, b) => turnOf(a) - turnOf(b)))
    for (const key of [device, user, admin, node.adminKey, 'nobody'])
      for (const ids of [nobodys(tenant).ids, tenant.ids])
        for (const { what, path, body } of crossingsOf(document, operation, tenant.ids, ids))
          faults.push(...judge(operation, what, await tell(operation, path, body, key)));
  assert.deepEqual([...new Set(faults)], []);
});

test('of every path an answer was seen that is no refusal', () => {
  const refusing = [...statuses].filter(([, its]) => ![...its].some(status => status < 300)).map(([line]) => line);
  assert.deepEqual(
    refusing.filter(line => !ELSEWHERE.includes(line)),
    [],
  );
});

test('an answer that the document does not know is found', async () => {
  const operation = operationAt('GET /health/live');
  const headers = new Headers({ 'content-type': 'application/json' });
  assert.equal(answerFault(document, check, operation, { status: 200, headers, body: { status: 'alive' } }), undefined);
  assert.match(
    answerFault(document, check, operation, { status: 200, headers, body: { status: 'dead' } })!,
    /alive|constant/,
  );
  assert.match(answerFault(document, check, operation, { status: 418, headers, body: {} })!, /418 is not documented/);
});
