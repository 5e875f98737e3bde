/** Dead letters tried again and removed by the many, counted, and seen by those whose role is limited. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { newKey } from '../../adapters/access/keys.ts';
import { BUILT_IN_ROLES } from '../../contracts/permissions.ts';
import type { Ingress, Uplink } from '../../contracts/uplinks.ts';
import { ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    /** What was handed to actors, in order; and who comes between. */
    const handed: Uplink[] = [];
    let between: ((uplink: Uplink) => boolean) | undefined;
    before(async () => {
      node = await startRestNode({
        engine,
        env: { SKEIN_LIMIT_JOB_POLL_MS: '20', SKEIN_LIMIT_JOB_RETRY_MS: '20', SKEIN_LIMIT_DEAD_LETTERS_UNDER_WAY: '3' },
        ingress: (real): Ingress => ({
          load: () => real.load(),
          receive: (uplink, settled) => {
            handed.push(uplink);
            if (between?.(uplink)) settled({ state: 'overloaded' });
            else real.receive(uplink, settled);
          },
        }),
      });
    });
    after(() => node?.stop());

    type Kept = { deviceId: string; payload?: string; secondsAgo?: number; reason?: string; kind?: string };
    async function keep({
      deviceId,
      payload = '{"t": 1}',
      secondsAgo = 60,
      reason = 'no_values',
      kind = 'telemetry',
    }: Kept) {
      const id = randomUUID();
      await node.database.query(
        `INSERT INTO dead_letter (dead_letter_id, tenant_id, device_id, kind, topic, content_type, reason, detail, payload, received_at)
         SELECT $1, tenant_id, $2, $3, $4, '', $5, 'because', $6, now() - make_interval(secs => $7) FROM tenant WHERE slug = 'default'`,
        [id, deviceId, kind, `devices/${deviceId}/${kind}`, reason, Buffer.from(payload), secondsAgo],
      );
      return id;
    }
    const get = async (id: string) => (await ask(node, `GET /api/v1/dead-letters/${id}`)).body;
    const ended = async (id: string) => {
      for (;;) {
        const { body } = await ask(node, `GET /api/v1/dead-letters/replays/${id}`);
        if (body.state !== 'running') return body;
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    };
    const replay = async (filter: object) => {
      const { status, body, headers } = await ask(node, 'POST /api/v1/dead-letters/replay', { body: filter });
      assert.equal(status, 202, JSON.stringify(body));
      assert.equal(headers.get('location'), `/api/v1/dead-letters/replays/${body.id}`);
      return body.id as string;
    };
    const readings = async (device: string): Promise<number[]> => {
      const { rows } = {
        rows: await node.database.query<{ value: number }>(
          `SELECT value FROM telemetry JOIN device USING (device_uid)
           WHERE device_id = $1 AND ts >= now() - interval '1 day' AND ts < now() + interval '1 day' ORDER BY ts`,
          [device],
        ),
      };
      return rows.map(it => it.value);
    };

    test('many are tried again, of each device the oldest first; what fails again stays, with the new reason', async () => {
      for (const id of ['m1', 'm2', 'm3']) await register(node, id);
      const good: string[] = [];
      for (const id of ['m1', 'm2'])
        for (const n of [4, 2, 3, 1])
          good.push(await keep({ deviceId: id, payload: `{"t": ${n}}`, secondsAgo: 100 - n }));
      const bad = await keep({ deviceId: 'm1', payload: 'nonsense', secondsAgo: 98 });
      const other = await keep({ deviceId: 'm3', reason: 'invalid_name' });
      handed.length = 0;
      const run = await ended(await replay({ reason: 'no_values' }));
      assert.partialDeepStrictEqual(run, {
        ...{ state: 'completed', filter: { reason: 'no_values' }, total: 9, pending: 0 },
        ...{ stored: 8, duplicate: 0, rejected: 1 },
      });
      for (const device of ['m1', 'm2']) {
        const times = handed.filter(it => it.address.device === device).map(it => it.receivedAtMs);
        assert.deepEqual(times, times.toSorted());
        assert.deepEqual(await readings(device), [1, 2, 3, 4]);
      }
      for (const id of good) assert.ok((await get(id)).replayedAt);
      assert.partialDeepStrictEqual(await get(bad), { reason: 'invalid_json', replayedAt: null, attempts: 1 });
      assert.partialDeepStrictEqual(await get(other), { reason: 'invalid_name', attempts: 0 });
      const { body } = await ask(node, 'GET /api/v1/dead-letters/replays?limit=1');
      assert.deepEqual(body.items, [run]);
    });

    test('those behind one that could not be tried wait for it', async () => {
      await register(node, 'patient');
      for (const n of [1, 2, 3]) await keep({ deviceId: 'patient', payload: `{"t": ${n}}`, secondsAgo: 100 - n });
      let refusals = 2;
      between = () => refusals-- > 0;
      const run = await ended(await replay({ deviceId: 'patient' }));
      between = undefined;
      assert.partialDeepStrictEqual(run, { stored: 3, rejected: 0 });
      assert.deepEqual(await readings('patient'), [1, 2, 3]);
    });

    test('after a crash a run goes on, and what it had stored is neither stored nor counted twice', async () => {
      await register(node, 'crashed');
      const ids: string[] = [];
      for (const n of [1, 2, 3])
        ids.push(await keep({ deviceId: 'crashed', payload: `{"t": ${n}}`, secondsAgo: 100 - n }));
      assert.equal((await ask(node, `POST /api/v1/dead-letters/${ids[0]}/replay`)).body.state, 'stored');
      // As a process leaves it that was killed when the first one was stored, and nothing was noted.
      const id = randomUUID();
      await node.database.query(
        `UPDATE dead_letter SET replay_id = $1, outcome = NULL, attempts = 0, claimed_until = now() + interval '1 hour'
         WHERE tenant_id = 1 AND dead_letter_id = ANY($2::uuid[])`,
        [id, ids.slice(0, 2)],
      );
      await node.database.query(
        `INSERT INTO dead_letter_replay (replay_id, tenant_id, filter, state, total, requested_by, instance_id)
         SELECT $1, tenant_id, '{"deviceId": "crashed"}', 'running', 3, 'k', gen_random_uuid() FROM tenant WHERE slug = 'default'`,
        [id],
      );
      const run = await ended(id);
      assert.partialDeepStrictEqual(run, { state: 'completed', stored: 3, duplicate: 0, rejected: 0 });
      assert.deepEqual(await readings('crashed'), [1, 2, 3]);
    });

    test('a letter that was stored, though nobody knew, is not stored a second time', async () => {
      await register(node, 'doubtful');
      const id = await keep({ deviceId: 'doubtful' });
      const once = () => ask(node, `POST /api/v1/dead-letters/${id}/replay`);
      assert.equal((await once()).body.state, 'stored');
      // As if the mark of the first attempt had not been there yet when the second one began.
      await node.database.query(
        'UPDATE dead_letter SET replayed_at = NULL WHERE tenant_id = 1 AND dead_letter_id = $1',
        [id],
      );
      assert.equal((await once()).body.state, 'duplicate');
      assert.deepEqual(await readings('doubtful'), [1]);
      // The control: the same message that is no dead letter is stored again.
      await node.database.query('DELETE FROM message_receipt');
      await node.database.query(
        'UPDATE dead_letter SET replayed_at = NULL WHERE tenant_id = 1 AND dead_letter_id = $1',
        [id],
      );
      assert.equal((await once()).body.state, 'stored');
      assert.deepEqual(await readings('doubtful'), [1, 1]);
    });

    test('one run at a time; it can be cancelled; one that somebody else tries is left alone', async () => {
      await register(node, 'slow');
      const id = await keep({ deviceId: 'slow' });
      between = () => true;
      const run = await replay({ deviceId: 'slow' });
      assert.equal((await ask(node, 'POST /api/v1/dead-letters/replay', { body: {} })).body.type, 'conflict');
      // What has nothing to do is over at once, and in nobody's way.
      const none = await ask(node, 'POST /api/v1/dead-letters/replay', { body: { reason: 'none-is-like-it' } });
      assert.partialDeepStrictEqual(none.body, { state: 'completed', total: 0 });
      const { body } = await ask(node, `POST /api/v1/dead-letters/replays/${run}/cancel`);
      assert.partialDeepStrictEqual(body, { state: 'cancelled', pending: 0, stored: 0 });
      between = undefined;
      await node.database.query(
        `UPDATE dead_letter SET claimed_until = now() + interval '1 hour' WHERE tenant_id = 1 AND dead_letter_id = $1`,
        [id],
      );
      assert.equal((await ask(node, `POST /api/v1/dead-letters/${id}/replay`)).body.type, 'conflict');
      assert.equal((await get(id)).replayedAt, null);
    });

    test('filters fit by kind, by time and by whether it was replayed', async () => {
      await register(node, 'sorted');
      const old = await keep({ deviceId: 'sorted', secondsAgo: 7_200, kind: 'state', payload: '{"a": 1}' });
      const young = await keep({ deviceId: 'sorted', secondsAgo: 10 });
      const list = async (query: string) =>
        (await ask(node, `GET /api/v1/dead-letters?deviceId=sorted&${query}`)).body.items.map(
          (it: { id: string }) => it.id,
        );
      const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
      assert.deepEqual(await list('kind=state'), [old]);
      assert.deepEqual(await list(`from=${hourAgo}`), [young]);
      assert.deepEqual(await list(`to=${hourAgo}`), [old]);
      assert.equal((await ask(node, `POST /api/v1/dead-letters/${young}/replay`)).body.state, 'stored');
      assert.deepEqual(await list('replayed=true'), [young]);
      assert.deepEqual(await list('replayed=false'), [old]);
      for (const wrong of ['replayed=perhaps', 'from=yesterday', `from=${hourAgo}&to=${hourAgo}`, 'color=red'])
        assert.equal((await ask(node, `GET /api/v1/dead-letters?${wrong}`)).body.type, 'invalid_request', wrong);
      for (const wrong of [{ from: 'x' }, { reason: 'a\0' }, { replayed: false }, { deviceId: 5 }, []])
        assert.equal(
          (await ask(node, 'POST /api/v1/dead-letters/replay', { body: wrong })).status,
          400,
          JSON.stringify(wrong),
        );
    });

    test('they are counted, and removed one by one and many at once; the audit log says so', async () => {
      await register(node, 'purged');
      const counts = async () => (await ask(node, 'GET /api/v1/dead-letters/counts')).body;
      const before = await counts();
      const ids: string[] = [];
      for (let n = 0; n < 3; n++)
        ids.push(await keep({ deviceId: 'purged', reason: 'invalid_patch', secondsAgo: 90_000 }));
      const now = await counts();
      assert.equal(now.total, before.total + 3);
      assert.equal(now.byReason.invalid_patch, 3);
      assert.ok(now.oldestAgeSeconds >= 90_000);
      assert.deepEqual((await ask(node, `DELETE /api/v1/dead-letters/${ids[0]}`)).body, { id: ids[0], purged: true });
      assert.equal((await ask(node, `DELETE /api/v1/dead-letters/${ids[0]}`)).body.type, 'not_found');
      const purge = (body: object) => ask(node, 'POST /api/v1/dead-letters/purge', { body });
      const filter = { deviceId: 'purged', reason: 'invalid_patch' };
      assert.deepEqual((await purge({ ...filter, dryRun: true })).body, { count: 2, dryRun: true, more: false });
      assert.deepEqual((await purge(filter)).body, { count: 2, dryRun: false, more: false });
      assert.deepEqual((await purge(filter)).body, { count: 0, dryRun: false, more: false });
      assert.equal((await counts()).byReason.invalid_patch, undefined);
      const acts = await node.database.query<{ act: string }>(
        `SELECT act FROM audit_entry WHERE tenant_id = 1 AND act LIKE '%purged' ORDER BY act`,
      );
      assert.deepEqual(
        acts.map(it => it.act),
        ['dead-letter.purged', 'dead-letters.purged'],
      );
    });

    test('whose role is limited to some devices counts, tries and removes only what is theirs', async () => {
      await register(node, 'theirs', { tags: ['mine'] });
      await register(node, 'foreign');
      const theirs = await keep({ deviceId: 'theirs', payload: 'bad' });
      const foreign = await keep({ deviceId: 'foreign', payload: 'bad' });
      const key = await limitedKey();
      const as = (line: string, body?: object) => ask(node, line, { key, body });
      assert.equal((await as('GET /api/v1/dead-letters/counts')).body.total, 1);
      assert.equal((await as(`DELETE /api/v1/dead-letters/${foreign}`)).body.type, 'not_found');
      assert.equal((await as('POST /api/v1/dead-letters/purge', { dryRun: true })).body.count, 1);
      const { body } = await as('POST /api/v1/dead-letters/replay', {});
      assert.equal(body.total, 1);
      assert.equal((await ended(body.id)).rejected, 1);
      assert.equal((await get(foreign)).attempts, 0);
      assert.equal((await as(`GET /api/v1/dead-letters/replays/${body.id}`)).body.rejected, 1);
      const all = await ended(await replay({ deviceId: 'foreign' }));
      assert.equal((await as(`GET /api/v1/dead-letters/replays/${all.id}`)).body.type, 'not_found');
      assert.equal((await as('POST /api/v1/dead-letters/purge', {})).body.count, 1);
      assert.equal((await get(theirs)).type, 'not_found');
      assert.equal((await get(foreign)).id, foreign);
    });

    async function limitedKey(): Promise<string> {
      const key = newKey('application');
      await node.database.query(
        `INSERT INTO role (tenant_id, name, permissions, device_limit)
         SELECT tenant_id, 'some', $1, '{"tags": ["mine"]}' FROM tenant WHERE slug = 'default'`,
        [BUILT_IN_ROLES.operator.permissions],
      );
      await node.database.query(
        `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
         SELECT $1, tenant_id, '{some}', 'test', $2 FROM tenant WHERE slug = 'default'`,
        [key.id, key.hash],
      );
      return key.text;
    }
  });
