import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { access, type Revocation } from '../../contracts/access.contract.ts';
import { credentialsService } from '../../services/credentials.service.ts';
import { problem } from './lifecycle-device.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

const LIMITS = { SKEIN_LIMIT_DEVICE_KEYS_MAX: '4', SKEIN_LIMIT_DEVICE_TOKENS_MAX: '3' };

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    const heard: Revocation[] = [];
    before(async () => {
      node = await startRestNode({ engine, env: { ...LIMITS, SKEIN_LIMIT_DEVICE_CREDENTIALS_KEPT: '5' } });
      node.broker.createService(credentialsService(node));
      node.broker.createService({
        name: 'listener',
        events: { [access.revoked.name]: (ctx: { params: Revocation }) => heard.push(ctx.params) } as never,
      });
      await node.broker.waitForServices(['credentials', 'listener']);
      otherKey = await addTenant(node, 'other');
    });
    after(() => node.stop());

    const make = (id: string, what: string, body: object = {}, more: object = {}) =>
      ask(node, `POST /api/v1/devices/${id}/${what}`, { body, ...more });
    const end = (id: string, what: string) => ask(node, `DELETE /api/v1/devices/${id}/${what}`);
    const list = async (id: string) => (await ask(node, `GET /api/v1/devices/${id}/credentials`)).body;
    const works = async (id: string, key: string) => (await ask(node, `GET /api/v1/devices/${id}`, { key })).status;
    const send = (key: string) => ask(node, 'POST /api/v1/telemetry', { key, body: { values: { t: 1 } } });

    test('a new device has a key and a token that both work, and neither is shown again', async () => {
      const made = (await ask(node, 'POST /api/v1/devices', { body: { id: 'fresh' } })).body.credentials;
      assert.deepEqual(Object.keys(made).sort(), ['apiKey', 'token']);
      for (const secret of [made.apiKey, made.token]) assert.equal(await works('fresh', secret), 200);
      const seen = await list('fresh');
      assert.deepEqual([seen.keys.length, seen.tokens.length, seen.certificates.length], [1, 1, 0]);
      assert.equal(seen.keys[0].id, made.apiKey.split('_')[1]);
      const days = (Date.parse(seen.tokens[0].expiresAt) - Date.parse(seen.tokens[0].createdAt)) / 86_400_000;
      assert.ok(days > 29.9 && days <= 30.001, String(days));
      const text = JSON.stringify(seen);
      for (const secret of [made.apiKey.split('_')[2], made.token.split('.')[2]]) assert.ok(!text.includes(secret));
    });

    for (const [what, field] of [
      ['keys', 'apiKey'],
      ['tokens', 'token'],
    ] as const)
      test(`of ${what}, one with the scope telemetry:publish sends telemetry and does nothing else`, async () => {
        const id = `narrow-${what}`;
        await register(node, id);
        const made = await make(id, what, { scopes: ['telemetry:publish'] });
        assert.equal(made.status, 201);
        assert.equal(made.headers.get('cache-control'), 'no-store');
        const key = made.body[field];
        assert.deepEqual((await send(key)).body, { accepted: 1, rejected: [] });
        for (const line of [
          `GET /api/v1/devices/${id}/telemetry`,
          `GET /api/v1/devices/${id}/telemetry/latest`,
          `GET /api/v1/devices/${id}/twin`,
          `GET /api/v1/devices/${id}/credentials`,
          `POST /api/v1/devices/${id}/keys`,
          `POST /api/v1/devices/${id}/keys/rotate`,
          `POST /api/v1/devices/${id}/tokens`,
          `GET /api/v1/devices`,
        ]) {
          const body = line.startsWith('POST') ? {} : undefined;
          assert.deepEqual(problem(await ask(node, line, { key, body })), [403, 'forbidden'], line);
        }
        // The control: one with all scopes reads.
        const whole = (await make(id, what)).body[field];
        assert.equal((await ask(node, `GET /api/v1/devices/${id}/telemetry`, { key: whole })).status, 200);
      });

    for (const [what, made, kind] of [
      ['keys', 'key', 'device_key'],
      ['tokens', 'view', 'device_token'],
    ] as const)
      test(`of ${what}, a revoked one ends at once, for every node, and the others go on`, async () => {
        const id = `ending-${what}`;
        const first = await register(node, id);
        const { body } = await make(id, what);
        const secret = body.apiKey ?? body.token;
        assert.equal(await works(id, secret), 200);
        heard.length = 0;
        const subject = body[made].id;
        const ended = await end(id, `${what}/${subject}`);
        assert.equal(ended.status, 200);
        assert.ok(Date.parse(ended.body.revokedAt) > 0);
        assert.equal(await works(id, secret), 401);
        assert.equal(await works(id, first), 200);
        const revocation = { kind, tenant: 'default', subject, device: id };
        assert.deepEqual(heard, [revocation]);
        const rows = 'SELECT kind, tenant, subject, device FROM revocation WHERE subject = $1';
        assert.deepEqual(await node.database.query(rows, [subject]), [revocation]);
        const again = await end(id, `${what}/${subject}`);
        assert.deepEqual([again.status, again.body], [200, ended.body]);
        assert.equal((await node.database.query(rows, [subject])).length, 1);
      });

    test('a key ends when it was said to', async () => {
      await register(node, 'timed');
      const ending = (await make('timed', 'keys', { ttlSeconds: 1 })).body;
      const staying = (await make('timed', 'keys', { expiresAt: '2100-01-01T00:00:00Z' })).status;
      assert.equal(staying, 400);
      const { body } = await make('timed', 'keys', { ttlSeconds: 3600, name: 'for an hour' });
      assert.equal(body.key.name, 'for an hour');
      while ((await works('timed', ending.apiKey)) === 200);
      assert.ok(Date.now() >= Date.parse(ending.key.expiresAt));
      assert.equal(await works('timed', body.apiKey), 200);
    });

    test('rotation gives one key, and the older ones work until their grace is over', async () => {
      const first = await register(node, 'rotating');
      assert.equal(await works('rotating', first), 200);
      heard.length = 0;
      const { status, body } = await make('rotating', 'keys/rotate', { graceSeconds: 1 });
      assert.equal(status, 201);
      const end = Date.parse(body.replaced[0].expiresAt);
      assert.equal(await works('rotating', body.apiKey), 200);
      // Its connections are closed, though the key works for a while: else one that it opened would stay beyond that.
      const [, subject] = first.split('_');
      assert.deepEqual(heard, [{ kind: 'device_key', tenant: 'default', subject, device: 'rotating' }]);
      while ((await works('rotating', first)) === 200);
      assert.ok(Date.now() >= end);
      assert.equal(await works('rotating', body.apiKey), 200);
    });

    test('rotation without grace ends the older keys at once, and says so to every node', async () => {
      const first = await register(node, 'at-once');
      heard.length = 0;
      const { body } = await make('at-once', 'keys/rotate', { graceSeconds: 0 });
      assert.deepEqual([await works('at-once', first), await works('at-once', body.apiKey)], [401, 200]);
      assert.deepEqual(
        heard.map(it => it.device),
        ['at-once'],
      );
    });

    test('a new key in place of limited ones is limited in the same way', async () => {
      const first = await register(node, 'inherits');
      await make('inherits', 'keys', { scopes: ['telemetry:publish', 'twin:read'] });
      await end('inherits', `keys/${first.split('_')[1]}`);
      const { body } = await make('inherits', 'keys/rotate');
      assert.deepEqual(body.key.scopes, ['telemetry:publish', 'twin:read']);
    });

    test('a device renews what it has, with no more than it shows, and ends nothing that is greater', async () => {
      const whole = await register(node, 'self');
      const scopes = ['telemetry:publish', 'credentials:renew'];
      const narrow = (await make('self', 'keys', { scopes })).body.apiKey;
      for (const what of ['keys/rotate', 'tokens'])
        for (const wanted of [['twin:read'], [...scopes, 'twin:read']])
          assert.deepEqual(problem(await make('self', what, { scopes: wanted }, { key: narrow })), [403, 'forbidden']);
      const token = (await make('self', 'tokens', { ttlSeconds: 60 }, { key: narrow })).body;
      assert.deepEqual(token.view.scopes, scopes);
      const { body } = await make('self', 'keys/rotate', { graceSeconds: 0 }, { key: narrow });
      assert.deepEqual(body.key.scopes, scopes);
      assert.deepEqual([await works('self', narrow), await works('self', whole)], [401, 200]);
      assert.equal((await send(body.apiKey)).status, 202);
      for (const line of ['POST /api/v1/devices/self/keys', `DELETE /api/v1/devices/self/keys/${whole.split('_')[1]}`])
        assert.equal((await ask(node, line, { key: whole, body: {} })).status, 403, line);
      await register(node, 'neighbour');
      assert.equal((await make('neighbour', 'tokens', {}, { key: whole })).status, 403);
    });

    test('there are never more of a kind than allowed, also when many ask at once', async () => {
      await register(node, 'greedy');
      for (const [what, most] of [
        ['keys', 4],
        ['tokens', 3],
      ] as const) {
        const answers = await Promise.all(Array.from({ length: 6 }, () => make('greedy', what)));
        const refused = answers.filter(it => it.status !== 201);
        assert.equal(answers.length - refused.length, most - 1);
        for (const it of refused) assert.deepEqual(problem(it), [409, 'too_many_credentials']);
        const live = (await list('greedy'))[what];
        assert.equal(live.length, most);
        await end('greedy', `${what}/${live[0].id}`);
        assert.equal((await make('greedy', what)).status, 201);
      }
    });

    test('a device that renews its key without end leaves few traces', async () => {
      let key = await register(node, 'restless');
      for (let i = 0; i < 9; i++)
        key = (await make('restless', 'keys/rotate', { graceSeconds: 0 }, { key })).body.apiKey;
      const [row] = await node.database.query<{ count: number }>(
        `SELECT count(*) AS count FROM device_key JOIN device USING (device_uid) WHERE device_id = 'restless'`,
      );
      assert.ok(row!.count <= 7, String(row!.count));
      assert.equal(await works('restless', key), 200);
    });

    test('with the same Idempotency-Key there is one key and one answer, for a device too', async () => {
      const key = await register(node, 'once');
      const headers = { 'idempotency-key': 'again' };
      const [first, second] = [
        await make('once', 'keys', {}, { headers }),
        await make('once', 'keys', {}, { headers }),
      ];
      assert.deepEqual(second.body, first.body);
      const token = [
        await make('once', 'tokens', {}, { headers, key }),
        await make('once', 'tokens', {}, { headers, key }),
      ];
      assert.deepEqual(token[1]!.body, token[0]!.body);
      const { keys, tokens } = await list('once');
      assert.deepEqual([keys.length, tokens.length], [2, 2]);
    });

    for (const [what, path, body] of [
      ['a scope that there is not', 'keys', { scopes: ['everything'] }],
      ['no scope', 'tokens', { scopes: [] }],
      ['an end in the past', 'keys', { expiresAt: '2001-01-01T00:00:00Z' }],
      ['an end without a zone', 'keys', { expiresAt: '2030-01-01T00:00:00' }],
      ['two ends', 'keys', { expiresAt: '2030-01-01T00:00:00Z', ttlSeconds: 5 }],
      ['a time of nothing', 'tokens', { ttlSeconds: 0 }],
      ['a time that is too long', 'tokens', { ttlSeconds: 366 * 86_400 }],
      ['a grace that is too long', 'keys/rotate', { graceSeconds: 31 * 86_400 }],
      ['a name with NUL', 'keys', { name: 'a\0b' }],
      ['another field', 'keys', { keyId: 'mine' }],
      ['another id', 'keys', { id: 'other' }],
    ] as const)
      test(`a credential with ${what} is refused`, async () => {
        await register(node, `strict-${what.replaceAll(' ', '-')}`);
        assert.deepEqual(problem(await make(`strict-${what.replaceAll(' ', '-')}`, path, body)), [
          400,
          'invalid_request',
        ]);
      });

    test('a decommissioned device gets none, and a suspended one some for later', async () => {
      await register(node, 'late');
      await ask(node, 'POST /api/v1/devices/late/lifecycle', { body: { state: 'suspended' } });
      const { apiKey } = (await make('late', 'keys')).body;
      assert.equal(await works('late', apiKey), 401);
      await ask(node, 'POST /api/v1/devices/late/lifecycle', { body: { state: 'active' } });
      assert.equal(await works('late', apiKey), 200);
      await ask(node, 'DELETE /api/v1/devices/late');
      for (const what of ['keys', 'tokens', 'keys/rotate'])
        assert.deepEqual(problem(await make('late', what)), [409, 'lifecycle_conflict']);
    });

    test('for another tenant there is no device, no key and no token, whatever it knows', async () => {
      const own = await register(node, 'ours');
      await register(node, 'theirs', {}, otherKey);
      const keyId = own.split('_')[1];
      const tokenId = (await list('ours')).tokens[0].id;
      for (const line of [
        'GET /api/v1/devices/ours/credentials',
        'POST /api/v1/devices/ours/keys',
        'POST /api/v1/devices/ours/tokens',
        'POST /api/v1/devices/ours/keys/rotate',
        `DELETE /api/v1/devices/ours/keys/${keyId}`,
        `DELETE /api/v1/devices/theirs/keys/${keyId}`,
        `DELETE /api/v1/devices/theirs/tokens/${tokenId}`,
        'DELETE /api/v1/devices/theirs/tokens/nonsense',
        'DELETE /api/v1/devices/theirs/keys/nonsense%00',
      ]) {
        const body = line.startsWith('POST') ? {} : undefined;
        assert.deepEqual(problem(await ask(node, line, { key: otherKey, body })), [404, 'not_found'], line);
      }
      assert.equal(await works('ours', own), 200);
    });

    test('each credential is in the audit log with its id, and without its secret', async () => {
      await register(node, 'audited');
      const { body } = await make('audited', 'keys', { scopes: ['twin:read'] });
      await end('audited', `keys/${body.key.id}`);
      const token = (await make('audited', 'tokens')).body;
      await end('audited', `tokens/${token.view.id}`);
      const entries = await node.database.query<{ act: string; data: object }>(
        `SELECT act, data FROM audit_entry WHERE target = 'device audited' ORDER BY seq`,
      );
      assert.deepEqual(
        entries.map(it => it.act),
        ['device.registered', 'device_key.issued', 'device_key.revoked', 'device_token.issued', 'device_token.revoked'],
      );
      const text = JSON.stringify(entries);
      assert.ok(text.includes(body.key.id) && text.includes(token.view.id));
      assert.ok(!text.includes(body.apiKey.split('_')[2]) && !text.includes(token.token.split('.')[2]));
    });
  });
