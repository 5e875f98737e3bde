/** Nobody gives more than it has, whichever way it tries. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { refuseMoreThanOwn } from '../../mixins/giving.ts';
import { program } from '../support/principals.ts';
import { identityOf, idOf, problem, startIdentityNode } from './identity-node.ts';
import { ask, type RestNode } from './rest-node.ts';

const MANAGING = ['users:read', 'users:write', 'api-keys:read', 'api-keys:write'];

describe('no escalation', () => {
  let node: RestNode;
  let make: ReturnType<typeof identityOf>;
  /** Manages users, roles and keys, sees devices of one tag, and may nothing else. */
  let manager: string;
  let admin: string;
  let adminKey: string;
  before(async () => {
    node = await startIdentityNode();
    make = identityOf(node);
    await make.role('manager', { permissions: MANAGING });
    await make.role('sees-some', { permissions: ['devices:read'], limit: { tags: ['a', 'b'] } });
    await make.role('sees-all', { permissions: ['devices:read'] });
    manager = await make.apiKey(['manager', 'sees-some']);
    admin = await make.user('admin@example.org', { roles: ['admin'] });
    adminKey = await make.apiKey(['admin']);
  });
  after(() => node.stop());

  const attempts: readonly (readonly [what: string, line: () => string, body?: object])[] = [
    ['make a user with a larger role', () => 'POST /api/v1/users', { email: 'x@y.example', roles: ['admin'] }],
    ['make a key with a larger role', () => 'POST /api/v1/api-keys', { name: 'x', roles: ['admin'] }],
    [
      'make a key that is limited, but not to its own permissions',
      () => 'POST /api/v1/api-keys',
      { name: 'x', roles: ['admin'], permissions: ['devices:write'] },
    ],
    ['give all devices where it has some', () => 'POST /api/v1/users', { email: 'x@y.example', roles: ['sees-all'] }],
    ['make a role with more', () => 'PUT /api/v1/roles/more', { permissions: ['devices:write'] }],
    ['make the own role larger', () => 'PUT /api/v1/roles/manager', { permissions: [...MANAGING, 'commands:send'] }],
    ['make a role for all devices', () => 'PUT /api/v1/roles/more', { permissions: ['devices:read'] }],
    [
      'make a role for other devices',
      () => 'PUT /api/v1/roles/more',
      { permissions: ['devices:read'], limit: { tags: ['a', 'c'] } },
    ],
    [
      'make a role for devices of other kinds',
      () => 'PUT /api/v1/roles/more',
      { permissions: ['devices:read'], limit: { groups: ['a'] } },
    ],
    [
      'make a role for what others claimed',
      () => 'PUT /api/v1/roles/more',
      { permissions: ['devices:read'], limit: { claimed: true } },
    ],
    ['set the password of a larger user', () => `PATCH /api/v1/users/${admin}`, { password: 'a long enough one' }],
    ['take over the email of a larger user', () => `PATCH /api/v1/users/${admin}`, { email: 'me@evil.example' }],
    ['disable a larger user', () => `PATCH /api/v1/users/${admin}`, { state: 'disabled' }],
    ['erase a larger user', () => `DELETE /api/v1/users/${admin}`],
    ['get the secret of a larger key', () => `POST /api/v1/api-keys/${idOf(adminKey)}/rotate`, {}],
  ];
  for (const [what, line, body] of attempts)
    test(`who has less can not ${what}`, async () => {
      const answer = await ask(node, line(), { body, key: manager });
      assert.deepEqual(problem(answer), [403, 'forbidden'], JSON.stringify(answer.body));
    });

  for (const [what, line, body] of attempts)
    test(`an administrator's key that is limited to some permissions can not ${what}`, async () => {
      const key = await make.apiKey(['admin'], { permissions: MANAGING });
      const answer = await ask(node, line(), { body, key });
      assert.deepEqual(problem(answer), [403, 'forbidden'], JSON.stringify(answer.body));
    });

  test('a user that has less can not be lifted above who lifts it', async () => {
    const id = await make.user('small@example.org', {}, manager);
    const lift = (roles: string[]) => ask(node, `PATCH /api/v1/users/${id}`, { body: { roles }, key: manager });
    assert.deepEqual(problem(await lift(['viewer'])), [403, 'forbidden']);
    assert.equal((await lift(['manager', 'sees-some'])).status, 200);
  });

  test('who has it gives it on: the control', async () => {
    await make.role('own', { permissions: ['devices:read'], limit: { tags: ['b'] } }, manager);
    await make.apiKey(['own', 'manager'], {}, manager);
    await make.apiKey(['admin'], { permissions: ['devices:read', 'users:read'] });
  });

  test('a limited permission of one role and an unlimited one of another do not add up', () => {
    const giver = program(1, 'default', [
      { permissions: ['devices:read'], limit: { tags: ['a'] } },
      { permissions: ['devices:write'], limit: { tags: ['b'] } },
    ]);
    const give = (permissions: ('devices:read' | 'devices:write')[], tags: string[]) => () =>
      refuseMoreThanOwn(giver, [{ permissions, limit: { tags } }], 'The role');
    assert.doesNotThrow(give(['devices:read'], ['a']));
    assert.doesNotThrow(give(['devices:write'], ['b']));
    assert.throws(give(['devices:read', 'devices:write'], ['a']), { type: 'forbidden' });
    assert.throws(give(['devices:write'], ['a', 'b']), { type: 'forbidden' });
  });

  test('who has less changes and removes no role that gives more, not even to one that gives less', async () => {
    await make.role('larger', { permissions: ['devices:read', 'commands:send'] });
    const smaller = { permissions: ['devices:read'], limit: { tags: ['a'] } };
    const answers = [
      await ask(node, 'PUT /api/v1/roles/larger', { body: smaller, key: manager }),
      await ask(node, 'DELETE /api/v1/roles/larger', { key: manager }),
    ];
    for (const answer of answers) assert.deepEqual(problem(answer), [403, 'forbidden'], JSON.stringify(answer.body));
    assert.deepEqual((await ask(node, 'GET /api/v1/roles/larger')).body.permissions, ['devices:read', 'commands:send']);
    assert.equal((await ask(node, 'PUT /api/v1/roles/smaller', { body: smaller, key: manager })).status, 201);
    assert.equal((await ask(node, 'DELETE /api/v1/roles/smaller', { key: manager })).status, 200);
  });
});
