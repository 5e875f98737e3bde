import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { delta } from '../../../actors/device/merge-patch.ts';
import { TwinMirror } from '../../../adapters/redis/twin-mirror.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import type { JsonObject } from '../../../contracts/json.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { TwinRecord } from '../../../contracts/twins.ts';
import { freePort } from '../../support/free-port.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';

const twin = (reported: number, desired: number, document: JsonObject = {}): TwinRecord => ({
  reported: { version: reported, document, times: {} },
  desired: { version: desired, document: { mode: desired }, times: {} },
});
const device = (id: string, tenant = 'default') => deviceAddress(tenant, id);
const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await what())) await new Promise(resolve => setTimeout(resolve, 10));
};

describe('The mirror of twins in Redis', () => {
  let redis: RedisServer;
  let client: Redis;
  let mirrors: TwinMirror[] = [];
  let lasts = 0;
  before(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
  });
  beforeEach(() => client.flushall());
  afterEach(() => {
    for (const mirror of mirrors) mirror.close();
    mirrors = [];
  });
  after(async () => {
    client?.disconnect();
    await redis?.stop();
  });

  const open = (url = redis.url, twinMirrorMaxDevices = 10) => {
    const mirror = new TwinMirror(url, { ...LIMITS, redisCommandTimeoutMs: 5_000, twinMirrorMaxDevices }, delta);
    mirrors.push(mirror);
    return mirror;
  };
  const copied = (mirror: TwinMirror) => until(async () => mirror.figures().mirrorWaiting === 0);
  const read = async (key: string, from = client) => JSON.parse((await from.get(key)) ?? 'null');
  /** Copies one, and waits until all that went before is written. */
  const writeAll = async (mirror: TwinMirror, ...all: [ReturnType<typeof device>, TwinRecord][]) => {
    for (const [address, record] of all) mirror.follow(address, record);
    const last = device(`last-${++lasts}`);
    await copied(mirror);
    mirror.follow(last, twin(1, 0));
    await until(async () => (await client.exists(`device:${last.device}:delta`)) === 1);
  };

  it('has the three documents of a device, each with its version', async () => {
    await writeAll(open(), [device('a'), twin(3, 4, { mode: 1 })]);
    assert.deepEqual(await read('device:a:reported'), { version: 3, document: { mode: 1 } });
    assert.deepEqual(await read('device:a:desired'), { version: 4, document: { mode: 4 } });
    assert.deepEqual(await read('device:a:delta'), { version: 7, document: { mode: 4 } });
  });

  it('keeps devices of the same id in several tenants apart', async () => {
    await writeAll(open(), [device('a'), twin(1, 0)], [device('a', 'other'), twin(2, 0)]);
    const versions = ['device:a:reported', 'device:other/a:reported'].map(async key => (await read(key)).version);
    assert.deepEqual(await Promise.all(versions), [1, 2]);
  });

  it('never goes back to an older version, whatever node writes it last', async () => {
    const [owner, former] = [open(), open()];
    await writeAll(owner, [device('a'), twin(10, 2, { now: 1 })]);
    await writeAll(former, [device('a'), twin(9, 2, { before: 1 })]);
    assert.deepEqual(await read('device:a:reported'), { version: 10, document: { now: 1 } });
    assert.equal((await read('device:a:delta')).version, 12);
    await writeAll(former, [device('a'), twin(11, 2, { next: 1 })]);
    assert.deepEqual(await read('device:a:reported'), { version: 11, document: { next: 1 } }, 'a newer one is written');
  });

  it('writes over what is no copy of ours, and over nothing else', async () => {
    await client.rpush('device:a:reported', 'a list');
    await client.set('device:a:desired', 'a text');
    await client.set('device:b:desired', '{"version":9,"document":{}}');
    await writeAll(open(), [device('a'), twin(1, 1)], [device('b'), twin(1, 1)]);
    const versions = ['a:reported', 'a:desired', 'b:desired'].map(async key => (await read(`device:${key}`)).version);
    assert.deepEqual(await Promise.all(versions), [1, 1, 9]);
  });

  it('writes more than one trip takes, and documents larger than one', async () => {
    const large = { text: 'x'.repeat(300_000) };
    const mirror = open(redis.url, 1_000);
    const all = Array.from({ length: 300 }, (_, i) => [device(`d${i}`), twin(1, 0, i < 3 ? large : {})] as const);
    await writeAll(mirror, ...all.map(([address, record]): [typeof address, TwinRecord] => [address, record]));
    assert.equal((await client.keys('device:d*:delta')).length, 300);
    assert.deepEqual(mirror.figures(), { mirrorWaiting: 0, mirrorDropped: 0 });
  });

  it('holds the newest of each device while Redis is away, up to its limit, and counts what it gave up', async () => {
    const port = await freePort();
    const mirror = open(`redis://127.0.0.1:${port}`, 2);
    for (const version of [1, 2, 3]) mirror.follow(device('a'), twin(version, 0));
    mirror.follow(device('b'), twin(1, 0));
    assert.deepEqual(mirror.figures(), { mirrorWaiting: 2, mirrorDropped: 0 });
    mirror.follow(device('c'), twin(1, 0));
    assert.deepEqual(mirror.figures(), { mirrorWaiting: 2, mirrorDropped: 1 });
    mirror.follow(device('b'), twin(2, 0));
    const late = await startRedis({ port });
    const lateClient = new Redis(late.url);
    try {
      await until(async () => (await lateClient.exists('device:b:delta', 'device:c:delta')) === 2);
      assert.equal(await lateClient.exists('device:a:delta'), 0);
      assert.equal((await read('device:b:reported', lateClient)).version, 2);
    } finally {
      lateClient.disconnect();
      mirror.close();
      await late.stop();
    }
  });

  it('tries again what Redis refused', async () => {
    const full = await startRedis({ args: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] });
    const fullClient = new Redis(full.url);
    try {
      const mirror = open(full.url);
      mirror.follow(device('a'), twin(1, 0));
      await until(async () => /errorstat_OOM/.test(await fullClient.info('errorstats')));
      assert.equal(await fullClient.exists('device:a:reported'), 0);
      mirror.follow(device('b'), twin(1, 0));
      await fullClient.config('SET', 'maxmemory', '0');
      await until(async () => (await fullClient.exists('device:a:delta', 'device:b:delta')) === 2);
    } finally {
      fullClient.disconnect();
      await full.stop();
    }
  });

  it('writes nothing after its end', async () => {
    const mirror = open();
    mirror.close();
    mirror.follow(device('a'), twin(1, 0));
    assert.deepEqual(mirror.figures(), { mirrorWaiting: 0, mirrorDropped: 0 });
    await writeAll(open(), [device('b'), twin(1, 0)]);
    assert.equal(await client.exists('device:a:delta'), 0);
  });
});
