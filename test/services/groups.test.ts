import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type FleetNode, registerMany, startFleetNode } from './fleet-node.ts';
import { type Answer, addTenant, ask, ENGINES, register } from './rest-node.ts';

const problem = ({ status, body }: Answer) => [status, body.type];

for (const engine of ENGINES)
  describe(`groups on ${engine}`, () => {
    let node: FleetNode;
    let otherKey: string;
    before(async () => {
      node = await startFleetNode({ engine, env: { SKEIN_LIMIT_GROUP_REQUEST_MAX_DEVICES: '5' } });
      otherKey = await addTenant(node, 'other');
    });
    after(() => node.stop());

    const put = (name: string, body: unknown = {}, headers?: Record<string, string>, key?: string) =>
      ask(node, `PUT /api/v1/groups/${name}`, { body, headers, key });
    const add = (name: string, deviceIds: unknown, key?: string) =>
      ask(node, `POST /api/v1/groups/${name}/devices`, { body: { deviceIds }, key });
    const members = async (name: string): Promise<string[]> => {
      const { body } = await ask(node, `GET /api/v1/groups/${name}/devices`);
      return body.items.map((it: { deviceId: string }) => it.deviceId);
    };

    test('a group is made, described anew, and keeps its devices meanwhile', async () => {
      await register(node, 'a1');
      const made = await put('floor-1', { description: 'The first floor' });
      assert.deepEqual([made.status, made.headers.get('etag'), made.body.version], [201, '"1"', 1]);
      assert.equal(made.headers.get('location'), '/api/v1/groups/floor-1');
      await add('floor-1', ['a1']);
      const changed = await put('floor-1', { description: 'Ground' }, { 'if-match': '"1"' });
      assert.deepEqual([changed.status, changed.body.description, changed.body.version], [200, 'Ground', 2]);
      assert.deepEqual(problem(await put('floor-1', {}, { 'if-match': '"1"' })), [412, 'stale_version']);
      const seen = await ask(node, 'GET /api/v1/groups/floor-1');
      assert.deepEqual([seen.body.deviceCount, seen.body.description], [1, 'Ground']);
    });

    test('`If-Match: *` is for what is there, `If-None-Match: *` for what is not', async () => {
      const any = { 'if-match': '*' };
      const none = { 'if-none-match': '*' };
      assert.deepEqual(problem(await put('starred', {}, any)), [412, 'stale_version']);
      assert.equal((await put('starred', {}, none)).status, 201);
      assert.deepEqual(problem(await put('starred', {}, none)), [412, 'stale_version']);
      const changed = await put('starred', {}, any);
      assert.deepEqual([changed.status, changed.body.version], [200, 2]);
      assert.deepEqual(problem(await put('starred', {}, { ...any, ...none })), [400, 'invalid_request']);
      assert.deepEqual(problem(await put('starred', {}, { 'if-none-match': '"1"' })), [400, 'invalid_request']);
      assert.deepEqual(problem(await put('starred', { exists: true })), [400, 'invalid_request']);
    });

    test('many devices are put into a group at once; those that there are not are named', async () => {
      await registerMany(node, ['b1', 'b2', 'b3']);
      await register(node, 'b4');
      await ask(node, 'DELETE /api/v1/devices/b4');
      await put('many');
      const first = await add('many', ['b1', 'b2', 'b2', 'nobody', 'b4']);
      assert.deepEqual(first.body, { added: 2, unknown: ['nobody', 'b4'] });
      const again = await add('many', ['b1', 'b2', 'b3', 'a/b', '']);
      assert.deepEqual(again.body, { added: 1, unknown: ['a/b', ''] });
      assert.deepEqual((await members('many')).sort(), ['b1', 'b2', 'b3']);
      assert.deepEqual(problem(await add('many', Array(6).fill('b1'))), [413, 'too_large']);
      assert.deepEqual(problem(await add('many', [1])), [400, 'invalid_request']);
      assert.deepEqual(problem(await add('nowhere', ['b1'])), [404, 'not_found']);
    });

    test('one device comes and goes, and the same again changes nothing', async () => {
      await register(node, 'c1');
      await put('single');
      const line = '/api/v1/groups/single/devices/c1';
      assert.deepEqual((await ask(node, `PUT ${line}`)).body, { deviceId: 'c1', added: true });
      assert.deepEqual((await ask(node, `PUT ${line}`)).body, { deviceId: 'c1', added: false });
      assert.deepEqual(await members('single'), ['c1']);
      assert.deepEqual((await ask(node, `DELETE ${line}`)).body, { deviceId: 'c1', removed: true });
      assert.deepEqual((await ask(node, `DELETE ${line}`)).body, { deviceId: 'c1', removed: false });
      assert.deepEqual(problem(await ask(node, 'PUT /api/v1/groups/single/devices/nobody')), [404, 'not_found']);
    });

    test('a decommissioned device is in no group any more', async () => {
      await registerMany(node, ['d1', 'd2']);
      await put('ending');
      await add('ending', ['d1', 'd2']);
      await ask(node, 'DELETE /api/v1/devices/d1');
      assert.deepEqual(await members('ending'), ['d2']);
      assert.equal((await ask(node, 'GET /api/v1/groups/ending')).body.deviceCount, 1);
    });

    test('the devices of a group are listed page by page, each once', async () => {
      const ids = ['e1', 'e2', 'e3', 'e4', 'e5'];
      await registerMany(node, ids);
      await put('paged');
      await add('paged', ids);
      const seen: string[] = [];
      let cursor = '';
      do {
        const { body } = await ask(node, `GET /api/v1/groups/paged/devices?limit=2${cursor}`);
        seen.push(...body.items.map((it: { deviceId: string }) => it.deviceId));
        cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
      } while (cursor !== '');
      assert.deepEqual(seen.toSorted(), ids);
    });

    test('a group goes, and its devices stay', async () => {
      await register(node, 'f1');
      await put('gone');
      await add('gone', ['f1']);
      assert.deepEqual(problem(await ask(node, 'DELETE /api/v1/groups/gone', { headers: { 'if-match': '"7"' } })), [
        412,
        'stale_version',
      ]);
      assert.equal((await ask(node, 'DELETE /api/v1/groups/gone')).status, 200);
      assert.deepEqual(problem(await ask(node, 'GET /api/v1/groups/gone')), [404, 'not_found']);
      assert.equal((await ask(node, 'GET /api/v1/devices/f1')).status, 200);
    });

    test('another tenant has groups of its own, and gets no device of its neighbour into them', async () => {
      await register(node, 'g1');
      await put('mine');
      await add('mine', ['g1']);
      for (const line of ['GET /api/v1/groups/mine', 'GET /api/v1/groups/mine/devices', 'DELETE /api/v1/groups/mine'])
        assert.deepEqual(problem(await ask(node, line, { key: otherKey })), [404, 'not_found'], line);
      assert.deepEqual(problem(await add('mine', ['g1'], otherKey)), [404, 'not_found']);
      await put('mine', {}, {}, otherKey);
      assert.deepEqual((await add('mine', ['g1'], otherKey)).body, { added: 0, unknown: ['g1'] });
      const removed = await ask(node, 'DELETE /api/v1/groups/mine/devices/g1', { key: otherKey });
      assert.deepEqual(removed.body, { deviceId: 'g1', removed: false });
      const listed = await ask(node, 'GET /api/v1/groups', { key: otherKey });
      assert.deepEqual(
        listed.body.items.map((it: { name: string }) => it.name),
        ['mine'],
      );
      assert.deepEqual(await members('mine'), ['g1']);
    });

    for (const name of ['a%20b', '%2B', `${'a'.repeat(65)}`])
      test(`a group can not be named ${name.slice(0, 10)}`, async () => {
        assert.deepEqual(problem(await put(name)), [400, 'invalid_request']);
      });
  });
