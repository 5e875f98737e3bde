import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { access } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { actsOf, identityOf, problem, startIdentityNode } from './identity-node.ts';
import { ask, ENGINES, type RestNode, register } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`organizations on ${engine}`, () => {
    let node: RestNode;
    let make: ReturnType<typeof identityOf>;
    before(async () => {
      node = await startIdentityNode({ engine });
      make = identityOf(node);
    });
    after(() => node.stop());

    const change = (slug: string, body: unknown, key?: string, headers?: Record<string, string>) =>
      ask(node, `PATCH /api/v1/organizations/${slug}`, { body, key, headers });

    test('a new organization comes with a key that works in it, and with a user when one is named', async () => {
      const { status, headers, body } = await ask(node, 'POST /api/v1/organizations', {
        body: { slug: 'acme', name: 'Acme', quotas: { devices: 5 }, admin: { email: 'Ann@Acme.example' } },
      });
      assert.equal(status, 201);
      assert.equal(headers.get('location'), '/api/v1/organizations/acme');
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.partialDeepStrictEqual(body.organization, {
        slug: 'acme',
        name: 'Acme',
        state: 'active',
        isOperator: false,
      });
      assert.equal(body.organization.quotas.devices, 5);
      assert.partialDeepStrictEqual(body.user, { email: 'ann@acme.example', roles: ['admin'], hasPassword: false });
      const own = await ask(node, 'GET /api/v1/organizations', { key: body.credentials.apiKey });
      assert.deepEqual(
        own.body.items.map((it: { slug: string }) => it.slug),
        ['acme'],
      );
      assert.deepEqual(await actsOf(node, 'acme'), ['organization.created organization acme']);
      assert.ok((await actsOf(node)).includes('organization.created organization acme'));
    });

    test('making one again with the same Idempotency-Key answers the same key', async () => {
      const again = () =>
        ask(node, 'POST /api/v1/organizations', {
          body: { slug: 'twice', admin: { email: 'a@b.example', password: 'a long password' } },
          headers: { 'idempotency-key': 'o-1' },
        });
      const [first, second] = [await again(), await again()];
      assert.deepEqual(second.body, first.body);
      assert.equal(first.body.user.hasPassword, true);
    });

    test('only the organization that runs the system makes others, changes quotas and state', async () => {
      const key = await make.organization('small');
      const made = await ask(node, 'POST /api/v1/organizations', { body: { slug: 'mine' }, key });
      assert.deepEqual(problem(made), [403, 'forbidden']);
      assert.deepEqual(problem(await change('small', { quotas: { devices: 9 } }, key)), [403, 'forbidden']);
      assert.deepEqual(problem(await change('small', { state: 'suspended' }, key)), [403, 'forbidden']);
      assert.equal((await change('small', { name: 'Small' }, key)).body.name, 'Small');
    });

    test('another organization looks exactly like one that is not there', async () => {
      const key = await make.organization('nosy');
      await make.organization('hidden');
      for (const line of ['GET /api/v1/organizations/%', 'GET /api/v1/organizations/%/usage']) {
        const [there, not] = await Promise.all(
          ['hidden', 'nobody'].map(slug => ask(node, line.replace('%', slug), { key })),
        );
        assert.deepEqual(problem(there!), [404, 'not_found']);
        assert.equal(there!.body.detail.replace('hidden', 'nobody'), not!.body.detail);
      }
      assert.deepEqual(problem(await change('hidden', { name: 'x' }, key)), [404, 'not_found']);
      assert.deepEqual(problem(await change('default', { name: 'x' }, key)), [404, 'not_found']);
      assert.equal((await ask(node, 'GET /api/v1/organizations/hidden')).status, 200);
    });

    test('a suspended organization has no keys that work, and has them again when it is active again', async () => {
      const key = await make.organization('pausing');
      const device = await register(node, 'd1', {}, key);
      const verify = (it: string) => call(node.broker, access.verify, { key: it });
      await Promise.all([verify(key), verify(device)]);
      assert.equal((await change('pausing', { state: 'suspended' })).body.state, 'suspended');
      await assert.rejects(verify(key), { type: 'unauthorized' });
      await assert.rejects(verify(device), { type: 'unauthorized' });
      assert.ok((await actsOf(node, 'pausing')).includes('organization.suspended organization pausing'));
      await change('pausing', { state: 'active' });
      assert.equal((await verify(key)).tenant, 'pausing');
    });

    test('the organization that runs the system can not be suspended', async () => {
      assert.deepEqual(problem(await change('default', { state: 'suspended' })), [409, 'conflict']);
    });

    test('a change with another version is refused', async () => {
      await make.organization('versioned');
      const { headers } = await ask(node, 'GET /api/v1/organizations/versioned');
      assert.equal(headers.get('etag'), '"1"');
      assert.equal((await change('versioned', { name: 'a' }, undefined, { 'if-match': '"1"' })).status, 200);
      const stale = await change('versioned', { name: 'b' }, undefined, { 'if-match': '"1"' });
      assert.deepEqual(problem(stale), [412, 'stale_version']);
    });

    test('a quota of null is as usual again, and what is used is told', async () => {
      const key = await make.organization('counting', { quotas: { devices: 7, users: 3 } });
      await register(node, 'd1', {}, key);
      await change('counting', { quotas: { users: null } });
      const { body } = await ask(node, 'GET /api/v1/organizations/counting/usage', { key });
      assert.deepEqual(body.quotas.devices, { size: 7, used: 1 });
      assert.deepEqual(body.quotas.users, { size: node.config.limits.tenantUsers, used: 0 });
      assert.equal(body.quotas.apiKeys.used, 1);
      assert.deepEqual(body.quotas.messagesPerSecond, { size: node.config.limits.tenantMessagesPerSecond });
    });

    test('beyond a quota nothing is made, and the answer says which one, its size and what is used', async () => {
      const key = await make.organization('tight', { quotas: { devices: 1, users: 1, apiKeys: 2 } });
      for (const [quota, size, line, body] of [
        ['devices', 1, 'POST /api/v1/devices', { id: 'd%' }],
        ['users', 1, 'POST /api/v1/users', { email: 'u%@tight.example' }],
        ['apiKeys', 2, 'POST /api/v1/api-keys', { name: 'k%', roles: ['viewer'] }],
      ] as const) {
        const add = (n: number) => ask(node, line, { key, body: JSON.stringify(body).replace('%', String(n)) });
        assert.equal((await add(1)).status, 201);
        const refused = await add(2);
        assert.deepEqual(problem(refused), [409, 'quota_exceeded']);
        assert.match(refused.body.detail, new RegExp(`"${quota}" is ${size}, of which ${size} are used`));
      }
      await ask(node, 'DELETE /api/v1/devices/d1', { key });
      await register(node, 'd3', {}, key);
    });

    for (const slug of ['', 'Upper', '-a', 'a b', 'a/b', 'ä', `${'a'.repeat(64)}`])
      test(`an organization can not be called "${slug.slice(0, 10)}"`, async () => {
        const answer = await ask(node, 'POST /api/v1/organizations', { body: { slug } });
        assert.deepEqual(problem(answer), [400, 'invalid_request']);
      });

    for (const body of [
      { isOperator: true },
      { tenantId: 1 },
      { version: 3 },
      { id: 1 },
      { slug: 'other' },
      { quotas: { telemetry: 1 } },
      { quotas: { devices: -1 } },
      { quotas: { requestsPerSecond: 0 } },
    ])
      test(`a change with ${JSON.stringify(body)} is refused, and named`, async () => {
        const { status, body: said } = await change('default', body);
        assert.deepEqual([status, said.type], [400, 'invalid_request']);
        const [name, inner] = Object.entries(body)[0]!;
        assert.match(said.detail, new RegExp(typeof inner === 'object' ? Object.keys(inner)[0]! : name));
      });
  });
