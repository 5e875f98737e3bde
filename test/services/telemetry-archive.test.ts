import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ArchivedReading, ArchivedReadings } from '../../contracts/archive.ts';
import { ask, type RestNode, register, startRestNode } from './rest-node.ts';

const T0 = Date.parse('2026-10-05T00:00:00Z');
const at = (minutes: number): string => new Date(T0 + minutes * 60_000).toISOString();
const HOUR_US = 3_600e6;

describe('what is in the archive', () => {
  let node: RestNode;
  let archived: readonly ArchivedReading[] = [];
  let move: (() => Promise<void>) | undefined;
  const archive: ArchivedReadings = {
    async ranges(_tenant, _devices, fromUs, toUs) {
      // Asked first, and then something is archived.
      const moved = move;
      move = undefined;
      if (moved !== undefined) {
        await moved();
        return [];
      }
      const range = { fromUs: T0 * 1000, toUs: T0 * 1000 + HOUR_US };
      return archived.length > 0 && range.fromUs < toUs && range.toUs > fromUs ? [range] : [];
    },
    async *read({ deviceUids, measurementIds, fromUs, toUs }) {
      const its = archived.filter(
        it =>
          deviceUids.includes(it.deviceUid) &&
          measurementIds.includes(it.measurementId) &&
          it.us >= fromUs &&
          it.us < toUs,
      );
      for (let i = 0; i < its.length; i += 7) yield its.slice(i, i + 7);
    },
  };
  const questions = [
    '/devices/a/telemetry?limit=1000',
    `/devices/a/telemetry?minQuality=0.5`,
    `/devices/a/telemetry?measurements=t&interval=7m&aggregate=avg,min,max,sum,count,stddev,first,last&timezone=Europe/Berlin&minQuality=0.1`,
    `/devices/a/telemetry?measurements=t&interval=30s&aggregate=p50,p99,count&limit=1000`,
    `/devices/a/telemetry?measurements=t&points=20&from=${at(0)}&to=${at(120)}`,
    `/telemetry/aggregate?measurement=t&interval=10m&aggregate=p95,last`,
    `/telemetry/top?measurement=t&aggregate=p50`,
  ];
  const get = async (path: string) => {
    const { status, body } = await ask(node, `GET /api/v1${path}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  let before_: unknown[];

  before(async () => {
    node = await startRestNode({ archived: archive });
    for (const id of ['a', 'b']) {
      await register(node, id);
      const items = Array.from({ length: 120 }, (_, n) => ({
        deviceId: id,
        timestamp: at(n),
        values: { t: (n * 37) % 101, u: n % 2 === 0, ...(n % 10 === 0 && { mode: `m${n}` }) },
      }));
      await ask(node, 'POST /api/v1/telemetry', { body: items });
    }
    await node.database.query(`UPDATE telemetry SET quality = (date_part('minute', ts) * 150)::int2`);
    before_ = [];
    for (const path of questions) before_.push(await get(path));
    const rows = await node.database.query(
      `DELETE FROM telemetry WHERE ts < $1::timestamptz + interval '1 hour'
       RETURNING device_uid, measurement_id, (extract(epoch FROM ts) * 1000000)::int8 AS us, value, quality, flags, value_json`,
      [at(0)],
    );
    archived = rows
      .map(it => ({
        deviceUid: it.device_uid as number,
        measurementId: it.measurement_id as number,
        us: it.us as number,
        value: it.value as number | null,
        quality: it.quality as number | null,
        flags: it.flags as number | null,
        valueJson: it.value_json,
      }))
      .sort((a, b) => a.us - b.us || a.measurementId - b.measurementId);
  });
  after(() => node.stop());

  for (const [i, path] of questions.entries())
    test(`is part of the answer to ${path}, and that says so`, async () => {
      const { archived: isArchived, ...now } = await get(path);
      assert.equal(isArchived, true);
      assert.deepEqual(rounded(now), rounded(before_[i]));
    });

  for (const [i, path] of [...questions.entries()].filter(([, it]) => /interval=|aggregate/.test(it)))
    test(`is part of the answer to ${path} also when it is archived just then`, async () => {
      const all = archived;
      archived = [];
      move = async () => {
        archived = all;
      };
      const { archived: isArchived, ...now } = await get(path);
      assert.deepEqual([move, isArchived], [undefined, true]);
      assert.deepEqual(rounded(now), rounded(before_[i]));
    });

  test('is read page by page with the rest', async () => {
    const seen: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: unknown[]; nextCursor: string | null } = await get(
        `/devices/a/telemetry?limit=13${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...page.items);
      cursor = page.nextCursor;
    }
    assert.deepEqual(seen, (before_[0] as { items: unknown[] }).items);
  });

  test('is not spoken of where nothing of it was needed', async () => {
    assert.equal((await get(`/devices/a/telemetry?from=${at(60)}`)).archived, undefined);
  });
});

/** Numbers that were put together in another order may differ in their last digit. */
const rounded = (it: unknown): unknown =>
  JSON.parse(JSON.stringify(it), (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(12)) : value));
