import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { uuidv7 } from 'uuidv7';
import { deviceAddress } from '../../contracts/addresses.ts';
import type { CommandTransition } from '../../contracts/commands.ts';
import type { Ingress, Outcome } from '../../contracts/uplinks.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

const DAY_MS = 24 * 3_600_000;

for (const engine of ENGINES)
  describe(`twins as they were, over REST on ${engine}`, () => {
    let node: RestNode;
    let way: Ingress;
    before(async () => {
      node = await startRestNode({
        engine,
        env: { SKEIN_LIMIT_COMMAND_KEEP_DAYS: '3', SKEIN_LIMIT_TWIN_HISTORY_KEEP_DAYS: '5' },
        ingress: real => {
          way = real;
          return real;
        },
      });
    });
    after(() => node.stop());

    const at = (id: string, when: number | string, key?: string) =>
      ask(node, `GET /api/v1/devices/${id}/twin?at=${encodeURIComponent(when)}`, { key });
    const patch = (id: string, body: unknown) =>
      ask(node, `PATCH /api/v1/devices/${id}/twin/desired`, { body }).then(it => assert.equal(it.status, 200));
    const report = async (id: string, content: unknown) => {
      const uplink = {
        address: deviceAddress('default', id),
        session: 0,
        receivedAtMs: Date.now(),
        kind: 'state',
        topic: '',
        contentType: '',
        payload: Buffer.from(JSON.stringify(content)),
      } as const;
      const outcome = await new Promise<Outcome>(resolve => way.receive(uplink, resolve));
      assert.equal(outcome.state, 'stored');
    };
    /** A moment that nothing else has. */
    const moment = async (): Promise<number> => {
      const ms = Date.now();
      while (Date.now() === ms) await new Promise(setImmediate);
      const own = Date.now();
      while (Date.now() === own) await new Promise(setImmediate);
      return own;
    };
    const command = async (id: string, createdAtMs: number, transitions: CommandTransition[], endedAtMs?: number) => {
      const commandId = uuidv7();
      const ms = createdAtMs.toString(16).padStart(12, '0');
      const own = `${ms.slice(0, 8)}-${ms.slice(8)}${commandId.slice(13)}`;
      const last = transitions.at(-1)!;
      await node.database.query(
        `INSERT INTO command (command_id, tenant_id, device_uid, shard, name, parameters, mode, priority, requested_by,
           created_at, deadline_at, state, attempt, transitions, ended_at)
         SELECT $2, tenant_id, device_uid, 0, 'restart', '{}', 'once', 1, 'key', to_timestamp($3::float8 / 1000),
           to_timestamp($3::float8 / 1000) + interval '1 day', $4, $5, $6, to_timestamp($7::float8 / 1000)
         FROM device WHERE device_id = $1`,
        [id, own, createdAtMs, last.state, last.attempt, JSON.stringify(transitions), endedAtMs ?? null],
      );
      return own;
    };
    const backdate = (id: string, days: number) =>
      node.database.query(`UPDATE device SET created_at = now() - $2::int4 * interval '1 day' WHERE device_id = $1`, [
        id,
        days,
      ]);

    test('both documents, their versions and times, and what differed then', async () => {
      await register(node, 'boiler');
      const nothing = await moment();
      await patch('boiler', { mode: 'heat', limits: { max: 30 } });
      const desired = await moment();
      await report('boiler', { mode: 'heat', limits: { max: 25 } });
      const reported = await moment();
      await patch('boiler', { limits: { max: null } });
      const { body: now } = await ask(node, 'GET /api/v1/devices/boiler/twin');

      const first = await at('boiler', nothing);
      assert.deepEqual(
        [first.status, first.headers.get('etag'), first.body.at],
        [200, null, new Date(nothing).toISOString()],
      );
      assert.deepEqual([first.body.desired, first.body.desiredVersion, first.body.delta], [{}, 0, {}]);
      const second = (await at('boiler', new Date(desired).toISOString())).body;
      assert.deepEqual(
        [second.desired, second.desiredVersion, second.reported],
        [{ mode: 'heat', limits: { max: 30 } }, 1, {}],
      );
      const third = (await at('boiler', reported)).body;
      assert.deepEqual([third.reported, third.reportedVersion], [{ mode: 'heat', limits: { max: 25 } }, 1]);
      assert.deepEqual([third.delta, third.openCommands], [{ limits: { max: 30 } }, []]);
      const { at: _, openCommands, ...last } = (await at('boiler', Date.now())).body;
      assert.deepEqual([last, openCommands], [now, []]);
      assert.equal(typeof third.timestamps.desired.limits.max, 'number');
    });

    test('the commands that were open then, in the state that they had', async () => {
      await register(node, 'valve');
      await backdate('valve', 2);
      const begin = Date.now() - DAY_MS;
      const step = (state: CommandTransition['state'], afterMs: number, attempt: number): CommandTransition => ({
        state,
        atMs: begin + afterMs,
        attempt,
        reason: null,
      });
      const ended = await command(
        'valve',
        begin,
        [step('queued', 0, 0), step('sent', 1_000, 1), step('delivered', 2_000, 1), step('succeeded', 3_000, 1)],
        begin + 3_000,
      );
      const open = await command('valve', begin + 2_500, [step('queued', 2_500, 0), step('sent', 3_500, 1)]);
      const states = async (afterMs: number) => {
        const { body } = await at('valve', begin + afterMs);
        return body.openCommands.map((it: { id: string; state: string; attempt: number }) => [
          it.id,
          it.state,
          it.attempt,
        ]);
      };
      assert.deepEqual(await states(-1), []);
      assert.deepEqual(await states(0), [[ended, 'queued', 0]]);
      assert.deepEqual(await states(1_500), [[ended, 'sent', 1]]);
      assert.deepEqual(await states(2_500), [
        [ended, 'delivered', 1],
        [open, 'queued', 0],
      ]);
      assert.deepEqual(await states(3_000), [[open, 'queued', 0]]);
      assert.deepEqual(await states(DAY_MS), [[open, 'sent', 1]]);
      const { openCommands } = (await at('valve', begin + 3_000)).body;
      assert.deepEqual(openCommands[0], {
        id: open,
        command: 'restart',
        state: 'queued',
        attempt: 0,
        createdAt: new Date(begin + 2_500).toISOString(),
        deadline: new Date(begin + 2_500 + DAY_MS).toISOString(),
        priority: 'high',
        mode: 'once',
      });
    });

    test('where ended commands may be removed already, it says that it does not know them', async () => {
      await register(node, 'old');
      await backdate('old', 30);
      const { status, body } = await at('old', Date.now() - 4 * DAY_MS);
      assert.deepEqual([status, body.openCommands, body.desiredVersion], [200, null, 0]);
    });

    test('a time that nobody knows of is refused, each with its reason', async () => {
      await register(node, 'young');
      const future = await at('young', Date.now() + 60_000);
      assert.deepEqual([future.status, future.body.type], [400, 'invalid_request']);
      for (const bad of ['yesterday', '2026-01-01', '-1', '2026-13-01T00:00Z'])
        assert.equal((await at('young', bad)).body.type, 'invalid_request', bad);
      const early = await at('young', Date.now() - DAY_MS);
      assert.deepEqual([early.status, /registered later/.test(early.body.detail)], [404, true]);
      for (const nobody of ['nobody', 'a%20b']) assert.equal((await at(nobody, 1)).status, 404);

      await patch('young', { a: 1 });
      await patch('young', { a: 2 });
      await backdate('young', 30);
      await node.database.query(
        `DELETE FROM twin_step USING device WHERE twin_step.device_uid = device.device_uid AND device_id = 'young' AND twin_step.version = 1`,
      );
      const gone = await at('young', Date.now() - 6 * DAY_MS);
      assert.deepEqual([gone.status, gone.body.type], [404, 'not_found']);
      assert.match(gone.body.detail, /5 days \(SKEIN_LIMIT_TWIN_HISTORY_KEEP_DAYS\)/);
    });

    test('a device sees its own past only, and another tenant sees none of it', async () => {
      const key = await register(node, 'mine');
      const otherKey = await addTenant(node, 'other');
      const now = Date.now();
      assert.equal((await at('mine', now, key)).status, 200);
      assert.equal((await at('valve', now, key)).status, 403);
      assert.equal((await at('mine', now, otherKey)).status, 404);
    });
  });
