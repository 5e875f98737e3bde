import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newKey } from '../../adapters/access/keys.ts';
import { fold } from '../adapters/database/telemetry-reading/stored-readings.ts';
import { type Answer, addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

const T0 = Date.parse('2026-10-25T00:00:00Z');
const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString();

for (const engine of ENGINES)
  describe(`questions about telemetry on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    const devices = ['press-1', 'press-2', 'press-3', 'oven-1'];
    before(async () => {
      node = await startRestNode({
        engine,
        env: { SKEIN_LIMIT_TELEMETRY_PICTURE_READINGS_MAX: '500', SKEIN_LIMIT_TELEMETRY_READINGS_MAX: '2000' },
      });
      otherKey = await addTenant(node, 'other');
      await node.database.query(
        `INSERT INTO device_type (tenant_id, name, measurements) SELECT tenant_id, 'press', '{"force": {"type": "number", "unit": "kN"}}' FROM tenant WHERE slug = 'default'`,
      );
      for (const id of devices)
        await register(node, id, { type: id.split('-')[0], tags: id === 'press-3' ? ['old'] : [] });
      await register(node, 'press-9', { type: 'press' }, otherKey);
      await node.database.query(
        `INSERT INTO device_group (tenant_id, name) SELECT tenant_id, 'hall' FROM tenant WHERE slug = 'default'`,
      );
      await node.database.query(
        `INSERT INTO device_group_member SELECT group_uid, device_uid FROM device_group, device WHERE device_id IN ('press-1', 'oven-1')`,
      );
      for (const [i, deviceId] of devices.entries())
        for (let hour = 0; hour < 3; hour++) {
          const items = Array.from({ length: 240 }, (_, n) => ({
            deviceId,
            timestamp: at(hour * 7_200 + n * 15),
            values: { force: i * 100 + n, ...(n === 0 && { mode: 'eco' }) },
          }));
          const { body } = await ask(node, 'POST /api/v1/telemetry', { body: items });
          assert.equal(body.accepted, 240);
        }
      await ask(node, 'POST /api/v1/telemetry', {
        key: otherKey,
        body: { deviceId: 'press-9', timestamp: at(0), values: { force: 9_999 } },
      });
      await fold(node.database, []);
    });
    after(() => node.stop());

    const get = (path: string, key?: string, headers?: Record<string, string>): Promise<Answer> =>
      ask(node, `GET /api/v1${path}`, { key, headers });
    const items = async (path: string, key?: string) => (await get(path, key)).body.items;

    test('readings have units and qualities, and those of low quality or with flags can be left out', async () => {
      await register(node, 'judged', { type: 'press' });
      const body = [0, 1, 2, 3].map(n => ({ deviceId: 'judged', timestamp: at(n), values: { force: n } }));
      await ask(node, 'POST /api/v1/telemetry', { body });
      await node.database.query(
        `UPDATE telemetry t SET quality = (2500 * (date_part('epoch', ts)::int % 4))::int2, flags = CASE WHEN value = 3 THEN 1::int2 END
         FROM device d WHERE d.device_uid = t.device_uid AND d.device_id = 'judged' AND t.value < 4`,
      );
      const all = await items('/devices/judged/telemetry');
      assert.deepEqual(all[3], {
        timestamp: at(3),
        measurement: 'force',
        value: 3,
        quality: 0.75,
        unit: 'kN',
        flags: ['outOfRange'],
      });
      assert.deepEqual(
        all.map((it: { quality: number }) => it.quality),
        [0, 0.25, 0.5, 0.75],
      );
      const values = async (query: string) =>
        (await items(`/devices/judged/telemetry?${query}`)).map((it: { value: number }) => it.value);
      assert.deepEqual(await values('minQuality=0.5'), [2, 3]);
      assert.deepEqual(await values('minQuality=0.5&flagged=exclude'), [2]);
      assert.deepEqual(await values('flagged=only'), [3]);
      const bucket = await get('/devices/judged/telemetry?interval=1h&aggregate=count&minQuality=0.25');
      assert.deepEqual([bucket.body.items[0].count, bucket.body.source], [3, 'raw']);
      await fold(node.database);
      const latest = (await get('/devices/judged/telemetry/latest')).body.values.force;
      assert.deepEqual(latest, { value: 3, timestamp: at(3), unit: 'kN', quality: 0.75, flags: ['outOfRange'] });
    });

    test('buckets come from the longest rollup that fits, and the answer says from which', async () => {
      const source = async (query: string) =>
        (await get(`/devices/press-1/telemetry?measurements=force&${query}`)).body.source;
      const day = `from=${at(0)}&to=${at(86_400)}`;
      assert.equal(await source(day), 'raw');
      assert.equal(await source(`${day}&interval=20s`), 'raw');
      assert.equal(await source(`${day}&interval=5m`), '1m');
      assert.equal(await source(`${day}&interval=1h`), '1h');
      assert.equal(await source(`${day}&interval=1d`), '1d');
      assert.equal(await source(`${day}&interval=1d&aggregate=p95`), 'raw');
      assert.equal(await source(`from=${at(-7200)}&to=${at(82_800)}&interval=1d&timezone=Europe/Berlin`), '1h');
    });

    test('a day of 25 hours is one bucket', async () => {
      const found = await items(
        '/devices/press-1/telemetry?measurements=force&interval=1d&timezone=Europe/Berlin&aggregate=count',
      );
      assert.deepEqual(found, [{ timestamp: '2026-10-24T22:00:00.000Z', measurement: 'force', count: 720 }]);
    });

    test('gaps are filled when that is asked for', async () => {
      const series = async (fill: string) =>
        (
          await items(
            `/devices/press-1/telemetry?measurements=force&interval=1h&from=${at(0)}&to=${at(18_000)}&aggregate=avg&fill=${fill}`,
          )
        ).map((it: { avg: number | null }) => it.avg);
      const mean = 119.5;
      assert.deepEqual(await series('none'), [mean, mean, mean]);
      assert.deepEqual(await series('null'), [mean, null, mean, null, mean]);
      assert.deepEqual(await series('previous'), [mean, mean, mean, mean, mean]);
      assert.deepEqual(await series('linear'), [mean, mean, mean, mean, mean]);
    });

    test('a filled bucket that began before the year 1 has what was measured in it', async () => {
      const found = await items(
        '/devices/press-1/telemetry?measurements=force&interval=9999y&aggregate=count&fill=null',
      );
      assert.deepEqual(found, [{ timestamp: '0001-01-01T00:00:00.000Z', measurement: 'force', count: 720 }]);
    });

    test('percentiles, first, last and spread are said when they are asked for', async () => {
      const [bucket] = await items(
        `/devices/press-1/telemetry?measurements=force&interval=1h&aggregate=first,last,stddev,p50,p95,p99&from=${at(0)}&to=${at(3600)}`,
      );
      assert.equal(Math.round(bucket.stddev * 1e6), Math.round(Math.sqrt((240 ** 2 - 1) / 12) * 1e6));
      assert.deepEqual(
        [bucket.first, bucket.last, bucket.p50, bucket.p95, bucket.p99].map(it => Math.round(it * 100) / 100),
        [0, 239, 119.5, 227.05, 236.61],
      );
    });

    test('measurements that there are none of are named', async () => {
      const { body } = await get(
        "/devices/press-1/telemetry?measurements=force,nothing,x'%3B%20DROP%20TABLE%20telemetry%3B--&limit=1",
      );
      assert.deepEqual(body.unknownMeasurements, ['nothing', "x'; DROP TABLE telemetry;--"]);
      assert.equal(body.items.length, 1);
      const none = await get('/devices/press-1/telemetry?measurements=nothing');
      assert.deepEqual(none.body, { items: [], nextCursor: null, source: 'raw', unknownMeasurements: ['nothing'] });
      const across = await get('/telemetry/aggregate?measurement=nothing');
      assert.deepEqual([across.status, across.body.items, across.body.unknownMeasurements], [200, [], ['nothing']]);
    });

    test('the newest values of many devices come at once, by id, and in pages', async () => {
      const first = await get('/telemetry/latest?type=press&measurements=force&limit=2');
      assert.deepEqual(
        first.body.items.map((it: { deviceId: string }) => it.deviceId),
        ['judged', 'press-1'],
      );
      assert.deepEqual(first.body.items[1].values, {
        force: { value: 239, timestamp: at(14_400 + 3_585), unit: 'kN', quality: null },
      });
      const rest = await get(`/telemetry/latest?type=press&measurements=force&limit=2&cursor=${first.body.nextCursor}`);
      assert.deepEqual(
        [rest.body.items.map((it: { deviceId: string }) => it.deviceId), rest.body.nextCursor],
        [['press-2', 'press-3'], null],
      );
      const named = await items('/telemetry/latest?deviceIds=oven-1,press-9,nobody,a%2Fb&measurements=mode');
      assert.deepEqual(named, [
        { deviceId: 'oven-1', values: { mode: { value: 'eco', timestamp: at(14_400), unit: null, quality: null } } },
      ]);
      assert.deepEqual(
        (await items('/telemetry/latest?group=hall')).map((it: { deviceId: string }) => it.deviceId),
        ['oven-1', 'press-1'],
      );
    });

    test('a measurement of a group, a type or a tag is put together over its devices', async () => {
      const ask1 = (query: string) =>
        get(
          `/telemetry/aggregate?measurement=force&aggregate=avg,min,max,count,stddev&interval=1h&from=${at(0)}&to=${at(3600)}&${query}`,
        );
      const group = await ask1('group=hall');
      assert.deepEqual([group.body.deviceCount, group.body.source, group.body.unit], [2, '1h', null]);
      const [bucket] = group.body.items;
      assert.deepEqual([bucket.count, bucket.min, bucket.max, bucket.avg], [480, 0, 539, 269.5]);
      const all = [...Array(240).keys()].flatMap(n => [n, 300 + n]);
      const mean = all.reduce((a, b) => a + b, 0) / all.length;
      assert.ok(Math.abs(bucket.stddev - Math.sqrt(all.reduce((a, b) => a + (b - mean) ** 2, 0) / all.length)) < 1e-9);
      assert.equal((await ask1('tag=old')).body.deviceCount, 1);
      assert.equal((await ask1('deviceIds=press-1,press-2,press-9')).body.deviceCount, 2);
      const whole = await get('/analytics/aggregated?measurement=force&type=oven&aggregate=count');
      assert.deepEqual([whole.body.items.length, whole.body.items[0].count], [1, 720]);
    });

    test('percentiles over devices are refused when they would be of too many readings', async () => {
      const query = `/telemetry/aggregate?measurement=force&aggregate=p95&interval=1d&from=${at(0)}&to=${at(86_400)}`;
      const answer = await get(query);
      assert.deepEqual([answer.status, answer.body.type], [422, 'too_many_readings']);
      assert.equal((await get(`${query}&group=hall`)).status, 200);
    });

    test('the devices with the highest and the lowest come first', async () => {
      const top = await get(`/telemetry/top?measurement=force&n=2&from=${at(0)}&to=${at(86_400)}`);
      assert.deepEqual(top.body.items, [
        { deviceId: 'oven-1', value: 419.5, count: 720 },
        { deviceId: 'press-3', value: 319.5, count: 720 },
      ]);
      assert.equal(top.body.source, '1d');
      const lowest = await get('/telemetry/top?measurement=force&n=1&order=asc&aggregate=max&group=hall');
      assert.deepEqual(lowest.body.items, [{ deviceId: 'press-1', value: 239, count: 720 }]);
    });

    test('who may see some devices only gets those only, and nobody those of another organization', async () => {
      const key = await limitedKey(node);
      assert.deepEqual(
        (await items('/telemetry/latest', key)).map((it: { deviceId: string }) => it.deviceId),
        ['press-3'],
      );
      assert.equal((await get('/telemetry/aggregate?measurement=force', key)).body.deviceCount, 1);
      assert.deepEqual(
        (await items('/telemetry/top?measurement=force', key)).map((it: { deviceId: string }) => it.deviceId),
        ['press-3'],
      );
      assert.equal((await get('/devices/press-1/telemetry', key)).status, 404);
      assert.deepEqual(await items('/telemetry/top?measurement=force', otherKey), [
        { deviceId: 'press-9', value: 9_999, count: 1 },
      ]);
    });

    test('a picture has as many points as were asked for, of all readings or of the extremes of buckets', async () => {
      const few = await get(`/devices/press-1/telemetry?measurements=force&points=50&from=${at(0)}&to=${at(3600)}`);
      assert.equal(few.body.items.length, 50);
      assert.deepEqual(few.body.downsampled, [{ measurement: 'force', method: 'lttb', from: 240, points: 50 }]);
      assert.deepEqual([few.body.items[0].value, few.body.items.at(-1).value], [0, 239]);
      const many = await get('/devices/press-1/telemetry?measurements=force&points=20');
      assert.deepEqual([many.body.items.length, many.body.downsampled[0].method], [20, 'lttb-of-extremes']);
      const all = await get(`/devices/press-1/telemetry?measurements=force&points=20&from=${at(0)}&to=${at(60)}`);
      assert.deepEqual([all.body.items.length, all.body.downsampled[0].method], [4, 'none']);
    });

    for (const [path, type] of [
      [`/devices/press-1/telemetry?interval=1s&from=2016-01-01&to=2026-01-01`, 'too_many_buckets'],
      [`/devices/press-1/telemetry?interval=1s&fill=null&from=${at(0)}&to=${at(86_400)}`, 'too_many_buckets'],
      [`/telemetry/aggregate?measurement=force&interval=1s&from=2016-01-01&to=2026-01-01`, 'too_many_buckets'],
      ['/devices/press-1/telemetry?interval=1d&timezone=Mars/Base', 'invalid_request'],
      ['/devices/press-1/telemetry?timezone=Europe/Berlin', 'invalid_request'],
      ['/devices/press-1/telemetry?fill=null', 'invalid_request'],
      ['/devices/press-1/telemetry?interval=1h&fill=cubic', 'invalid_request'],
      ['/devices/press-1/telemetry?interval=1h&fill=null&limit=5', 'invalid_request'],
      ['/devices/press-1/telemetry?points=2', 'invalid_request'],
      ['/devices/press-1/telemetry?points=5001', 'invalid_request'],
      ['/devices/press-1/telemetry?points=50&interval=1h', 'invalid_request'],
      ['/devices/press-1/telemetry?from=2026-02-30', 'invalid_request'],
      ['/devices/press-1/telemetry?to=2027-02-29T10:00:00Z', 'invalid_request'],
      ['/devices/press-1/telemetry?minQuality=1.5', 'invalid_request'],
      ['/devices/press-1/telemetry?minQuality=good', 'invalid_request'],
      ['/devices/press-1/telemetry?flagged=yes', 'invalid_request'],
      ['/devices/press-1/telemetry?stream=maybe', 'invalid_request'],
      ['/devices/press-1/telemetry?stream=true&limit=5', 'invalid_request'],
      [`/devices/press-1/telemetry?measurements=${'a,'.repeat(100)}b`, 'invalid_request'],
      ['/telemetry/aggregate', 'invalid_request'],
      ['/telemetry/aggregate?measurement=force&aggregate=median', 'invalid_request'],
      [`/telemetry/aggregate?measurement=force&from=${at(1)}&to=${at(0)}`, 'invalid_request'],
      ['/telemetry/aggregate?measurement=force&fill=null', 'invalid_request'],
      ['/telemetry/top?measurement=force&n=0', 'invalid_request'],
      ['/telemetry/top?measurement=force&order=up', 'invalid_request'],
      ['/telemetry/latest?cursor=abc', 'invalid_request'],
      ['/telemetry/latest?state=active', 'invalid_request'],
      [`/telemetry/latest?deviceIds=${'a,'.repeat(1000)}b`, 'too_large'],
    ] as const)
      test(`${path.slice(0, 100)} is refused: ${type}`, async () => {
        const answer = await get(path);
        assert.equal(answer.body.type, type, JSON.stringify(answer.body));
      });
  });

/** Of a role that may read of devices with the tag `old`. */
async function limitedKey(node: RestNode): Promise<string> {
  const key = newKey('application');
  await node.database.query(
    `INSERT INTO role (tenant_id, name, permissions, device_limit)
     SELECT tenant_id, 'old-presses', '{telemetry:read}', '{"tags": ["old"]}' FROM tenant WHERE slug = 'default'`,
  );
  await node.database.query(
    `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
     SELECT $1, tenant_id, '{old-presses}', 'limited', $2 FROM tenant WHERE slug = 'default'`,
    [key.id, key.hash],
  );
  return key.text;
}
