import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type CommandsNode, startCommandsNode } from './commands-node.ts';
import { type Answer, ask, ENGINES, register } from './rest-node.ts';

type Written = { device?: string; state?: string; name?: string; bytes?: number; job?: string };
const BAD = ['failed', 'rejected', 'expired', 'unknown'];
const OPEN = ['queued', 'sent', 'delivered'];
const JOB = '01900000-0000-7000-8000-000000000001';

for (const engine of ENGINES)
  describe(`lists of commands on ${engine}`, () => {
    let node: CommandsNode;
    let count = 0;
    before(async () => {
      node = await startCommandsNode({
        engine,
        env: { SKEIN_LIMIT_COMMAND_SCAN_MAX_ROWS: '10', SKEIN_LIMIT_PAGE_MAX_BYTES: '20000' },
      });
      for (const id of ['a', 'b']) await register(node, id);
    });
    after(() => node.stop());
    beforeEach(() => node.database.script('DELETE FROM command'));

    /** As they end up in the table; each has a newer id than the one before. Its name says which one it is. */
    const write = async ({ device = 'a', state = 'succeeded', name, bytes = 2, job }: Written = {}) => {
      const id = `${(++count).toString(16).padStart(8, '0')}-0000-7000-8000-000000000000`;
      await node.database.query(
        `INSERT INTO command (command_id, tenant_id, device_uid, shard, name, parameters, mode, priority, requested_by, created_at,
           deadline_at, state, attempt, transitions, job_id, ended_at, ended_badly)
         SELECT $1, tenant_id, device_uid, 1, $3, $4::json, 'retry', 0, 'test', now(), now() + interval '1 day', $5, 1, '[]', $6,
           CASE WHEN $7::bool THEN NULL ELSE now() END, $8 FROM device WHERE device_id = $2`,
        [
          ...[id, device, name ?? `c${count}`, JSON.stringify({ x: 'x'.repeat(bytes) }), state, job ?? null],
          ...[OPEN.includes(state), BAD.includes(state)],
        ],
      );
      return id;
    };
    const list = (query: string, path = 'commands'): Promise<Answer> => ask(node, `GET /api/v1/${path}?${query}`);
    /** The ids, page by page, to the end. */
    const pages = async (query: string, path?: string): Promise<string[][]> => {
      const all: string[][] = [];
      for (let cursor = ''; ; ) {
        const { status, body } = await list(`${query}${cursor}`, path);
        assert.equal(status, 200, JSON.stringify(body));
        all.push(body.items.map((it: { id: string }) => it.id));
        if (body.nextCursor === null) return all;
        cursor = `&cursor=${body.nextCursor}`;
      }
    };

    test('a page ends before its commands are too large together, and the next one goes on', async () => {
      const ids: string[] = [];
      for (const bytes of [10, 8_000, 8_000, 8_000, 30_000, 10]) ids.unshift(await write({ bytes }));
      const found = await pages('limit=1000');
      assert.deepEqual(found.flat(), ids);
      assert.deepEqual(
        found.map(it => it.length),
        [1, 1, 2, 2],
      );
    });

    test('small commands fill a page, read in pieces', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 12; i++) ids.unshift(await write());
      assert.deepEqual(await pages('limit=7'), [ids.slice(0, 7), ids.slice(7)]);
    });

    test('what no index knows is looked for among a bounded number of commands, and the cursor goes on', async () => {
      const wanted = await write({ state: 'cancelled', name: 'rare' });
      for (let i = 0; i < 25; i++) await write();
      assert.deepEqual(await pages('state=cancelled'), [[], [], [wanted]]);
      assert.deepEqual(await pages('command=rare'), [[], [], [wanted]]);
      assert.deepEqual(await pages('state=cancelled', 'devices/a/commands'), [[], [], [wanted]]);
      assert.deepEqual(await pages('state=cancelled', 'devices/b/commands'), [[]]);
    });

    test('what fits is neither left out nor shown twice, however few are looked at', async () => {
      const wanted: string[] = [];
      for (let i = 0; i < 40; i++) {
        const id = await write(i % 3 === 0 ? { name: 'wanted' } : { name: 'other' });
        if (i % 3 === 0) wanted.unshift(id);
      }
      for (const limit of [1, 2, 3, 5, 50])
        assert.deepEqual((await pages(`command=wanted&limit=${limit}`)).flat(), wanted);
    });

    test('those that are open, those that ended badly and those of a job are found at once among all others', async () => {
      const open = await write({ state: 'sent' });
      const bad = await write({ state: 'expired', job: JOB });
      const done = await write({ job: JOB });
      for (let i = 0; i < 25; i++) await write();
      assert.deepEqual(await pages('state=sent'), [[open]]);
      assert.deepEqual(await pages('state=queued'), [[]]);
      assert.deepEqual(await pages('state=expired'), [[bad]]);
      assert.deepEqual(await pages('', 'dead-letters/commands'), [[bad]]);
      assert.deepEqual(await pages('state=failed', 'dead-letters/commands'), [[]]);
      assert.deepEqual(await pages(`jobId=${JOB}`), [[done, bad]]);
      assert.deepEqual(await pages(`jobId=${JOB}&state=expired`), [[bad]]);
      assert.deepEqual(await pages(`jobId=${JOB}&deviceId=b`), [[]]);
      assert.deepEqual(await pages('deviceId=nobody'), [[]]);
    });
  });
