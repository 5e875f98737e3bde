import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { MemoryRateLimiter } from '../../../adapters/limits/memory-rate-limiter.ts';
import type { Taken } from '../../../adapters/limits/rate.ts';
import { RedisRateLimiter } from '../../../adapters/limits/redis-rate-limiter.ts';
import { RedisLink } from '../../../adapters/redis/redis-link.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';

const clock = { ms: 0, now: () => clock.ms };
/** One token in 64 ms: a number that floating point holds exactly. */
const RATE = { perSecond: 1000 / 64, burst: 3 };
const memory = (keys = 100) => new MemoryRateLimiter(RATE, keys, clock);
/** So slow that no token comes back while a test runs, however long that is. */
const SLOW = { perSecond: 0.001, burst: 3 };

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis?.stop());

/** A node's limiter, connected. `alone` has the node's own rates, for when Redis is away. */
async function shared({ name = 'test', rate = SLOW, url = redis.url } = {}) {
  const link = new RedisLink(url, LIMITS);
  const limiter = new RedisRateLimiter(name, rate, link, new MemoryRateLimiter(rate, 100));
  while (!link.usable) await new Promise(resolve => setTimeout(resolve, 5));
  return { limiter, link };
}

const allowed = async (taken: Taken | Promise<Taken>): Promise<boolean> => (await taken).allowed;

test('a burst is allowed at once, then what the rate gives, and the refusal says when', () => {
  const limiter = memory();
  assert.deepEqual(
    [1, 2, 3].map(() => limiter.take('a').allowed),
    [true, true, true],
  );
  assert.deepEqual(limiter.take('a'), { allowed: false, retryAfterMs: 64 });
  clock.ms += 32;
  assert.deepEqual(limiter.take('a'), { allowed: false, retryAfterMs: 32 });
  clock.ms += 32;
  assert.ok(limiter.take('a').allowed);
  assert.equal(limiter.take('a').allowed, false);
});

test('what is not used is not gathered beyond the burst', () => {
  const limiter = memory();
  limiter.take('a');
  clock.ms += 3_600_000;
  assert.deepEqual(limiter.take('a', 4), { allowed: false, retryAfterMs: 64 });
  assert.ok(limiter.take('a', 3).allowed);
});

test('keys do not share, and only so many are kept: the one unused longest begins anew', () => {
  const limiter = memory(2);
  limiter.take('a', 3);
  assert.ok(limiter.take('b').allowed);
  assert.equal(limiter.take('a').allowed, false);
  limiter.take('c');
  limiter.take('d');
  assert.ok(limiter.take('a').allowed);
});

test('nodes share the rate of a key', async () => {
  const [one, other] = [await shared(), await shared()];
  try {
    assert.ok(await allowed(one.limiter.take('both', 2)));
    assert.ok(await allowed(other.limiter.take('both')));
    for (const { limiter } of [one, other]) assert.equal(await allowed(limiter.take('both')), false);
    const { retryAfterMs } = await one.limiter.take('both');
    assert.ok(retryAfterMs > 900_000 && retryAfterMs <= 1_000_000, `${retryAfterMs}`);
    assert.ok(await allowed(one.limiter.take('another')));
  } finally {
    one.limiter.close();
    other.limiter.close();
  }
});

test('of many at the same moment, from two nodes, exactly the burst is allowed', async () => {
  const nodes = [await shared(), await shared()];
  try {
    const all = Array.from({ length: 40 }, (_, i) => nodes[i % 2]!.limiter.take('race'));
    assert.equal((await Promise.all(all)).filter(it => it.allowed).length, SLOW.burst);
  } finally {
    for (const { limiter } of nodes) limiter.close();
  }
});

test('tokens come back by the clock of Redis, and the key goes when its bucket is full again', async () => {
  const { limiter } = await shared({ rate: { perSecond: 50, burst: 1 } });
  const client = new Redis(redis.url);
  try {
    assert.ok(await allowed(limiter.take('back')));
    while (!(await allowed(limiter.take('back')))) await new Promise(resolve => setTimeout(resolve, 5));
    const left = await client.pttl('skein:rate:test:back');
    assert.ok(left > 0 && left <= 1_020, `${left}`);
  } finally {
    client.disconnect();
    limiter.close();
  }
});

test('without Redis each node counts alone, and shares again when it is back', async () => {
  const server = await startRedis();
  const { limiter, link } = await shared({ url: server.url });
  try {
    assert.ok(await allowed(limiter.take('key', 3)));
    assert.equal(await allowed(limiter.take('key')), false);
    await server.kill('SIGKILL');
    assert.ok(await allowed(limiter.take('key', 3)));
    assert.equal(await allowed(limiter.take('key')), false);
    assert.ok(!(limiter.take('key') instanceof Promise));
    await server.restart();
    while (!link.usable) await new Promise(resolve => setTimeout(resolve, 20));
    assert.ok(await allowed(limiter.take('key', 3)));
    assert.equal(await allowed(limiter.take('key')), false);
  } finally {
    limiter.close();
    await server.stop();
  }
});

test('a Redis that hangs is asked once, then left alone for a while', async () => {
  const server = await startRedis();
  const { limiter, link } = await shared({ url: server.url });
  try {
    await server.kill('SIGSTOP');
    assert.ok(await allowed(limiter.take('key', 3)));
    assert.equal(link.usable, false);
    assert.equal(await allowed(limiter.take('key')), false);
  } finally {
    await server.kill('SIGCONT');
    limiter.close();
    await server.stop();
  }
});

test('a Redis that was emptied forgets what was taken, and nothing fails', async () => {
  const { limiter } = await shared();
  const client = new Redis(redis.url);
  try {
    await limiter.take('flushed', 3);
    await client.flushall();
    await client.script('FLUSH');
    assert.ok(await allowed(limiter.take('flushed', 3)));
    assert.equal(await allowed(limiter.take('flushed')), false);
  } finally {
    client.disconnect();
    limiter.close();
  }
});
