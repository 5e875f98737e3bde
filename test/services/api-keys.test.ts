import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RevocationFeed } from '../../mixins/revocations.ts';
import { actsOf, identityOf, idOf, problem, startIdentityNode } from './identity-node.ts';
import { ask, type RestNode } from './rest-node.ts';

describe('API keys', () => {
  let node: RestNode;
  let make: ReturnType<typeof identityOf>;
  before(async () => {
    node = await startIdentityNode({ engine: 'postgres' });
    make = identityOf(node);
  });
  after(() => node.stop());

  const create = (body: object, key?: string, headers?: Record<string, string>) =>
    ask(node, 'POST /api/v1/api-keys', { body: { name: 'a key', roles: ['viewer'], ...body }, key, headers });
  const works = async (key: string) => (await ask(node, 'GET /api/v1/devices', { key })).status === 200;
  const rotate = (key: string, body?: object, by?: string, headers?: Record<string, string>) =>
    ask(node, `POST /api/v1/api-keys/${idOf(key)}/rotate`, { body, key: by, headers });
  const find = async (key: string) => (await ask(node, `GET /api/v1/api-keys/${idOf(key)}`)).body;

  test('a key is shown once, works at once, and says who made it', async () => {
    const { status, headers, body } = await create({ name: 'reader' });
    assert.deepEqual([status, headers.get('cache-control')], [201, 'no-store']);
    assert.equal(headers.get('location'), `/api/v1/api-keys/${body.apiKey.id}`);
    assert.ok(await works(body.key));
    assert.partialDeepStrictEqual(body.apiKey, {
      name: 'reader',
      roles: ['viewer'],
      permissions: null,
      createdBy: `application ${idOf(node.adminKey)}`,
      expiresAt: null,
      revokedAt: null,
    });
    const listed = await ask(node, 'GET /api/v1/api-keys?limit=1000');
    assert.ok(listed.body.items.some((it: { id: string }) => it.id === body.apiKey.id));
    assert.equal(JSON.stringify(listed.body).includes(body.key.split('_')[2]), false);
  });

  test('with the same Idempotency-Key it is made once, and the answer is the same', async () => {
    const again = (name: string) => create({ name }, undefined, { 'idempotency-key': 'k-1' });
    const first = await again('once');
    assert.deepEqual((await again('once')).body, first.body);
    assert.deepEqual(problem(await again('twice')), [409, 'idempotency_key_reused']);
  });

  test('a key with permissions has those only, of all that its roles give', async () => {
    const key = await make.apiKey(['admin'], { permissions: ['groups:read'] });
    assert.equal((await ask(node, 'GET /api/v1/users', { key })).status, 403);
    assert.deepEqual(problem(await create({ permissions: ['devices:write'] })), [400, 'invalid_request']);
  });

  test('a revoked key stops at once, and asking again answers the same', async () => {
    const key = await make.apiKey(['viewer']);
    assert.ok(await works(key));
    const first = await ask(node, `DELETE /api/v1/api-keys/${idOf(key)}`);
    assert.equal(await works(key), false);
    assert.deepEqual((await ask(node, `DELETE /api/v1/api-keys/${idOf(key)}`)).body, first.body);
    assert.ok((await actsOf(node)).includes(`api_key.revoked application ${idOf(key)}`));
  });

  test('a key that was used stops also when nobody hears that it was revoked: the table has it', async () => {
    const key = await make.apiKey(['viewer']);
    assert.ok(await works(key));
    // As another node does it whose message is lost.
    await node.database.query('UPDATE api_key SET revoked_at = now() WHERE key_id = $1', [idOf(key)]);
    assert.ok(await works(key), 'it is still remembered');
    await node.database.query(`INSERT INTO revocation (kind, tenant, subject) VALUES ('api_key', 'default', $1)`, [
      idOf(key),
    ]);
    for (const untilMs = Date.now() + 20_000; await works(key); ) {
      assert.ok(Date.now() < untilMs, 'it still works');
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  });

  test('what revokes is in the table, so that other nodes find it', async () => {
    const key = await make.apiKey(['viewer']);
    await ask(node, `DELETE /api/v1/api-keys/${idOf(key)}`);
    const heard: string[] = [];
    const feed = new RevocationFeed({
      database: node.database,
      pollMs: 1_000,
      lookBackSeconds: 30,
      onRevoked: it => heard.push(`${it.kind} ${it.tenant}/${it.subject}`),
      onError: error => assert.fail(String(error)),
    });
    await feed.poll();
    assert.ok(heard.includes(`api_key default/${idOf(key)}`));
  });

  test('a rotated key is followed by one that may do the same, and stops at once', async () => {
    const key = await make.apiKey(['admin'], { permissions: ['devices:read'], ttlSeconds: 3_600 });
    assert.ok(await works(key));
    const { status, body } = await rotate(key);
    assert.equal(status, 201);
    const before = await find(key);
    assert.deepEqual([await works(key), await works(body.key)], [false, true]);
    assert.deepEqual([body.apiKey.permissions, body.apiKey.expiresAt], [['devices:read'], before.expiresAt]);
    assert.deepEqual(problem(await rotate(key)), [409, 'conflict']);
    assert.ok((await actsOf(node)).includes(`api_key.rotated application ${idOf(key)}`));
  });

  test('with a time of grace both work until it is over, and never beyond the end that the old one had', async () => {
    const key = await make.apiKey(['viewer'], { ttlSeconds: 86_400 });
    const { body } = await rotate(key, { graceSeconds: 3_600 });
    assert.deepEqual([await works(key), await works(body.key)], [true, true]);
    // Else a connection that it opened before would stay open beyond its new end.
    const told = await node.database.query(`SELECT FROM revocation WHERE kind = 'api_key' AND subject = $1`, [
      idOf(key),
    ]);
    assert.equal(told.length, 1);
    const { expiresAt, revokedAt } = await find(key);
    assert.equal(revokedAt, null);
    assert.ok(Date.parse(expiresAt) < Date.now() + 3_700_000);
    const short = await make.apiKey(['viewer'], { ttlSeconds: 60 });
    const end = (await find(short)).expiresAt;
    await rotate(short, { graceSeconds: 3_600 });
    assert.equal((await find(short)).expiresAt, end);
  });

  test('a short time of grace is kept although the key is remembered', async () => {
    const key = await make.apiKey(['viewer']);
    assert.ok(await works(key));
    await rotate(key, { graceSeconds: 1 });
    for (const untilMs = Date.now() + 20_000; await works(key); ) {
      assert.ok(Date.now() < untilMs, 'it still works');
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    assert.equal((await find(key)).revokedAt, null);
  });

  test('rotating again with the same Idempotency-Key answers the same new key', async () => {
    const key = await make.apiKey(['viewer']);
    const again = () => rotate(key, { graceSeconds: 60 }, undefined, { 'idempotency-key': 'r-1' });
    const first = await again();
    assert.deepEqual((await again()).body, first.body);
  });

  test('a key of another organization looks exactly like one that is not there', async () => {
    const key = await make.organization('key-nosy');
    const hidden = idOf(await make.apiKey(['viewer']));
    for (const [line, body] of [
      ['GET /api/v1/api-keys/%', undefined],
      ['DELETE /api/v1/api-keys/%', undefined],
      ['PATCH /api/v1/api-keys/%', { name: 'mine' }],
      ['POST /api/v1/api-keys/%/rotate', {}],
    ] as const) {
      const there = await ask(node, line.replace('%', hidden), { key, body });
      const not = await ask(node, line.replace('%', 'a'.repeat(17)), { key, body });
      assert.deepEqual(problem(there), [404, 'not_found']);
      assert.equal(there.body.detail.replace(hidden, 'a'.repeat(17)), not.body.detail);
    }
    const { body } = await ask(node, 'GET /api/v1/api-keys', { key });
    assert.deepEqual(
      body.items.map((it: { id: string }) => it.id),
      [idOf(key)],
    );
  });

  for (const [what, body] of [
    ['no roles', { roles: [] }],
    ['an unknown role', { roles: ['king'] }],
    ['an unknown permission', { permissions: ['devices:fly'] }],
    ['two ends', { ttlSeconds: 5, expiresAt: '2999-01-01T00:00:00Z' }],
    ['an end in the past', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['an end far away', { expiresAt: '2999-01-01T00:00:00Z' }],
    ['an end that is no time', { expiresAt: 'tomorrow' }],
    ['an end without a zone', { expiresAt: '2030-01-01T00:00:00' }],
    ['a time to live of nothing', { ttlSeconds: 0 }],
    ['no name', { name: '' }],
    ['a long name', { name: 'x'.repeat(201) }],
  ] as const)
    test(`a key with ${what} is refused`, async () => {
      assert.deepEqual(problem(await create(body)), [400, 'invalid_request']);
    });

  for (const name of ['tenantId', 'tenant', 'isOperator', 'role', 'id', 'version', 'createdBy', 'secretHash'])
    test(`${name} in a body is refused by name`, async () => {
      const key = await make.apiKey(['viewer']);
      for (const answer of [
        await create({ [name]: 1 }),
        await ask(node, `PATCH /api/v1/api-keys/${idOf(key)}`, { body: { name: 'x', [name]: 1 } }),
        await rotate(key, { [name]: 1 }),
      ]) {
        assert.deepEqual(problem(answer), [400, 'invalid_request']);
        assert.match(answer.body.detail, new RegExp(`\\b${name}\\b`));
      }
    });
});
