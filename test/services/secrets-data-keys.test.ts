/** Data keys over REST, on whole nodes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { audits } from './auth-node.ts';
import { until } from './provisioning-node.ts';
import { addTenant, ask, type RestNode } from './rest-node.ts';
import { startWholeNode } from './whole-node.ts';

let node: RestNode;
before(async () => {
  node = await startWholeNode({
    SKEIN_LIMIT_DATA_KEY_READ_SECONDS: '1',
    SKEIN_LIMIT_DATA_KEY_KEEP_SECONDS: '4',
    SKEIN_LIMIT_DATA_KEYS_MAX: '2',
  });
});
after(() => node?.stop());

const PATH = '/api/v1/security/data-keys';
const list = async () =>
  (await ask(node, `GET ${PATH}`)).body.items as { id: number; state: string; secrets: number }[];
const rotate = (key?: string) => ask(node, `POST ${PATH}/rotate`, { key });

test('they are shown with what they seal, and nothing of themselves', async () => {
  await ask(node, 'POST /api/v1/devices', { body: { id: 'd' }, headers: { 'idempotency-key': randomUUID() } });
  const { status, body } = await ask(node, `GET ${PATH}`);
  assert.equal(status, 200);
  assert.deepEqual(
    body.items.map((it: object) => Object.keys(it)),
    [['id', 'state', 'createdAt', 'sealsFrom', 'secrets']],
  );
  assert.equal(body.items[0].state, 'current');
  assert.ok(body.items[0].secrets >= 2);
});

test('only the organization that runs the system sees and replaces them', async () => {
  const other = await addTenant(node, 'acme');
  for (const line of [`GET ${PATH}`, `POST ${PATH}/rotate`])
    assert.equal((await ask(node, line, { key: other })).body.type, 'forbidden');
  assert.equal((await ask(node, `GET ${PATH}`, { key: null })).status, 401);
  assert.equal((await list()).length, 1);
});

test('while a node has another key of the system there is no new one', async () => {
  await node.database.query(`UPDATE node_session SET system_key = 'another' WHERE state <> 'closed'`);
  const { status, body } = await rotate();
  assert.equal(status, 409);
  assert.match(body.detail, /start these nodes with the new one first: whole-test/);
  await node.database.query('UPDATE node_session SET system_key = NULL');
});

test('a new one takes over: what was sealed opens as before, and the old one goes', async () => {
  const [old] = await list();
  const headers = { 'idempotency-key': randomUUID() };
  const make = () => ask(node, 'POST /api/v1/api-keys', { body: { name: 'k', roles: ['viewer'] }, headers });
  const made = await make();
  assert.equal(made.status, 201);
  const { status, body } = await rotate();
  assert.equal(status, 200);
  assert.ok(body.id > old!.id && Date.parse(body.sealsFrom) > 0);
  // It waits; so it is not made again.
  assert.equal((await rotate()).body.id, body.id);
  assert.partialDeepStrictEqual(await list(), [
    { id: body.id, state: 'waiting', secrets: 0 },
    { id: old!.id, state: 'current' },
  ]);
  const [entry, ...more] = await audits(node, 'data_key.rotated');
  assert.deepEqual([entry!.target, more], [`data key ${body.id}`, []]);
  // As when it had waited.
  await node.database.query('UPDATE data_key SET seals_from = now() WHERE data_key_id = $1', [body.id]);
  const left = await until(async () => {
    const items = await list();
    return items.length === 1 ? items[0] : undefined;
  });
  assert.deepEqual([left!.id, left!.state, left!.secrets >= 3], [body.id, 'current', true]);
  assert.deepEqual((await make()).body, made.body);
  assert.equal((await audits(node, 'data_key.removed'))[0]!.target, `data key ${old!.id}`);
});
