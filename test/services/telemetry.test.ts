import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Outcome, OVERLOADED, UNKNOWN } from '../../contracts/uplinks.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    /** What the way to the actors answers instead of them, when set. */
    let instead: ((topic: string) => Outcome | undefined) | undefined;
    before(async () => {
      node = await startRestNode({
        engine,
        env: { SKEIN_LIMIT_REQUEST_TELEMETRY_MAX_ITEMS: '50', SKEIN_LIMIT_MESSAGE_MAX_BYTES: '2000' },
        ingress: real => ({
          load: () => real.load(),
          receive(uplink, settled) {
            const outcome = instead?.(uplink.topic);
            if (outcome) settled(outcome);
            else real.receive(uplink, settled);
          },
        }),
      });
      otherKey = await addTenant(node, 'other');
    });
    after(() => node.stop());

    const send = (body: unknown, key?: string, headers?: Record<string, string>) =>
      ask(node, 'POST /api/v1/telemetry', { body, key, headers });
    const series = async (id: string, query = '') =>
      (await ask(node, `GET /api/v1/devices/${id}/telemetry?${query}`)).body;
    const T0 = Date.parse('2026-01-01T00:00:00Z');
    const at = (seconds: number) => new Date(T0 + seconds * 1000).toISOString();

    test('what was sent and accepted is there when the answer comes', async () => {
      await register(node, 'a');
      const values = { temperature: 22.5, open: true, mode: 'eco', position: { x: 1, y: [2] } };
      const sent = await send({ deviceId: 'a', timestamp: at(0), values });
      assert.deepEqual([sent.status, sent.body], [202, { accepted: 1, rejected: [] }]);
      const latest = await ask(node, 'GET /api/v1/devices/a/telemetry/latest');
      const entry = (value: unknown) => ({ value, timestamp: at(0), unit: null, quality: null });
      assert.deepEqual(latest.body, {
        deviceId: 'a',
        values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, entry(value)])),
      });
    });

    test('each rejected item is named with its reason, and the others are stored', async () => {
      await register(node, 'mixed');
      await register(node, 'foreign', {}, otherKey);
      const { body } = await send([
        { deviceId: 'mixed', timestamp: at(1), values: { t: 1 } },
        { deviceId: 'nobody', values: { t: 1 } },
        { deviceId: 'foreign', values: { t: 1 } },
        { deviceId: 'mixed', timestamp: 'yesterday', values: { t: 1 } },
        { deviceId: 'mixed/../x', values: { t: 1 } },
        { values: { t: 1 } },
        null,
        { deviceId: 'mixed', timestamp: at(1), values: { t: 1 } },
        { deviceId: 'mixed', values: { big: 'x'.repeat(3000) } },
        { deviceId: 'mixed', values: { when: at(0) } },
      ]);
      assert.deepEqual(body, {
        accepted: 3,
        rejected: [
          { index: 1, reason: 'device_unknown' },
          { index: 2, reason: 'device_unknown' },
          { index: 3, reason: 'invalid_timestamp' },
          { index: 4, reason: 'device_unknown' },
          { index: 5, reason: 'invalid_shape' },
          { index: 6, reason: 'invalid_shape' },
          { index: 8, reason: 'packet_too_large' },
        ],
      });
      assert.equal((await series('mixed', 'measurements=t')).items.length, 1);
      const kept = (await ask(node, 'GET /api/dead-letters?deviceId=mixed')).body.items;
      assert.deepEqual(kept.map((it: { reason: string }) => it.reason).sort(), [
        'invalid_timestamp',
        'packet_too_large',
      ]);
    });

    test('a number that is too large for a number is rejected, not stored as nothing', async () => {
      await register(node, 'infinite');
      const { body } = await send(
        '[{"deviceId": "infinite", "values": {"t": 1e999}}, {"deviceId": "infinite", "values": {"t": -1e999}}]',
      );
      assert.deepEqual(
        body.rejected.map((it: { reason: string }) => it.reason),
        ['invalid_value', 'invalid_value'],
      );
    });

    test('a device sends for itself, with its name or without, and for nobody else', async () => {
      const key = await register(node, 'self');
      assert.deepEqual(
        (await send([{ values: { t: 1 } }, { deviceId: 'self', values: { t: 2 } }], key)).body.accepted,
        2,
      );
      const other = await send([{ values: { t: 3 } }, { deviceId: 'a', values: { t: 3 } }], key);
      assert.deepEqual([other.status, other.body.type], [403, 'forbidden']);
      assert.equal(
        (await series('self')).items.some((it: { value: number }) => it.value === 3),
        false,
      );
    });

    for (const [what, body, type] of [
      ['an empty list', [], 'invalid_request'],
      ['a text', '"x"', 'invalid_request'],
      ['too many items', Array(51).fill({ deviceId: 'a', values: { t: 1 } }), 'too_large'],
    ] as const)
      test(`${what} is refused as a whole`, async () => {
        assert.equal((await send(body)).body.type, type);
      });

    test('overload and a lost outcome are told, and never as accepted', async () => {
      await register(node, 'unlucky');
      for (const [outcome, expected] of [
        [OVERLOADED, [503, 'overloaded', '1']],
        [UNKNOWN, [504, 'unknown_outcome', null]],
        [{ state: 'not_owner' }, [504, 'unknown_outcome', null]],
      ] as const) {
        instead = topic => (topic.includes('unlucky') ? outcome : undefined);
        const answer = await send([
          { deviceId: 'a', values: { t: 1 } },
          { deviceId: 'unlucky', values: { t: 1 } },
        ]);
        instead = undefined;
        assert.deepEqual([answer.status, answer.body.type, answer.headers.get('retry-after')], expected);
      }
    });

    test('with an Idempotency-Key the same request is stored once, even without timestamps', async () => {
      await register(node, 'again');
      const body = [
        { deviceId: 'again', values: { t: 1 } },
        { deviceId: 'again', values: { u: 1 } },
      ];
      for (let i = 0; i < 3; i++)
        assert.equal((await send(body, undefined, { 'idempotency-key': 'resent' })).body.accepted, 2);
      assert.equal((await series('again')).items.length, 2);
      await send(body);
      assert.equal((await series('again')).items.length, 4);
    });

    test('a series is read page by page, in the order of time, each reading once', async () => {
      await register(node, 'long');
      const items = Array.from({ length: 40 }, (_, i) => ({
        deviceId: 'long',
        timestamp: at(i),
        values: { a: i, b: -i, c: String(i) },
      }));
      await send(items);
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await series('long', `limit=7${cursor && `&cursor=${cursor}`}`);
        seen.push(
          ...page.items.map((it: { timestamp: string; measurement: string }) => `${it.timestamp} ${it.measurement}`),
        );
        cursor = page.nextCursor;
      }
      assert.equal(seen.length, 120);
      assert.equal(new Set(seen).size, 120);
      assert.deepEqual(
        seen.map(it => it.slice(0, 24)),
        seen.map(it => it.slice(0, 24)).sort(),
      );
    });

    test('a series begins with from and ends before to, in every form of time', async () => {
      for (const [from, to] of [
        [at(10), at(13)],
        [String(T0 + 10_000), String(T0 + 13_000)],
        ['2026-01-01T01:00:10%2B01:00', '2026-01-01T01:00:13+01:00'],
      ]) {
        const page = await series('long', `measurements=a&from=${from}&to=${to}`);
        assert.deepEqual(
          page.items.map((it: { value: number }) => it.value),
          [10, 11, 12],
          `${from} ${to}`,
        );
      }
      assert.equal(
        (await series('long', 'measurements=a,b&from=2026-01-01&to=2026-01-02&limit=1000')).items.length,
        80,
      );
      assert.deepEqual((await series('long', 'measurements=nothing')).items, []);
    });

    test('times keep their microseconds', async () => {
      await register(node, 'micro');
      const times = ['2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.001Z', '2026-01-01T00:00:00.001999Z'];
      await send(times.map((timestamp, t) => ({ deviceId: 'micro', timestamp, values: { t } })));
      const first = await series('micro', 'limit=1');
      const rest = await series('micro', `limit=2&cursor=${first.nextCursor}`);
      assert.deepEqual(
        [...first.items, ...rest.items].map(it => it.timestamp),
        times,
      );
      assert.equal((await ask(node, 'GET /api/device/micro/latest')).body.timestamp, times[2]);
    });

    test('buckets have the numbers of their interval, for the aggregates that were asked for', async () => {
      const all = await series('long', 'measurements=a&interval=10s&limit=1');
      assert.deepEqual(all.items, [
        { timestamp: at(0), measurement: 'a', avg: 4.5, min: 0, max: 9, sum: 45, count: 10 },
      ]);
      const rest = await series('long', `measurements=a&interval=10s&aggregate=max,count&cursor=${all.nextCursor}`);
      assert.deepEqual(rest.items, [
        { timestamp: at(10), measurement: 'a', max: 19, count: 10 },
        { timestamp: at(20), measurement: 'a', max: 29, count: 10 },
        { timestamp: at(30), measurement: 'a', max: 39, count: 10 },
      ]);
      // Texts have no average.
      assert.deepEqual((await series('long', 'measurements=c&interval=1h')).items, []);
    });

    for (const query of [
      `from=${at(5)}&to=${at(4)}`,
      'from=soon',
      'from=2026-01-01T00:00:00',
      'to=',
      'interval=5',
      'interval=0m',
      'interval=5x',
      'aggregate=avg',
      'interval=5m&aggregate=median',
      'limit=0',
      'cursor=abc',
      'measurement=t',
    ])
      test(`a series with ${query} is refused`, async () => {
        const answer = await ask(node, `GET /api/v1/devices/long/telemetry?${query}`);
        assert.deepEqual([answer.status, answer.body.type], [400, 'invalid_request']);
      });

    test('a cursor of another device or other measurements is refused', async () => {
      const { nextCursor } = await series('long', 'measurements=a&limit=1');
      assert.equal((await series('long', `measurements=a&limit=1&cursor=${nextCursor}`)).items[0].value, 1);
      assert.equal((await series('long', `measurements=b&cursor=${nextCursor}`)).type, 'invalid_request');
      assert.equal((await series('a', `measurements=a&cursor=${nextCursor}`)).type, 'invalid_request');
    });

    for (const path of ['telemetry', 'telemetry/latest', 'data', 'data/latest'])
      test(`${path} of a device that is not there is not found`, async () => {
        for (const id of ['nobody', 'foreign', '%00', 'a%2Fb'])
          assert.equal((await ask(node, `GET /api/v1/devices/${id}/${path}`)).body.type, 'not_found');
      });

    test('a device without any value has none', async () => {
      await register(node, 'silent');
      assert.deepEqual((await ask(node, 'GET /api/v1/devices/silent/telemetry/latest')).body, {
        deviceId: 'silent',
        values: {},
      });
      assert.deepEqual((await ask(node, 'GET /api/device/silent/latest')).body, {
        device_id: 'silent',
        timestamp: null,
      });
      assert.deepEqual(await series('silent'), { items: [], nextCursor: null, source: 'raw' });
    });
  });
