import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ServiceBroker } from 'moleculer';
import { SkeinError } from '../../contracts/errors.ts';
import type { OpenApi } from '../../services/gateway/openapi/document.ts';
import { unknownReferences } from './crossing-requests.ts';
import { findCrossings } from './crossing-run.ts';
import { ENOUGH_ATTEMPTS, makeTenant, type Tenant } from './crossing-world.ts';
import { type Operation, operationsOf } from './openapi-checks.ts';
import { ask, type RestNode } from './rest-node.ts';
import { startWholeNode } from './whole-node.ts';

let node: RestNode;
let victim: Tenant;
let intruder: Tenant;
let document: OpenApi;
let operations: Operation[];
before(async () => {
  node = await startWholeNode(ENOUGH_ATTEMPTS);
  victim = await makeTenant(node, 'tenant-a', 'canary-a-7391');
  intruder = await makeTenant(node, 'tenant-b', 'canary-b-2846');
  document = (await ask(node, 'GET /openapi.json', { key: null })).body;
  operations = operationsOf(document);
});
after(() => node?.stop());

test('every path can be asked with ids of somebody else', () => {
  assert.deepEqual(unknownReferences(document, operations, victim.ids), []);
});

test('nobody reads or changes anything of another tenant, or learns that it is there', async () => {
  const findings = await findCrossings(node, document, operations, { intruder, victim });
  assert.deepEqual(findings, []);
});

type Registered = { handler: (ctx: unknown) => unknown };
const actionOf = (broker: ServiceBroker, name: string): Registered =>
  (
    broker.registry as unknown as {
      actions: { get(name: string): { localEndpoint?: unknown; endpoints: { action: Registered }[] } };
    }
  ).actions.get(name).endpoints[0]!.action;

/** What a forgotten condition in one place looks like from outside. */
const DEFECTS: { readonly [name: string]: { action: string; line: string; sql: string; found: RegExp } } = {
  'reads without looking at the tenant': {
    action: 'dead-letters.get',
    line: 'GET /dead-letters/{id}',
    sql: 'SELECT dead_letter_id AS id, payload::text FROM dead_letter WHERE dead_letter_id::text = $1',
    found: /\(path: id\) by viewer: 200, but 404/,
  },
  'lists without looking at the tenant': {
    action: 'commands.list',
    line: 'GET /commands',
    sql: 'SELECT command_id AS id, parameters FROM command WHERE $1::text IS NULL',
    found: /by admin: 200 with canary-a-7391/,
  },
  'changes without looking at the tenant': {
    action: 'dead-letters.replay',
    line: 'POST /dead-letters/{id}/replay',
    sql: 'UPDATE dead_letter SET replayed_at = now() WHERE dead_letter_id::text = $1 RETURNING 1 AS id',
    found: /Rows of dead_letter have changed/,
  },
};
for (const [what, { action, line, sql, found }] of Object.entries(DEFECTS))
  test(`a handler that ${what} is found`, async () => {
    const registered = actionOf(node.broker, action);
    const { handler } = registered;
    registered.handler = async ctx => {
      const { id } = (ctx as { params: { id?: string } }).params;
      const rows = await node.database.query(sql, [id ?? null]);
      if (id !== undefined && rows.length === 0) throw new SkeinError('not_found', 'There is no such dead letter');
      return { items: rows, ...rows[0] };
    };
    const only = operations.filter(it => `${it.method} ${it.path}` === line);
    const findings = await findCrossings(node, document, only, { intruder, victim });
    registered.handler = handler;
    assert.ok(
      findings.some(it => found.test(it)),
      findings.join('\n'),
    );
  });

test('a path that nobody has made an example for is found', () => {
  const planted = { method: 'GET', path: '/planted/{id}', parameters: [{ name: 'ownerId', in: 'query' }] } as never;
  assert.deepEqual(unknownReferences(document, [planted], victim.ids), [
    'GET /planted/{id}: a maker for planted (crossing-world.ts)',
    'GET /planted/{id}: what ownerId in the query names (crossing-requests.ts)',
  ]);
});

/** Moleculer's own tell of nodes and services; nothing leads to them from outside. */
const withoutAccess = (broker: ServiceBroker): string[] =>
  broker.registry.actions
    .list({ onlyLocal: true, withEndpoints: false } as never)
    .map(it => it as unknown as { name: string; action?: { access?: unknown } })
    .filter(({ name, action }) => !name.startsWith('$node.') && action?.access === undefined)
    .map(({ name }) => name);

test('every action of every service says who may call it', () => {
  const count = node.broker.registry.actions.list({ onlyLocal: true } as never).length;
  assert.ok(count > 50, String(count));
  assert.deepEqual(withoutAccess(node.broker), []);
});

test('an action that does not say is found', async () => {
  const broker = new ServiceBroker({ logger: false });
  broker.createService({ name: 'planted', actions: { open: () => 'everything' } });
  await broker.start();
  assert.deepEqual(withoutAccess(broker), ['planted.open']);
  await broker.stop();
});
