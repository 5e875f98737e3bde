import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { access } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { BUILT_IN_ROLES, PERMISSIONS } from '../../contracts/permissions.ts';
import { actsOf, identityOf, idOf, problem, startIdentityNode } from './identity-node.ts';
import { ask, type RestNode, register } from './rest-node.ts';

describe('roles', () => {
  let node: RestNode;
  let make: ReturnType<typeof identityOf>;
  before(async () => {
    node = await startIdentityNode({
      engine: 'postgres',
      env: { SKEIN_LIMIT_TENANT_ROLES: '6', SKEIN_LIMIT_ROLE_LIMIT_MAX_ITEMS: '3' },
    });
    make = identityOf(node);
  });
  after(() => node.stop());

  const put = (name: string, body: unknown, key?: string, headers?: Record<string, string>) =>
    ask(node, `PUT /api/v1/roles/${name}`, { body, key, headers });
  const remove = (name: string, key?: string) => ask(node, `DELETE /api/v1/roles/${name}`, { key });

  test('the built-in roles come first, and page by page each role comes once', async () => {
    const key = await make.organization('role-pages');
    for (const name of ['zeta', 'able', 'mid']) await make.role(name, { permissions: ['devices:read'] }, key);
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await ask(node, `GET /api/v1/roles?limit=2${cursor}`, { key });
      seen.push(...body.items.map((it: { name: string }) => it.name));
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    assert.deepEqual(seen, [...Object.keys(BUILT_IN_ROLES), 'able', 'mid', 'zeta']);
  });

  test('a built-in role is read like any other, and nobody changes or removes it', async () => {
    const { body } = await ask(node, 'GET /api/v1/roles/viewer');
    assert.partialDeepStrictEqual(body, { builtIn: true, version: null, limit: null });
    assert.deepEqual(problem(await put('viewer', { permissions: [] })), [409, 'conflict']);
    assert.deepEqual(problem(await remove('admin')), [409, 'conflict']);
  });

  test('a role is made, changed with its version, and removed', async () => {
    const fields = { permissions: ['devices:read'], limit: { groups: ['hall-3'], claimed: true } };
    const made = await put('hall', fields, undefined, { 'if-none-match': '*' });
    assert.deepEqual([made.status, made.headers.get('etag')], [201, '"1"']);
    assert.partialDeepStrictEqual(made.body, { name: 'hall', builtIn: false, ...fields });
    assert.deepEqual(problem(await put('hall', fields, undefined, { 'if-none-match': '*' })), [412, 'stale_version']);
    assert.equal((await put('hall', { permissions: [] }, undefined, { 'if-match': '"1"' })).body.limit, null);
    assert.equal((await remove('hall')).status, 200);
    assert.deepEqual(problem(await remove('hall')), [404, 'not_found']);
    const acts = (await actsOf(node)).filter(it => it.endsWith('role hall'));
    assert.deepEqual(acts, ['role.changed role hall', 'role.changed role hall', 'role.removed role hall']);
  });

  test('everybody who is signed in can read what permissions there are', async () => {
    const key = await make.apiKey(['viewer']);
    const { body } = await ask(node, 'GET /api/v1/permissions', { key });
    assert.deepEqual(
      Object.fromEntries(body.items.map((it: { name: string; description: string }) => [it.name, it.description])),
      PERMISSIONS,
    );
    const device = await register(node, 'asks');
    assert.deepEqual(problem(await ask(node, 'GET /api/v1/permissions', { key: device })), [403, 'forbidden']);
  });

  test('a role that somebody has can not be removed, and the answer says by how many', async () => {
    const key = await make.organization('in-use');
    await make.role('used', { permissions: ['devices:read'] }, key);
    const user = await make.user('a@example.org', { roles: ['used'] }, key);
    const holder = await make.apiKey(['used', 'viewer'], {}, key);
    const refused = await remove('used', key);
    assert.deepEqual(problem(refused), [409, 'conflict']);
    assert.match(refused.body.detail, /1 users and 1 API keys/);
    await ask(node, `DELETE /api/v1/users/${user}`, { key });
    await ask(node, `DELETE /api/v1/api-keys/${idOf(holder)}`, { key });
    assert.equal((await remove('used', key)).status, 200);
  });

  test('who gives a role while it is being removed gets it, or is told that there is none', async () => {
    const key = await make.organization('racing');
    for (let round = 0; round < 8; round++) {
      await make.role('brief', { permissions: ['devices:read'] }, key);
      const [given, gone] = await Promise.all([
        ask(node, 'POST /api/v1/users', { body: { email: `u${round}@example.org`, roles: ['brief'] }, key }),
        remove('brief', key),
      ]);
      assert.deepEqual([given.status, gone.status], given.status === 201 ? [201, 409] : [400, 200]);
      if (given.status !== 201) continue;
      await ask(node, `DELETE /api/v1/users/${given.body.id}`, { key });
      assert.equal((await remove('brief', key)).status, 200);
    }
  });

  test('what a role no longer gives, a key that was used before can no longer do', async () => {
    await make.role('shrinking', { permissions: ['devices:read', 'groups:read'] });
    const key = await make.apiKey(['shrinking']);
    assert.equal((await ask(node, 'GET /api/v1/devices', { key })).status, 200);
    await put('shrinking', { permissions: ['groups:read'] });
    assert.deepEqual(problem(await ask(node, 'GET /api/v1/devices', { key })), [403, 'forbidden']);
  });

  test('roles of another organization are not there', async () => {
    const key = await make.organization('role-nosy');
    await make.role('private', { permissions: ['devices:read'] });
    assert.deepEqual(problem(await ask(node, 'GET /api/v1/roles/private', { key })), [404, 'not_found']);
    assert.deepEqual(problem(await remove('private', key)), [404, 'not_found']);
    const given = await ask(node, 'POST /api/v1/users', { body: { email: 'a@b.example', roles: ['private'] }, key });
    assert.deepEqual(problem(given), [400, 'invalid_request']);
  });

  test('an organization has a limited number of roles, also when many are made at once', async () => {
    const key = await make.organization('many-roles');
    const names = Array.from({ length: 10 }, (_, i) => `r${i}`);
    const answers = await Promise.all(names.map(name => put(name, { permissions: [] }, key)));
    assert.equal(answers.filter(it => it.status === 201).length, 6);
    assert.equal(answers.filter(it => it.body.type === 'conflict').length, 4);
  });

  test('a role that is limited to devices shows a key those only', async () => {
    await register(node, 'in', { tags: ['mine'] });
    await register(node, 'out');
    await make.role('mine-only', { permissions: ['devices:read'], limit: { tags: ['mine'] } });
    const key = await make.apiKey(['mine-only']);
    const { body } = await ask(node, 'GET /api/v1/devices', { key });
    assert.deepEqual(
      body.items.map((it: { id: string }) => it.id),
      ['in'],
    );
    const principal = await call(node.broker, access.verify, { key });
    assert.deepEqual(principal.kind === 'application' && principal.grants, [
      { permissions: ['devices:read'], limit: { tags: ['mine'] } },
    ]);
  });

  for (const [what, body] of [
    ['an unknown permission', { permissions: ['devices:fly'] }],
    ['no permissions', {}],
    ['an empty limit', { permissions: [], limit: {} }],
    ['an empty list as limit', { permissions: [], limit: { groups: [] } }],
    ['a limit of unknown kind', { permissions: [], limit: { colours: ['red'] } }],
    ['a limit with many items', { permissions: [], limit: { tags: ['a', 'b', 'c', 'd'] } }],
    ['a limit with a long item', { permissions: [], limit: { tags: ['x'.repeat(101)] } }],
    ['claimed: false', { permissions: [], limit: { claimed: false } }],
    ['a tenant', { permissions: [], tenantId: 1 }],
    ['builtIn', { permissions: [], builtIn: true }],
    ['a version', { permissions: [], version: 1 }],
    ['another name', { permissions: [], name: 'other' }],
  ] as const)
    test(`a role with ${what} is refused`, async () => {
      assert.deepEqual(problem(await put('wrong', body)), [400, 'invalid_request']);
    });
});
