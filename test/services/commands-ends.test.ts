import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BAD_ENDS, COMMAND_STATES, type CommandState } from '../../contracts/commands.ts';
import { type CommandsNode, send, startCommandsNode } from './commands-node.ts';
import { type Answer, ask, ENGINES, register } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`cancelling, sending again and listing commands on ${engine}`, () => {
    let node: CommandsNode;
    before(async () => {
      node = await startCommandsNode({ engine });
      await register(node, 'device');
    });
    after(() => node?.stop());

    const made = async (body: object = { command: 'c' }, device = 'device'): Promise<string> =>
      (await send(node, device, body)).body.id;
    const cancel = (id: string, body: unknown = {}) => ask(node, `POST /api/v1/commands/${id}/cancel`, { body });
    const resend = (id: string, body: unknown = {}, idempotencyKey?: string) =>
      ask(node, `POST /api/v1/commands/${id}/resend`, {
        body,
        headers: idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey },
      });
    const saysType = ({ status, body }: Answer) => [status, body.type];

    test('an open command is cancelled, once and for all', async () => {
      const id = await made();
      const { status, body } = await cancel(id, { reason: 'a mistake' });
      assert.deepEqual([status, body.id, body.state], [200, id, 'cancelled']);
      assert.ok(body.endedAt);
      const { request } = node.actors.asked.at(-1)!;
      assert.deepEqual(request, { type: 'cancel', id, reason: 'a mistake' });
      const again = await cancel(id);
      assert.deepEqual([again.status, again.body.state], [200, 'cancelled']);
      assert.deepEqual((await ask(node, `GET /api/v1/commands/${id}`)).body, again.body);
    });

    test('what has ended otherwise can not be cancelled', async () => {
      const id = await made();
      await node.actors.end(id, 'succeeded');
      assert.deepEqual(saysType(await cancel(id)), [409, 'command_ended']);
      // Its end is stored after it was read, and before the actor is asked.
      const racing = await made();
      const { receive } = node.actors;
      node.actors.receive = function (uplink, settled) {
        node.actors.receive = receive;
        void node.actors.end(racing, 'failed').then(() => receive.call(this, uplink, settled));
      };
      assert.deepEqual(saysType(await cancel(racing)), [409, 'command_ended']);
      assert.equal((await cancel('x')).status, 404);
    });

    test('a reason that can not be kept, and fields that are not known, are refused', async () => {
      const id = await made();
      for (const body of [{ reason: 7 }, { reason: 'x'.repeat(201) }, { reason: '\0' }, { why: 'x' }, []])
        assert.deepEqual(saysType(await cancel(id, body)), [400, 'invalid_request'], JSON.stringify(body));
      for (const body of [{ ttlMs: 'x' }, { ttl: 1 }, { parameters: {} }])
        assert.deepEqual(saysType(await resend(id, body)), [400, 'invalid_request'], JSON.stringify(body));
    });

    test('what has ended is sent again as a new command with the same content', async () => {
      const said = {
        command: 'c',
        parameters: { a: [1] },
        mode: 'once',
        priority: 'low',
        supersedes: 's',
        ttlMs: 5_000,
      };
      const id = await made(said);
      assert.deepEqual(saysType(await resend(id)), [409, 'command_open']);
      await node.actors.end(id, 'failed');
      const { status, body, headers } = await resend(id);
      assert.deepEqual([status, body.resendOf, body.state], [202, id, 'queued']);
      assert.notEqual(body.id, id);
      assert.equal(headers.get('location'), `/api/v1/commands/${body.id}`);
      const { ttlMs, ...content } = said;
      for (const [name, value] of Object.entries(content)) assert.deepEqual(body[name], value, name);
      assert.equal(Date.parse(body.deadline) - Date.parse(body.createdAt), ttlMs);
      const longer = (await resend(id, { ttl_ms: 90_000 })).body;
      assert.equal(Date.parse(longer.deadline) - Date.parse(longer.createdAt), 90_000);
      assert.deepEqual(saysType(await resend(id, { ttlMs: 0 })), [400, 'invalid_request']);
      assert.equal((await resend('x')).status, 404);
    });

    test('sending again with one key makes one command', async () => {
      const id = await made();
      await node.actors.end(id, 'unknown');
      const first = await resend(id, {}, 'resend');
      assert.deepEqual((await resend(id, {}, 'resend')).body, first.body);
      assert.deepEqual(saysType(await resend(id, { ttlMs: 1_000 }, 'resend')), [409, 'idempotency_key_reused']);
      const other = await made();
      await node.actors.end(other, 'unknown');
      assert.deepEqual(saysType(await resend(other, {}, 'resend')), [409, 'idempotency_key_reused']);
    });

    /** The ids of all pages of a list, in its order. */
    const idsOf = async (path: string, limit = 3): Promise<string[]> => {
      const ids: string[] = [];
      let cursor = '';
      do {
        const { status, body } = await ask(
          node,
          `GET /api/v1${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`,
        );
        assert.equal(status, 200, JSON.stringify(body));
        assert.ok(body.items.length <= limit);
        ids.push(...body.items.map((it: { id: string }) => it.id));
        cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
      } while (cursor !== '');
      return ids;
    };

    test('lists have the newest first, page by page, by what is asked for', async () => {
      await register(node, 'listed');
      await register(node, 'listed-2');
      const byState = new Map<CommandState, string>();
      for (const state of COMMAND_STATES) {
        const id = await made({ command: state === 'expired' ? 'late' : 'c' }, 'listed');
        if (state !== 'queued') await node.actors.end(id, state);
        byState.set(state, id);
      }
      const other = await made({ command: 'late' }, 'listed-2');
      const newestFirst = [...byState.values()].reverse();
      assert.deepEqual(await idsOf('/devices/listed/commands'), newestFirst);
      assert.deepEqual(await idsOf('/commands?deviceId=listed'), newestFirst);
      assert.deepEqual((await idsOf('/commands', 1000)).slice(0, 11), [other, ...newestFirst]);
      for (const [state, id] of byState) {
        assert.deepEqual(await idsOf(`/devices/listed/commands?state=${state}`), [id], state);
        assert.deepEqual(await idsOf(`/commands?deviceId=listed&state=${state}`), [id], state);
      }
      assert.deepEqual(await idsOf('/commands?command=late'), [other, byState.get('expired')]);
      const bad = BAD_ENDS.map(state => byState.get(state)!)
        .sort()
        .reverse();
      assert.deepEqual(await idsOf('/dead-letters/commands?deviceId=listed'), bad);
      assert.deepEqual(await idsOf('/dead-letters/commands?command=late'), [byState.get('expired')]);
      assert.deepEqual(await idsOf('/dead-letters/commands?deviceId=listed&state=failed'), [byState.get('failed')]);
      assert.deepEqual(await idsOf('/commands?deviceId=nobody'), []);
    });

    test('commands of a job are found by it', async () => {
      const id = await made();
      const job = '01890000-0000-7000-8000-000000000001';
      await node.database.query('UPDATE command SET job_id = $2 WHERE command_id = $1', [id, job]);
      assert.deepEqual(await idsOf(`/commands?jobId=${job}`), [id]);
      assert.deepEqual(await idsOf(`/commands?jobId=${job.replace('1', '2')}`), []);
    });

    test('a device without commands has an empty list, one that is not there has none', async () => {
      await register(node, 'idle');
      assert.deepEqual(await idsOf('/devices/idle/commands'), []);
      for (const id of ['nobody', 'no%20id'])
        assert.equal((await ask(node, `GET /api/v1/devices/${id}/commands`)).status, 404, id);
    });

    test('what a list does not know is refused', async () => {
      const { nextCursor } = (await ask(node, 'GET /api/v1/commands?limit=1')).body;
      for (const path of [
        '/commands?state=open',
        '/commands?jobId=x',
        '/commands?id=x',
        '/commands?limit=0',
        '/commands?cursor=x',
        `/devices/device/commands?cursor=${nextCursor}`,
        `/commands?state=failed&cursor=${nextCursor}`,
        `/dead-letters/commands?cursor=${nextCursor}`,
        '/dead-letters/commands?state=succeeded',
        '/dead-letters/commands?jobId=x',
        '/devices/device/commands?deviceId=device',
        '/devices/device/commands?command=c',
      ])
        assert.deepEqual(saysType(await ask(node, `GET /api/v1${path}`)), [400, 'invalid_request'], path);
    });
  });
