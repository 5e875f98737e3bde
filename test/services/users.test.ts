import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { actsOf, identityOf, problem, startIdentityNode } from './identity-node.ts';
import { ask, ENGINES, type RestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`users on ${engine}`, () => {
    let node: RestNode;
    let make: ReturnType<typeof identityOf>;
    before(async () => {
      node = await startIdentityNode({ engine });
      make = identityOf(node);
    });
    after(() => node.stop());

    const get = async (id: string, key?: string) => ask(node, `GET /api/v1/users/${id}`, { key });
    const change = (id: string, body: unknown, key?: string, headers?: Record<string, string>) =>
      ask(node, `PATCH /api/v1/users/${id}`, { body, key, headers });
    const remove = (id: string, key?: string) => ask(node, `DELETE /api/v1/users/${id}`, { key });
    const revocationsOf = (subject: string) =>
      node.database.query(`SELECT FROM revocation WHERE kind = 'user' AND subject = $1`, [subject]);

    test('an administrator removes the second factor of a user, and nobody begins one for another', async () => {
      const { body: user } = await ask(node, 'POST /api/v1/users', { body: { email: 'lost@example.org', roles: [] } });
      const factors = () =>
        node.database.query<{ totp_secret: unknown; totp_confirmed: boolean; recovery_hashes: unknown[] }>(
          'SELECT totp_secret, totp_confirmed, recovery_hashes FROM app_user WHERE user_id = $1',
          [user.id],
        );
      await node.database.query(
        `UPDATE app_user SET totp_secret = '\\x01', totp_confirmed = true, recovery_hashes = ARRAY['\\x02'::bytea] WHERE user_id = $1`,
        [user.id],
      );
      assert.equal((await change(user.id, { totp: true })).status, 400);
      assert.equal((await change(user.id, { totp: false })).status, 200);
      assert.deepEqual(await factors(), [{ totp_secret: null, totp_confirmed: false, recovery_hashes: [] }]);
    });

    test('a user is made, read, changed and listed, and no answer has a password', async () => {
      const made = await ask(node, 'POST /api/v1/users', {
        body: { email: ' Bea@Example.org ', name: 'Bea', roles: ['viewer'], password: 'correct horse battery' },
      });
      assert.equal(made.status, 201);
      assert.equal(made.headers.get('location'), `/api/v1/users/${made.body.id}`);
      assert.partialDeepStrictEqual(made.body, { email: 'bea@example.org', roles: ['viewer'], hasPassword: true });
      const changed = await change(made.body.id, { name: 'Beatrice' }, undefined, { 'if-match': '"1"' });
      assert.equal(changed.headers.get('etag'), '"2"');
      const { body } = await ask(node, 'GET /api/v1/users?email=BEA@example.org');
      assert.deepEqual(body.items, [changed.body]);
      assert.equal(JSON.stringify([made.body, body]).includes('horse'), false);
      const [row] = await node.database.query<{ password_hash: string }>(
        'SELECT password_hash FROM app_user WHERE user_id = $1',
        [made.body.id],
      );
      assert.match(row!.password_hash, /^\$scrypt\$/);
    });

    test('an email is taken once in an organization, and another organization knows nothing of that', async () => {
      const other = await make.organization('email-twin');
      await make.user('same@example.org');
      const again = await ask(node, 'POST /api/v1/users', { body: { email: 'SAME@example.org' } });
      assert.deepEqual(problem(again), [409, 'conflict']);
      await make.user('same@example.org', {}, other);
      const second = await make.user('second@example.org');
      assert.deepEqual(problem(await change(second, { email: 'same@example.org' })), [409, 'conflict']);
    });

    test('making one again with the same Idempotency-Key makes one, and of the password nothing is kept with it', async () => {
      const again = (password: string) =>
        ask(node, 'POST /api/v1/users', {
          body: { email: 'idem@example.org', password },
          headers: { 'idempotency-key': 'u-1' },
        });
      const first = await again('a long enough one');
      // What is kept of the request is a hash that is quick to compute: with the password in it, that could be guessed.
      assert.deepEqual((await again('another long one')).body, first.body);
    });

    test('a user of another organization looks exactly like one that is not there', async () => {
      const key = await make.organization('user-nosy');
      const id = await make.user('hidden@example.org');
      const nobody = '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81';
      for (const line of ['GET /api/v1/users/%', 'DELETE /api/v1/users/%', 'POST /api/v1/users/%/erase']) {
        const [there, not] = [
          await ask(node, line.replace('%', id), { key }),
          await ask(node, line.replace('%', nobody), { key }),
        ];
        assert.deepEqual(problem(there), [404, 'not_found']);
        assert.equal(there.body.detail.replace(id, nobody), not.body.detail);
      }
      assert.deepEqual(problem(await change(id, { name: 'x' }, key)), [404, 'not_found']);
      assert.deepEqual((await ask(node, 'GET /api/v1/users', { key })).body.items, []);
      assert.equal((await get(id)).body.state, 'active');
      assert.deepEqual(problem(await get('not-a-uuid')), [404, 'not_found']);
    });

    test('erasing leaves the id and nothing of the person, ends the logins, and can be asked for again', async () => {
      const id = await make.user('gone@example.org', {
        name: 'Gone',
        password: 'a long enough one',
        roles: ['viewer'],
      });
      await node.database.query(
        `INSERT INTO login (login_id, tenant_id, user_id, refresh_hash, address, user_agent, expires_at)
         SELECT gen_random_uuid(), tenant_id, user_id, '\\x00', '192.0.2.7', 'browser', now() FROM app_user WHERE user_id = $1`,
        [id],
      );
      await node.database.query(
        `UPDATE app_user SET totp_secret = '\\x01', totp_confirmed = true, recovery_hashes = ARRAY['\\x02'::bytea] WHERE user_id = $1`,
        [id],
      );
      const erased = await remove(id);
      assert.partialDeepStrictEqual(erased.body, { id, email: null, name: null, roles: [], state: 'erased' });
      const again = await ask(node, `POST /api/v1/users/${id}/erase`);
      assert.deepEqual(again.body, erased.body);
      const rows = await node.database.query('SELECT to_jsonb(u) AS row FROM app_user u WHERE user_id = $1', [id]);
      const text = JSON.stringify(rows);
      for (const trace of ['gone@', 'Gone', 'scrypt', '\\\\x01', '\\\\x02'])
        assert.equal(text.includes(trace), false, trace);
      assert.deepEqual(await node.database.query('SELECT FROM login WHERE user_id = $1', [id]), []);
      assert.equal((await revocationsOf(id)).length, 1);
      assert.deepEqual(problem(await change(id, { name: 'back' })), [409, 'conflict']);
      await make.user('gone@example.org');
    });

    test('being disabled, other roles and a new password are told to all nodes; a name is not', async () => {
      const id = await make.user('told@example.org', { roles: ['viewer'] });
      await change(id, { name: 'Told' });
      assert.equal((await revocationsOf(id)).length, 0);
      await change(id, { roles: ['operator'] });
      await change(id, { password: 'a long enough one' });
      await change(id, { state: 'disabled' });
      assert.equal((await revocationsOf(id)).length, 3);
      assert.deepEqual(
        (await actsOf(node)).filter(it => it.endsWith(id)).map(it => it.split(' ')[0]),
        ['user.created', 'user.changed', 'user.changed', 'user.changed', 'user.disabled'],
      );
    });

    test('the audit log names nobody by email or name', async () => {
      await make.user('private@example.org', { name: 'Somebody Private' });
      const text = JSON.stringify(await node.database.query('SELECT * FROM audit_entry'));
      assert.equal(text.includes('private@') || text.includes('Somebody'), false);
    });

    describe('the last administrator', () => {
      for (const [what, lose] of [
        ['disabled', (id: string, key: string) => change(id, { state: 'disabled' }, key)],
        ['demoted', (id: string, key: string) => change(id, { roles: ['viewer'] }, key)],
        ['erased', (id: string, key: string) => remove(id, key)],
      ] as const)
        test(`can not be ${what}, and of two that are at the same moment one stays`, async () => {
          const key = await make.organization(`last-${what}`);
          const only = await make.user('one@example.org', { roles: ['admin'] }, key);
          assert.deepEqual(problem(await lose(only, key)), [409, 'conflict']);
          await make.user('asleep@example.org', { roles: ['admin'] }, key);
          const asleep = (await ask(node, 'GET /api/v1/users?email=asleep@example.org', { key })).body.items[0].id;
          await change(asleep, { state: 'disabled' }, key);
          assert.deepEqual(problem(await lose(only, key)), [409, 'conflict']);
          for (let round = 0; round < 5; round++) {
            const another = await make.user(`more-${round}@example.org`, { roles: ['admin'] }, key);
            const { body } = await ask(node, 'GET /api/v1/users?state=active', { key });
            const [first] = body.items.filter(
              (it: { id: string; roles: string[] }) => it.roles.includes('admin') && it.id !== another,
            );
            const answers = await Promise.all([lose(first.id, key), lose(another, key)]);
            assert.deepEqual(answers.map(it => it.status).sort(), [200, 409]);
          }
        });
    });

    for (const [what, body] of [
      ['no @', { email: 'nobody' }],
      ['a line break in the email', { email: 'a@b\nc' }],
      ['a long email', { email: `${'a'.repeat(250)}@b.example` }],
      ['a short password', { email: 'a@b.example', password: 'elevenchars' }],
      ['a long password', { email: 'a@b.example', password: 'x'.repeat(257) }],
      ['a long name', { email: 'a@b.example', name: 'x'.repeat(201) }],
      ['an unknown role', { email: 'a@b.example', roles: ['king'] }],
      ['many roles', { email: 'a@b.example', roles: Array.from({ length: 21 }, (_, i) => `r${i}`) }],
    ] as const)
      test(`a user with ${what} is refused, and the answer repeats no password`, async () => {
        const answer = await ask(node, 'POST /api/v1/users', { body });
        assert.deepEqual(problem(answer), [400, 'invalid_request']);
        assert.equal(JSON.stringify(answer.body).includes('elevenchars'), false);
      });

    for (const name of ['tenantId', 'tenant', 'isOperator', 'role', 'id', 'version', 'passwordHash', 'lastLoginAt'])
      test(`${name} in a body is refused by name`, async () => {
        const id = await make.user(`${name.toLowerCase()}@mass.example`);
        for (const answer of [
          await ask(node, 'POST /api/v1/users', { body: { email: 'new@mass.example', [name]: 1 } }),
          await change(id, { [name]: 1 }),
        ]) {
          assert.deepEqual(problem(answer), [400, 'invalid_request']);
          assert.match(answer.body.detail, new RegExp(`\\b${name}\\b`));
        }
      });
  });
