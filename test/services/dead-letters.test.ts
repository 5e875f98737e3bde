import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Outcome, OVERLOADED, UNKNOWN } from '../../contracts/uplinks.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    let instead: Outcome | undefined;
    before(async () => {
      node = await startRestNode({
        engine,
        ingress: real => ({
          load: () => real.load(),
          receive: (uplink, settled) => (instead ? settled(instead) : real.receive(uplink, settled)),
        }),
      });
      otherKey = await addTenant(node, 'other');
      await register(node, 'd');
    });
    after(() => node.stop());

    type Kept = {
      deviceId?: string;
      reason?: string;
      payload?: Uint8Array;
      secondsAgo?: number;
      tenant?: string;
      kind?: string;
    };
    let made = 0;
    /** A dead letter as an actor leaves it. Answers with its id. */
    async function keep({
      deviceId = 'd',
      reason = 'invalid_shape',
      payload,
      secondsAgo = 60,
      tenant = 'default',
      kind = 'telemetry',
    }: Kept = {}) {
      const id = `00000000-0000-7000-8000-${String(++made).padStart(12, '0')}`;
      await node.database.query(
        `INSERT INTO dead_letter (dead_letter_id, tenant_id, device_id, kind, topic, content_type, reason, detail, payload, received_at)
     SELECT $1, tenant_id, $2, $3, $4, '', $5, 'because', $6, now() - make_interval(secs => $7) FROM tenant WHERE slug = $8`,
        [
          id,
          deviceId,
          kind,
          `devices/${deviceId}/telemetry`,
          reason,
          payload ?? Buffer.from('{"t": 1}'),
          secondsAgo,
          tenant,
        ],
      );
      return id;
    }
    const get = (id: string, key?: string) => ask(node, `GET /api/v1/dead-letters/${id}`, { key });
    const replay = (id: string, key?: string) => ask(node, `POST /api/v1/dead-letters/${id}/replay`, { key });

    test('a dead letter shows its payload as text, or as base64 when it is none', async () => {
      const text = await get(await keep({ payload: Buffer.from('{"t": "é"}') }));
      assert.partialDeepStrictEqual(text.body, {
        deviceId: 'd',
        reason: 'invalid_shape',
        payload: '{"t": "é"}',
        payloadEncoding: 'utf8',
        payloadBytes: 11,
        replayedAt: null,
      });
      const bytes = await get(await keep({ payload: new Uint8Array([255, 0, 1]) }));
      assert.partialDeepStrictEqual(bytes.body, { payload: '/wAB', payloadEncoding: 'base64', payloadBytes: 3 });
    });

    test('dead letters are listed newest first, page by page, by device and by reason', async () => {
      await register(node, 'listed');
      const ids: string[] = [];
      for (const secondsAgo of [50, 40, 30, 30, 30, 20, 10])
        ids.unshift(await keep({ deviceId: 'listed', reason: 'invalid_json', secondsAgo }));
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { body } = await ask(
          node,
          `GET /api/dead-letters?deviceId=listed&limit=2${cursor && `&cursor=${cursor}`}`,
        );
        seen.push(...body.items.map((it: { id: string }) => it.id));
        cursor = body.nextCursor;
      }
      assert.equal(seen.length, 7);
      assert.deepEqual([...seen].sort(), [...ids].sort());
      const times = (await ask(node, 'GET /api/dead-letters?deviceId=listed')).body.items.map(
        (it: { receivedAt: string }) => it.receivedAt,
      );
      assert.deepEqual(times, [...times].sort().reverse());
      assert.equal((await ask(node, 'GET /api/dead-letters?reason=invalid_json&limit=100')).body.items.length, 7);
      assert.deepEqual((await ask(node, 'GET /api/dead-letters?reason=unheard')).body.items, []);
    });

    test('a replayed dead letter is stored with the time that it came at, and marked; again it is a duplicate', async () => {
      await register(node, 'mended');
      const id = await keep({ deviceId: 'mended', secondsAgo: 3_600, payload: Buffer.from('{"t": 7}') });
      assert.deepEqual((await replay(id)).body, { id, state: 'stored', reason: null });
      const { receivedAt, replayedAt } = (await get(id)).body;
      assert.ok(replayedAt > receivedAt);
      const stored = (await ask(node, 'GET /api/devices/mended/telemetry')).body.items;
      assert.deepEqual([stored.length, stored[0].value, stored[0].timestamp], [1, 7, receivedAt]);
      assert.deepEqual((await replay(id)).body, { id, state: 'duplicate', reason: null });
      assert.equal((await ask(node, 'GET /api/devices/mended/telemetry')).body.items.length, 1);
      assert.equal((await get(id)).body.replayedAt, replayedAt);
    });

    test('one that is replayed many times at once is stored once', async () => {
      await register(node, 'hurried');
      const id = await keep({ deviceId: 'hurried' });
      const answers = await Promise.all(Array.from({ length: 5 }, () => replay(id)));
      assert.deepEqual(new Set(answers.map(it => it.status)), new Set([200]));
      assert.equal((await ask(node, 'GET /api/devices/hurried/telemetry')).body.items.length, 1);
    });

    test('one that is rejected again says so and stays, with the new reason and no other beside it', async () => {
      await register(node, 'hopeless');
      const id = await keep({ deviceId: 'hopeless', payload: Buffer.from('not json') });
      const { status, body } = await replay(id);
      assert.deepEqual([status, body.state], [200, 'rejected']);
      assert.match(body.reason, /^invalid_/);
      const kept = (await get(id)).body;
      assert.partialDeepStrictEqual(kept, { replayedAt: null, reason: body.reason, attempts: 1 });
      assert.notEqual(kept.detail, 'because');
      assert.equal((await ask(node, 'GET /api/dead-letters?deviceId=hopeless')).body.items.length, 1);
    });

    test('overload and a lost outcome leave it unmarked', async () => {
      for (const [outcome, type] of [
        [OVERLOADED, 'overloaded'],
        [UNKNOWN, 'unknown_outcome'],
        [{ state: 'moved' }, 'unknown_outcome'],
      ] as const) {
        const id = await keep();
        instead = outcome;
        const answer = await replay(id);
        instead = undefined;
        assert.equal(answer.body.type, type);
        assert.equal((await get(id)).body.replayedAt, null);
      }
    });

    test('one whose payload was never read can not be tried again', async () => {
      const { body } = await replay(await keep({ reason: 'packet_too_large', payload: new Uint8Array() }));
      assert.equal(body.type, 'invalid_request');
    });

    test('another tenant neither sees nor replays it, nor does anybody what is not there', async () => {
      const id = await keep();
      const theirs = await keep({ tenant: 'other' });
      for (const [wrong, key] of [
        [id, otherKey],
        [theirs, undefined],
        ['00000000-0000-7000-8000-ffffffffffff', undefined],
        ['x', undefined],
        ['%00', undefined],
      ] as const) {
        assert.equal((await get(wrong, key)).body.type, 'not_found');
        assert.equal((await replay(wrong, key)).body.type, 'not_found');
      }
      assert.deepEqual(
        (await ask(node, 'GET /api/dead-letters', { key: otherKey })).body.items.map((it: { id: string }) => it.id),
        [theirs],
      );
    });
  });
