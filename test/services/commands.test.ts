import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { LIMITS } from '../../contracts/limits.ts';
import { OVERLOADED, UNKNOWN } from '../../contracts/uplinks.ts';
import { type CommandsNode, send, startCommandsNode } from './commands-node.ts';
import { addTenant, ask, ENGINES, register } from './rest-node.ts';

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

for (const engine of ENGINES)
  describe(`commands over REST on ${engine}`, () => {
    let node: CommandsNode;
    let otherKey: string;
    before(async () => {
      node = await startCommandsNode({ engine });
      otherKey = await addTenant(node, 'other');
    });
    after(() => node?.stop());
    beforeEach(() => {
      node.actors.asked.length = 0;
      node.actors.instead = undefined;
    });

    const get = (id: string, key?: string) => ask(node, `GET /api/v1/commands/${id}`, { key });
    /** The answer's status and type, and that nothing went to an actor. */
    const refused = async (device: string, body: unknown, more?: Parameters<typeof send>[3]) => {
      const asked = node.actors.asked.length;
      const answer = await send(node, device, body, more);
      assert.equal(node.actors.asked.length, asked, `${JSON.stringify(body).slice(0, 80)} went to an actor`);
      return [answer.status, answer.body.type];
    };

    test('a command is taken with what is usual, and can be read', async () => {
      await register(node, 'plain');
      const { status, body, headers } = await send(node, 'plain', { command: 'reboot' });
      assert.equal(status, 202);
      assert.equal(headers.get('location'), `/api/v1/commands/${body.id}`);
      assert.match(body.id, UUID_7);
      const { id, createdAt, deadline, history, requestedBy, ...rest } = body;
      assert.deepEqual(rest, {
        deviceId: 'plain',
        command: 'reboot',
        parameters: {},
        mode: 'retry',
        priority: 'normal',
        supersedes: null,
        state: 'queued',
        attempt: 0,
        endedAt: null,
        result: null,
        error: null,
        jobId: null,
        resendOf: null,
      });
      assert.deepEqual(history, [{ state: 'queued', at: createdAt, attempt: 0, reason: null }]);
      assert.equal(Date.parse(deadline) - Date.parse(createdAt), LIMITS.commandTtlSeconds * 1000);
      assert.equal(requestedBy, `application ${node.adminKey.split('_')[1]}`);
      assert.deepEqual((await get(id)).body, body);
      assert.deepEqual((await get(id.toUpperCase())).body, body);
      const [asked] = node.actors.asked;
      assert.ok(asked?.request.type === 'command' && asked.request.notify === null && asked.device === 'plain');
    });

    test('what is said is kept', async () => {
      await register(node, 'full');
      const deadline = new Date(Date.now() + 60_000).toISOString();
      const said = {
        command: 'set:target',
        parameters: { target: 21.5, list: [1, null, { a: 'é' }] },
        mode: 'once',
        priority: 'critical',
        supersedes: 'target',
        deadline,
      };
      const { body } = await send(node, 'full', said);
      for (const [name, value] of Object.entries(said)) assert.deepEqual(body[name], value, name);
      for (const [name, ttl] of [
        ['ttlMs', 5_000],
        ['ttl_ms', 7_000],
      ] as const) {
        const it = (await send(node, 'full', { command: 'x', [name]: ttl })).body;
        assert.equal(Date.parse(it.deadline) - Date.parse(it.createdAt), ttl);
      }
    });

    test('what is not valid is refused with its reason, and goes to no actor', async () => {
      await register(node, 'bad');
      const deep = JSON.parse(`${'{"a":'.repeat(11)}1${'}'.repeat(11)}`);
      const c = { command: 'c' };
      for (const [body, status, type] of [
        [{}, 400, 'invalid_request'],
        [[], 400, 'invalid_request'],
        ['{', 400, 'invalid_json'],
        [{ command: '' }, 400, 'invalid_request'],
        [{ command: 7 }, 400, 'invalid_request'],
        [{ command: 'a b' }, 400, 'invalid_request'],
        [{ command: 'x'.repeat(65) }, 400, 'invalid_request'],
        [{ ...c, extra: 1 }, 400, 'invalid_request'],
        [{ ...c, deviceId: 'full' }, 400, 'invalid_request'],
        [{ ...c, waitSeconds: 1 }, 400, 'invalid_request'],
        [{ ...c, mode: 'twice' }, 400, 'invalid_request'],
        [{ ...c, priority: 2 }, 400, 'invalid_request'],
        [{ ...c, parameters: [] }, 400, 'invalid_request'],
        [{ ...c, parameters: 'x' }, 400, 'invalid_request'],
        [{ ...c, parameters: deep }, 400, 'invalid_request'],
        [{ ...c, parameters: { a: '\0' } }, 400, 'invalid_request'],
        ['{"command":"c","parameters":{"a":1e999}}', 400, 'invalid_request'],
        ['{"command":"c","parameters":{"\\ud800":1}}', 400, 'invalid_request'],
        [{ ...c, parameters: { a: 'x'.repeat(LIMITS.commandParametersMaxBytes) } }, 413, 'too_large'],
        [{ ...c, ttlMs: 0 }, 400, 'invalid_request'],
        [{ ...c, ttlMs: -1 }, 400, 'invalid_request'],
        [{ ...c, ttlMs: 1.5 }, 400, 'invalid_request'],
        [{ ...c, ttlMs: '5' }, 400, 'invalid_request'],
        [{ ...c, ttlMs: LIMITS.commandTtlMaxSeconds * 1000 + 1 }, 400, 'invalid_request'],
        [{ ...c, ttlMs: 1, ttl_ms: 1 }, 400, 'invalid_request'],
        [{ ...c, parameters: JSON.parse('{"a":[{"__proto__":1}]}') }, 400, 'invalid_request'],
        [{ ...c, ttlMs: 1, deadline: '2100-01-01T00:00:00Z' }, 400, 'invalid_request'],
        [{ ...c, deadline: '2001-01-01T00:00:00Z' }, 400, 'invalid_request'],
        [{ ...c, deadline: '2100-01-01T00:00:00Z' }, 400, 'invalid_request'],
        [{ ...c, deadline: '2100-01-01' }, 400, 'invalid_request'],
        [{ ...c, deadline: '2100-13-01T00:00:00Z' }, 400, 'invalid_request'],
        [{ ...c, deadline: 4102444800000 }, 400, 'invalid_request'],
        [{ ...c, supersedes: '' }, 400, 'invalid_request'],
        [{ ...c, supersedes: 'x'.repeat(129) }, 400, 'invalid_request'],
        [{ ...c, supersedes: '\0' }, 400, 'invalid_request'],
      ] as const)
        assert.deepEqual(await refused('bad', body), [status, type], JSON.stringify(body).slice(0, 80));
      for (const query of ['?wait=-1', '?wait=61', '?wait=x', '?wait=1&wait=2', '?limit=1'])
        assert.deepEqual(await refused('bad', c, { query }), [400, 'invalid_request'], query);
      assert.deepEqual(await refused('bad', c, { idempotencyKey: 'a b' }), [400, 'invalid_request']);
      assert.equal((await send(node, 'bad', c)).status, 202);
    });

    test('null is the same as nothing', async () => {
      await register(node, 'nulls');
      const nothing = { parameters: null, mode: null, priority: null, ttlMs: null, deadline: null, supersedes: null };
      const { status, body } = await send(node, 'nulls', { command: 'c', ...nothing });
      assert.deepEqual([status, body.mode, body.parameters, body.supersedes], [202, 'retry', {}, null]);
    });

    test('an unknown device and one at its end are refused; a suspended one is not', async () => {
      const c = { command: 'c' };
      for (const id of ['nobody', 'no%20id']) assert.deepEqual(await refused(id, c), [404, 'not_found']);
      await register(node, 'gone');
      await ask(node, 'DELETE /api/v1/devices/gone');
      assert.deepEqual(await refused('gone', c), [409, 'lifecycle_conflict']);
      await register(node, 'suspended');
      await node.database.query(`UPDATE device SET state = 'suspended' WHERE device_id = 'suspended'`);
      assert.equal((await send(node, 'suspended', c)).status, 202);
    });

    test('what the actor refuses is said with its reason', async () => {
      await register(node, 'asked');
      for (const [error, status, type] of [
        ['too_many_open', 409, 'too_many_commands'],
        ['lifecycle_conflict', 409, 'lifecycle_conflict'],
        ['idempotency_key_reused', 409, 'idempotency_key_reused'],
        ['deadline_passed', 400, 'invalid_request'],
      ] as const) {
        node.actors.instead = { state: 'answered', answer: { error, detail: 'why' } };
        const { status: got, body } = await send(node, 'asked', { command: 'c' });
        assert.deepEqual([got, body.type, body.detail], [status, type, 'why']);
      }
      for (const [outcome, status, type] of [
        [OVERLOADED, 503, 'overloaded'],
        [UNKNOWN, 504, 'unknown_outcome'],
        [{ state: 'rejected', reason: 'quarantined', detail: '' }, 503, 'unavailable'],
        [{ state: 'rejected', reason: 'device_unknown', detail: '' }, 404, 'not_found'],
        [{ state: 'rejected', reason: 'refused_by_database', detail: 'SQL' }, 400, 'invalid_request'],
      ] as const) {
        node.actors.instead = outcome;
        const answer = await send(node, 'asked', { command: 'c' });
        assert.deepEqual([answer.status, answer.body.type], [status, type]);
        assert.doesNotMatch(JSON.stringify(answer.body), /SQL/);
      }
    });

    test('one more than the open commands that a device may have is refused', async () => {
      await register(node, 'full-up');
      const all = await Promise.all(
        Array.from({ length: LIMITS.deviceOpenCommands }, (_, n) => send(node, 'full-up', { command: `c${n}` })),
      );
      assert.ok(all.every(it => it.status === 202));
      const { status, body } = await send(node, 'full-up', { command: 'one-more' });
      assert.deepEqual([status, body.type], [409, 'too_many_commands']);
      await node.actors.end(all[0]!.body.id, 'succeeded');
      assert.equal((await send(node, 'full-up', { command: 'one-more' })).status, 202);
    });

    test('who may not, may not', async () => {
      const own = await register(node, 'mine');
      const neighbour = await register(node, 'neighbour');
      await register(node, 'foreign', {}, otherKey);
      const { id } = (await send(node, 'mine', { command: 'c' })).body;
      const foreign = (await send(node, 'foreign', { command: 'c' }, { key: otherKey })).body.id;
      assert.equal((await send(node, 'mine', { command: 'c' }, { key: own })).status, 403);
      assert.equal((await send(node, 'mine', { command: 'c' }, { key: otherKey })).status, 404);
      const statuses: Record<string, number> = {};
      for (const [name, key] of [
        ['application', undefined],
        ['own', own],
        ['neighbour', neighbour],
        ['other', otherKey],
      ] as const)
        for (const line of [
          `GET /api/v1/commands/${id}`,
          `GET /api/v1/commands/${foreign}`,
          'GET /api/v1/devices/mine/commands',
          'GET /api/v1/commands',
          'GET /api/v1/dead-letters/commands',
          `POST /api/v1/commands/${id}/resend`,
          `POST /api/v1/commands/${foreign}/cancel`,
        ]) {
          const body = line.startsWith('POST') ? {} : undefined;
          const path = line.replace(id, 'id').replace(foreign, 'foreign').replace('/api/v1', '');
          statuses[`${name}: ${path}`] = (await ask(node, line, { key, body })).status;
        }
      assert.deepEqual(statuses, {
        'application: GET /commands/id': 200,
        'application: GET /commands/foreign': 404,
        'application: GET /devices/mine/commands': 200,
        'application: GET /commands': 200,
        'application: GET /dead-letters/commands': 200,
        'application: POST /commands/id/resend': 409,
        'application: POST /commands/foreign/cancel': 404,
        'own: GET /commands/id': 200,
        'own: GET /commands/foreign': 404,
        'own: GET /devices/mine/commands': 200,
        'own: GET /commands': 403,
        'own: GET /dead-letters/commands': 403,
        'own: POST /commands/id/resend': 403,
        'own: POST /commands/foreign/cancel': 403,
        'neighbour: GET /commands/id': 404,
        'neighbour: GET /commands/foreign': 404,
        'neighbour: GET /devices/mine/commands': 403,
        'neighbour: GET /commands': 403,
        'neighbour: GET /dead-letters/commands': 403,
        'neighbour: POST /commands/id/resend': 403,
        'neighbour: POST /commands/foreign/cancel': 403,
        'other: GET /commands/id': 404,
        'other: GET /commands/foreign': 200,
        'other: GET /devices/mine/commands': 404,
        'other: GET /commands': 200,
        'other: GET /dead-letters/commands': 200,
        'other: POST /commands/id/resend': 404,
        'other: POST /commands/foreign/cancel': 200,
      });
      const { items } = (await ask(node, 'GET /api/v1/commands', { key: otherKey })).body;
      assert.deepEqual(
        items.map((it: { id: string }) => it.id),
        [foreign],
      );
      for (const wrong of ['x', id.replace(/./g, '0'), "'--"]) assert.equal((await get(wrong)).status, 404, wrong);
    });
  });
