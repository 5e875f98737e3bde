import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { newKey } from '../../adapters/access/keys.ts';
import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { devices } from '../../contracts/devices.contract.ts';
import { problem } from './lifecycle-device.ts';
import { ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    const user = randomUUID();
    before(async () => {
      node = await startRestNode({ engine, env: { SKEIN_LIMIT_LIST_DEFAULT_ITEMS: '2' } });
      for (const [id, type] of [
        ['a-1', 'press'],
        ['a-2', 'press'],
        ['a-3', 'press'],
        ['b-1', 'robot'],
      ] as const)
        await register(node, id, { type, tags: [`tag-of-${id}`] });
      await node.database.query(
        `INSERT INTO app_user (user_id, tenant_id, email) SELECT $1, tenant_id, 'x@example.org' FROM tenant WHERE slug = 'default'`,
        [user],
      );
      await node.database.query(`UPDATE device SET claimed_by = $1 WHERE device_id = 'a-2'`, [user]);
      await node.database.query(
        `WITH g AS (
           INSERT INTO device_group (tenant_id, name) SELECT tenant_id, 'hall' FROM tenant WHERE slug = 'default' RETURNING group_uid)
         INSERT INTO device_group_member SELECT group_uid, device_uid FROM g, device WHERE device_id IN ('a-3', 'b-1')`,
      );
    });
    after(() => node.stop());

    /** The key of a program whose role is limited to these devices. */
    const limitedKey = async (limit: object): Promise<string> => {
      const key = newKey('application');
      const role = `role-${key.id}`;
      await node.database.query(
        `INSERT INTO role (tenant_id, name, permissions, device_limit)
         SELECT tenant_id, $1, '{devices:read,devices:lifecycle}', $2 FROM tenant WHERE slug = 'default'`,
        [role, limit],
      );
      await node.database.query(
        `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
         SELECT $1, tenant_id, ARRAY[$2], 'limited', $3 FROM tenant WHERE slug = 'default'`,
        [key.id, role, key.hash],
      );
      return key.text;
    };
    const ids = async (query: string, key?: string): Promise<string[]> => {
      const found: string[] = [];
      for (let cursor = ''; ; ) {
        const { status, body } = await ask(node, `GET /api/v1/devices?${query}${cursor && `&cursor=${cursor}`}`, {
          key,
        });
        assert.equal(status, 200, JSON.stringify(body));
        found.push(...body.items.map((it: { id: string }) => it.id));
        if (body.nextCursor === null) return found;
        cursor = body.nextCursor;
      }
    };

    test('a list is filtered by group and by whether a device is claimed', async () => {
      assert.deepEqual(await ids('group=hall'), ['a-3', 'b-1']);
      assert.deepEqual(await ids('group=hall&type=press'), ['a-3']);
      assert.deepEqual(await ids('group=nowhere'), []);
      assert.deepEqual(await ids('claimed=true'), ['a-2']);
      assert.deepEqual(await ids('claimed=false'), ['a-1', 'a-3', 'b-1']);
      assert.equal((await ask(node, 'GET /api/v1/devices/a-2')).body.claimedBy, user);
    });

    test('a user lists what it has claimed; a program has claimed nothing', async () => {
      const principal: MemberPrincipal = {
        kind: 'user',
        tenant: 'default',
        tenantId: 1,
        id: user,
        name: 'X',
        grants: [{ permissions: ['devices:read'], limit: null }],
        isOperator: false,
      };
      const mine = await call(node.broker, devices.list, { claimed: 'me' }, { meta: { principal } });
      assert.deepEqual(
        mine.items.map(it => it.id),
        ['a-2'],
      );
      for (const claimed of ['me', 'yes', ''])
        assert.deepEqual(problem(await ask(node, `GET /api/v1/devices?claimed=${claimed}`)), [400, 'invalid_request']);
    });

    for (const [what, limit, seen] of [
      ['a group', { groups: ['hall'] }, ['a-3', 'b-1']],
      ['a type', { types: ['press'] }, ['a-1', 'a-2', 'a-3']],
      ['a tag', { tags: ['tag-of-b-1'] }, ['b-1']],
      ['two of them', { tags: ['tag-of-a-1'], groups: ['hall'] }, ['a-1', 'a-3', 'b-1']],
      ['nothing that there is', { groups: ['nowhere'] }, []],
    ] as const)
      test(`whose role is limited to ${what} sees those devices only, page by page, and moves no other`, async () => {
        const key = await limitedKey(limit);
        assert.deepEqual(await ids('limit=1', key), seen);
        for (const id of ['a-1', 'a-2', 'a-3', 'b-1']) {
          const isSeen = (seen as readonly string[]).includes(id);
          const state = (await ask(node, `GET /api/v1/devices/${id}`)).body.state;
          const body = { state };
          assert.equal(
            (await ask(node, `POST /api/v1/devices/${id}/lifecycle`, { key, body })).status,
            isSeen ? 200 : 404,
            id,
          );
          assert.equal(
            (await ask(node, `GET /api/v1/devices/${id}/lifecycle`, { key })).status,
            isSeen ? 200 : 404,
            id,
          );
        }
      });

    test('the cursor of one who sees all is none for one who sees less', async () => {
      const { nextCursor } = (await ask(node, 'GET /api/v1/devices')).body;
      const key = await limitedKey({ types: ['press'] });
      assert.deepEqual(problem(await ask(node, `GET /api/v1/devices?cursor=${nextCursor}`, { key })), [
        400,
        'invalid_request',
      ]);
    });

    test('capabilities are a list of names that a change replaces', async () => {
      const body = { capabilities: ['lock', 'light', 'lock'] };
      const { body: changed } = await ask(node, 'PATCH /api/v1/devices/a-1', { body });
      assert.deepEqual(changed.capabilities, ['lock', 'light']);
      assert.deepEqual((await ask(node, 'GET /api/v1/devices/a-1')).body.capabilities, ['lock', 'light']);
      for (const capabilities of [null, 'lock', [''], [5], ['x'.repeat(101)], Array(51).fill('x'), ['a\0']])
        assert.deepEqual(problem(await ask(node, 'PATCH /api/v1/devices/a-1', { body: { capabilities } })), [
          400,
          'invalid_request',
        ]);
    });
  });
