import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isOldHash } from '../../adapters/access/passwords.ts';
import { addPerson, audits, logIn, me, PASSWORD, refresh, session } from './auth-node.ts';
import { addTenant, ask, type RestNode, register, startRestNode } from './rest-node.ts';

let node: RestNode;
before(async () => {
  node = await startRestNode();
});
after(() => node?.stop());

const countLogins = async (userId: string) =>
  (await node.database.query('SELECT FROM login WHERE user_id = $1 AND revoked_at IS NULL', [userId])).length;

test('a person logs in, is known by the access token, and the login is in the audit log', async () => {
  const person = await addPerson(node, { roles: ['viewer'] });
  const { status, body, headers } = await logIn(node, { ...person, email: ` ${person.email.toUpperCase()} ` });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(body.tokenType, 'Bearer');
  assert.equal(body.expiresIn, 15 * 60);
  const { id, email } = person;
  assert.deepEqual(body.user, { id, email, organization: 'default', name: 'Ada', roles: ['viewer'] });
  const own = await me(node, body.accessToken);
  assert.partialDeepStrictEqual(own.body, {
    kind: 'user',
    organization: 'default',
    id,
    name: 'Ada',
    email,
    roles: ['viewer'],
    limits: [],
    scopes: null,
    totp: false,
  });
  assert.ok(own.body.permissions.includes('devices:read'));
  assert.ok(!own.body.permissions.includes('devices:write'));
  assert.equal((await ask(node, 'GET /api/v1/devices', { key: body.accessToken })).status, 200);
  assert.equal((await ask(node, 'POST /api/v1/devices', { key: body.accessToken, body: { id: 'x' } })).status, 403);
  const [entry] = await audits(node, 'login.succeeded');
  assert.partialDeepStrictEqual(entry, { actor: `user ${id}`, result: 'done', address: '127.0.0.1' });
});

test('whatever is wrong with a login, the answer is the same', async () => {
  await addTenant(node, 'closed');
  await node.database.query(`UPDATE tenant SET state = 'disabled' WHERE slug = 'closed'`);
  const person = await addPerson(node);
  const ofClosed = await addPerson(node, { organization: 'closed' });
  const disabled = await addPerson(node, { state: 'disabled' });
  const withoutPassword = await addPerson(node);
  await node.database.query('UPDATE app_user SET password_hash = NULL WHERE user_id = $1', [withoutPassword.id]);
  const answers = [
    await logIn(node, person, { password: 'wrong' }),
    await logIn(node, { ...person, email: 'nobody@example.org' }),
    await logIn(node, { ...person, email: 'not an address\0' }),
    await logIn(node, { ...person, organization: 'closed' }),
    await logIn(node, { ...person, organization: 'nowhere' }),
    await logIn(node, ofClosed),
    await logIn(node, disabled),
    await logIn(node, withoutPassword),
    await logIn(node, disabled, { totp: '123456' }),
  ];
  for (const { status, body } of answers) {
    assert.equal(status, 401);
    assert.deepEqual({ ...body, requestId: '' }, { ...answers[0]!.body, requestId: '' });
  }
  const entries = await audits(node, 'login.failed');
  assert.equal(entries.length, answers.length);
  assert.ok(entries.every(it => it.actor === 'anonymous' && it.result === 'refused'));
  const targets = entries.map(it => it.target).filter(it => it !== null);
  assert.deepEqual(new Set(targets), new Set([person, ofClosed, disabled, withoutPassword].map(it => `user ${it.id}`)));
});

test('what is no login is refused, and so is what does not belong into one', async () => {
  const login = (body: unknown) => ask(node, 'POST /api/v1/auth/login', { key: null, body });
  for (const body of [
    {},
    { email: 'a@b', password: '' },
    { email: 'a@b', password: 'x'.repeat(513) },
    { email: 1, password: 'x' },
    { email: 'a@b', password: 'x', userAgent: 'x' },
    { email: 'a@b', password: 'x', roles: ['admin'] },
    { email: 'a@b', password: 'x', organization: { $ne: '' } },
    [],
  ])
    assert.equal((await login(body)).body.type, 'invalid_request', JSON.stringify(body));
  assert.equal((await login({ email: 'a@b', password: 'x'.repeat(20_000) })).body.type, 'too_large');
});

test('a disabled user, another role and a closed organization count at once for tokens that are there', async () => {
  await addTenant(node, 'shop');
  const person = await addPerson(node, { organization: 'shop', roles: ['viewer'] });
  const { accessToken, refreshToken } = await session(node, person);
  const mayWrite = async () => (await me(node, accessToken)).body.permissions?.includes('devices:write');
  assert.equal(await mayWrite(), false);
  // The cache is told by a revocation, which is whoever changes the user's business; here nothing was kept to begin with.
  const changed = async (sql: string, subject: { kind: string; subject: string }) => {
    await node.database.query(sql, [person.id]);
    node.broker.broadcast('access.revoked', { ...subject, tenant: 'shop' });
  };
  const user = { kind: 'user', subject: person.id };
  await changed(`UPDATE app_user SET roles = '{admin}' WHERE user_id = $1`, user);
  assert.equal(await mayWrite(), true);
  await changed(`UPDATE app_user SET state = 'disabled' WHERE user_id = $1`, user);
  assert.equal((await me(node, accessToken)).status, 401);
  assert.equal((await refresh(node, refreshToken)).status, 401);
  await changed(`UPDATE app_user SET state = 'active' WHERE user_id = $1`, user);
  assert.equal((await me(node, accessToken)).status, 200);
  await changed(`UPDATE tenant SET state = 'disabled' WHERE slug = 'shop' AND $1 <> ''`, {
    kind: 'tenant',
    subject: 'shop',
  });
  assert.equal((await me(node, accessToken)).status, 401);
});

test('a person logs out of one login, or of all', async () => {
  const person = await addPerson(node);
  const [one, two, three] = [await session(node, person), await session(node, person), await session(node, person)];
  assert.equal((await me(node, one.accessToken)).status, 200);
  const out = await ask(node, 'POST /api/v1/auth/logout', { key: one.accessToken });
  assert.deepEqual(out.body, { ended: 1 });
  assert.equal((await me(node, one.accessToken)).status, 401);
  assert.equal((await refresh(node, one.refreshToken)).status, 401);
  assert.equal((await me(node, two.accessToken)).status, 200);
  const all = await ask(node, 'POST /api/v1/auth/logout', { key: two.accessToken, body: { all: true } });
  assert.deepEqual(all.body, { ended: 2 });
  for (const it of [two, three]) assert.equal((await me(node, it.accessToken)).status, 401);
});

test('a person sees its logins and ends one of them, and nobody else does', async () => {
  const [person, other] = [await addPerson(node), await addPerson(node)];
  const body = { email: person.email, password: PASSWORD };
  const headers = { 'user-agent': `tablet ${'x'.repeat(300)}` };
  await ask(node, 'POST /api/v1/auth/login', { key: null, body, headers });
  const here = await session(node, person);
  const { items, nextCursor } = (await ask(node, 'GET /api/v1/auth/logins', { key: here.accessToken })).body;
  assert.equal(nextCursor, null);
  assert.deepEqual(
    items.map((it: { current: boolean }) => it.current),
    [true, false],
  );
  const tablet = items[1];
  assert.equal(tablet.userAgent.length, 200);
  assert.equal(tablet.address, '127.0.0.1');
  const stranger = (await session(node, other)).accessToken;
  const path = `DELETE /api/v1/auth/logins/${tablet.id}`;
  assert.equal((await ask(node, path, { key: stranger })).body.type, 'not_found');
  assert.deepEqual((await ask(node, path, { key: here.accessToken })).body, { ended: 1 });
  assert.equal((await ask(node, path, { key: here.accessToken })).body.type, 'not_found');
  assert.equal((await ask(node, 'DELETE /api/v1/auth/logins/x', { key: here.accessToken })).body.type, 'not_found');
  assert.equal(await countLogins(person.id), 1);
});

test('a new password ends all other logins, and needs the one before', async () => {
  const person = await addPerson(node);
  const [here, elsewhere] = [await session(node, person), await session(node, person)];
  const change = (currentPassword: string, newPassword: string) =>
    ask(node, 'POST /api/v1/auth/password', { key: here.accessToken, body: { currentPassword, newPassword } });
  assert.equal((await change(PASSWORD, 'too short')).body.type, 'invalid_request');
  assert.equal((await change(PASSWORD, person.email)).body.type, 'invalid_request');
  assert.equal((await change('wrong wrong wrong', 'another long password')).body.type, 'unauthorized');
  assert.deepEqual((await change(PASSWORD, 'another long password')).body, { ended: 1 });
  assert.equal((await me(node, here.accessToken)).status, 200);
  assert.equal((await me(node, elsewhere.accessToken)).status, 401);
  assert.equal((await refresh(node, elsewhere.refreshToken)).status, 401);
  assert.equal((await logIn(node, person)).status, 401);
  assert.equal((await logIn(node, person, { password: 'another long password' })).status, 200);
  assert.equal((await audits(node, 'password.changed'))[0]!.target, `user ${person.id}`);
});

test('a hash with weaker parameters is replaced at the next login', async () => {
  const person = await addPerson(node);
  const hashOf = async () =>
    (
      await node.database.query<{ password_hash: string }>('SELECT password_hash FROM app_user WHERE user_id = $1', [
        person.id,
      ])
    )[0]!.password_hash;
  // scrypt of PASSWORD with N = 2^10.
  const { scryptSync } = await import('node:crypto');
  const salt = Buffer.alloc(16, 7);
  const weak = scryptSync(PASSWORD, salt, 32, { N: 1024, r: 8, p: 1 });
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  await node.database.query('UPDATE app_user SET password_hash = $2 WHERE user_id = $1', [
    person.id,
    `$scrypt$ln=10,r=8,p=1$${text(salt)}$${text(weak)}`,
  ]);
  assert.equal(isOldHash(await hashOf()), true);
  assert.equal((await logIn(node, person)).status, 200);
  assert.equal(isOldHash(await hashOf()), false);
  assert.equal((await logIn(node, person)).status, 200);
});

test('programs and devices are told who they are, and have no logins', async () => {
  const program = await me(node, node.adminKey);
  assert.partialDeepStrictEqual(program.body, {
    kind: 'application',
    organization: 'default',
    roles: ['admin'],
    email: null,
  });
  const device = await me(node, await register(node, 'press-4'));
  assert.partialDeepStrictEqual(device.body, { kind: 'device', id: 'press-4', permissions: [], scopes: null });
  for (const line of ['POST /api/v1/auth/logout', 'GET /api/v1/auth/logins'])
    assert.equal((await ask(node, line)).body.type, 'forbidden', line);
  const begun = await ask(node, 'POST /api/v1/auth/totp', { body: { password: 'any' } });
  assert.equal(begun.body.type, 'forbidden');
});

test('no secret is in the database as it is, nor in the logs', async () => {
  const person = await addPerson(node);
  const { refreshToken, accessToken } = (await logIn(node, person)).body;
  await refresh(node, refreshToken);
  const rows = await node.database.query('SELECT l.*, u.* FROM login l JOIN app_user u USING (user_id)');
  const audit = await node.database.query('SELECT * FROM audit_entry');
  const kept = JSON.stringify([rows, audit, node.logged]);
  const secret = refreshToken.split('_').slice(3).join('_');
  for (const it of [PASSWORD, secret, secret.slice(22), accessToken]) assert.ok(!kept.includes(it));
});
