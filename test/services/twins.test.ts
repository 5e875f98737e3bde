import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { deviceAddress } from '../../contracts/addresses.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { type Ingress, type Outcome, OVERLOADED, UNKNOWN } from '../../contracts/uplinks.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`twins over REST on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    let way: Ingress;
    /** What the way to the actors answers instead of them, when set. */
    let instead: Outcome | undefined;
    before(async () => {
      node = await startRestNode({
        engine,
        ingress: real => {
          way = real;
          return {
            load: () => real.load(),
            receive: (uplink, settled) => (instead ? settled(instead) : real.receive(uplink, settled)),
          };
        },
      });
      otherKey = await addTenant(node, 'other');
    });
    after(() => node.stop());

    const get = (id: string, key?: string, headers?: Record<string, string>) =>
      ask(node, `GET /api/v1/devices/${id}/twin`, { key, headers });
    const patch = (id: string, body: unknown, headers?: Record<string, string>, key?: string) =>
      ask(node, `PATCH /api/v1/devices/${id}/twin/desired`, { body, headers, key });
    /** As a device that is connected does it. */
    const report = (id: string, content: unknown) =>
      new Promise<Outcome>(resolve =>
        way.receive(
          {
            address: deviceAddress('default', id),
            session: 0,
            receivedAtMs: Date.now(),
            kind: 'state',
            topic: `devices/${id}/state`,
            contentType: '',
            payload: Buffer.from(JSON.stringify(content)),
          },
          resolve,
        ),
      );

    test('a device that never said anything has an empty twin', async () => {
      await register(node, 'empty');
      const { status, body, headers } = await get('empty');
      assert.deepEqual([status, headers.get('etag')], [200, '"0-0"']);
      assert.deepEqual(body, {
        deviceId: 'empty',
        reported: {},
        reportedVersion: 0,
        desired: {},
        desiredVersion: 0,
        delta: {},
        timestamps: { reported: {}, desired: {} },
      });
    });

    test('what is reported and desired is there, with what is missing and the time of each leaf', async () => {
      await register(node, 'both');
      assert.equal((await report('both', { mode: 'eco', limits: { min: 5, max: 25 } })).state, 'stored');
      const sinceMs = Date.now();
      const changed = await patch('both', { mode: 'heat', limits: { max: 30 }, list: [1, 2] });
      assert.deepEqual([changed.status, changed.headers.get('etag')], [200, '"1-1"']);
      const { body } = await get('both');
      assert.deepEqual(body, changed.body);
      const { reported, desired, delta, timestamps } = body;
      assert.deepEqual(reported, { mode: 'eco', limits: { min: 5, max: 25 } });
      assert.deepEqual(desired, { mode: 'heat', limits: { max: 30 }, list: [1, 2] });
      assert.deepEqual(delta, { mode: 'heat', limits: { max: 30 }, list: [1, 2] });
      assert.ok(timestamps.desired.limits.max >= sinceMs && timestamps.reported.limits.max <= timestamps.desired.mode);
      assert.equal((await report('both', delta)).state, 'stored');
      const after = (await get('both')).body;
      assert.deepEqual([after.delta, after.reportedVersion, after.reported.limits.min], [{}, 2, 5]);
    });

    test('null removes, and a patch that changes nothing makes no version', async () => {
      await register(node, 'nulls');
      await patch('nulls', { a: 1, b: { c: 1, d: 2 } });
      assert.deepEqual((await patch('nulls', { a: null, b: { c: null } })).body.desired, { b: { d: 2 } });
      for (const same of [{ a: null }, { b: { d: 2 } }, {}]) {
        const { status, body } = await patch('nulls', same);
        assert.deepEqual([status, body.desiredVersion], [200, 2]);
      }
    });

    test('of changes at once to one version, one is made', async () => {
      await register(node, 'race');
      const all = await Promise.all([1, 2, 3, 4, 5].map(n => patch('race', { n }, { 'If-Match': '"0-0"' })));
      assert.deepEqual(all.map(it => it.status).sort(), [200, 412, 412, 412, 412]);
      const winner = all.find(it => it.status === 200)!;
      assert.deepEqual((await get('race')).body.desired, winner.body.desired);
      assert.equal(all.find(it => it.status === 412)!.body.type, 'stale_version');
    });

    test('without If-Match all changes at once are made', async () => {
      await register(node, 'crowd');
      await Promise.all([1, 2, 3, 4, 5].map(n => patch('crowd', { [`n${n}`]: n })));
      const { desired, desiredVersion } = (await get('crowd')).body;
      assert.deepEqual([desired, desiredVersion], [{ n1: 1, n2: 2, n3: 3, n4: 4, n5: 5 }, 5]);
    });

    test('If-Match looks at what is desired only, and takes the tag that an answer had', async () => {
      await register(node, 'tags');
      const tag = (await patch('tags', { a: 1 })).headers.get('etag')!;
      await report('tags', { b: 1 });
      assert.equal((await patch('tags', { a: 2 }, { 'If-Match': tag })).status, 200);
      assert.equal((await patch('tags', { a: 3 }, { 'If-Match': '"2"' })).status, 200);
      assert.equal((await patch('tags', { a: 4 }, { 'If-Match': '*' })).status, 200);
      for (const wrong of [tag, '"2"', 'W/"4-1"', 'x'])
        assert.equal((await patch('tags', { a: 5 }, { 'If-Match': wrong })).status, 412, wrong);
    });

    test('a tag is the same as long as the twin is, and not longer', async () => {
      await register(node, 'fresh');
      const { headers } = await patch('fresh', { a: 1 });
      // Without the second, fetch asks for an answer that nobody kept.
      const known = { 'If-None-Match': headers.get('etag')!, 'Cache-Control': 'max-age=0' };
      assert.equal((await get('fresh', undefined, known)).status, 304);
      await report('fresh', { b: 1 });
      assert.equal((await get('fresh', undefined, known)).status, 200);
    });

    test('who may not, may not', async () => {
      const own = await register(node, 'mine');
      const neighbour = await register(node, 'neighbour');
      await register(node, 'foreign', {}, otherKey);
      assert.equal((await get('mine', own)).status, 200);
      assert.equal((await get('mine', neighbour)).status, 403);
      assert.equal((await patch('mine', { a: 1 }, {}, own)).status, 403);
      for (const [id, key] of [
        ['foreign', undefined],
        ['mine', otherKey],
        ['nobody', undefined],
        ['no%20id', undefined],
      ] as const) {
        assert.equal((await get(id, key)).status, 404, id);
        assert.equal((await patch(id, { a: 1 }, {}, key)).status, 404, id);
      }
      assert.equal((await get('mine')).body.desiredVersion, 0);
    });

    test('what is no patch is refused with its reason, and nothing is changed or kept', async () => {
      await register(node, 'bad');
      const deep = `${'{"a":'.repeat(LIMITS.twinMaxDepth + 1)}1${'}'.repeat(LIMITS.twinMaxDepth + 1)}`;
      for (const [body, status, type] of [
        [[], 400, 'invalid_request'],
        ['"x"', 400, 'invalid_request'],
        ['null', 400, 'invalid_request'],
        ['{', 400, 'invalid_json'],
        ['{"a":1e999}', 400, 'invalid_request'],
        ['{"a":"\\u0000"}', 400, 'invalid_request'],
        ['{"\\ud800":1}', 400, 'invalid_request'],
        ['{"__proto__":{"a":1}}', 400, 'invalid_request'],
        [deep, 400, 'invalid_request'],
        [{ text: 'x'.repeat(LIMITS.twinMaxBytes) }, 413, 'too_large'],
        [{ text: 'x'.repeat(LIMITS.messageMaxBytes) }, 413, 'too_large'],
      ] as const) {
        const answer = await patch('bad', body);
        assert.deepEqual([answer.status, answer.body.type], [status, type], JSON.stringify(body).slice(0, 60));
      }
      assert.equal((await get('bad')).body.desiredVersion, 0);
      assert.deepEqual((await ask(node, 'GET /api/v1/dead-letters?deviceId=bad')).body.items, []);
      assert.equal((await patch('bad', { ok: true })).status, 200);
    });

    test('a suspended device may be asked, one at its end may not; both may be looked at', async () => {
      await register(node, 'suspended');
      await node.database.query(`UPDATE device SET state = 'suspended' WHERE device_id = 'suspended'`);
      assert.equal((await patch('suspended', { a: 1 })).status, 200);
      await register(node, 'ended');
      await patch('ended', { a: 1 });
      assert.equal((await ask(node, 'DELETE /api/v1/devices/ended')).status, 200);
      const refused = await patch('ended', { a: 2 });
      assert.deepEqual([refused.status, refused.body.type], [409, 'lifecycle_conflict']);
      assert.deepEqual((await get('ended')).body.desired, { a: 1 });
    });

    test('who can not know whether it was changed says so', async () => {
      await register(node, 'unknown');
      const failed = { state: 'rejected', reason: 'actor_failed', detail: 'secret' } as const;
      for (const [outcome, status, type] of [
        [OVERLOADED, 503, 'overloaded'],
        [UNKNOWN, 504, 'unknown_outcome'],
        [{ ...failed, reason: 'quarantined' }, 503, 'unavailable'],
        [failed, 500, 'internal'],
      ] as const) {
        instead = outcome;
        const answer = await patch('unknown', { a: 1 }).finally(() => {
          instead = undefined;
        });
        assert.deepEqual([answer.status, answer.body.type], [status, type]);
        if (status === 500) assert.doesNotMatch(JSON.stringify(answer.body), /secret/);
      }
      assert.equal((await patch('unknown', { a: 1 })).status, 200);
    });

    test('a state message that is no patch is kept as a dead letter', async () => {
      await register(node, 'letters');
      assert.equal((await report('letters', [1])).state, 'rejected');
      const { items } = (await ask(node, 'GET /api/v1/dead-letters?deviceId=letters')).body;
      assert.deepEqual(
        items.map((it: { kind: string; reason: string }) => [it.kind, it.reason]),
        [['state', 'invalid_patch']],
      );
    });
  });
