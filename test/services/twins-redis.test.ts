/** A whole node beside a real Redis: the copies of twins follow, and nothing depends on them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { deviceAddress } from '../../contracts/addresses.ts';
import type { Ingress, Outcome } from '../../contracts/uplinks.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ask, type RestNode, register, startRestNode } from './rest-node.ts';

describe('Twins of a node with Redis', () => {
  let redis: RedisServer;
  let client: Redis;
  let node: RestNode;
  let way: Ingress;
  before(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
    client.on('error', () => {});
    node = await startRestNode({
      env: { REDIS_URL: redis.url },
      ingress: real => {
        way = real;
        return real;
      },
    });
  });
  after(async () => {
    await node?.stop();
    client?.disconnect();
    await redis?.stop();
  });

  const twinOf = async (id: string) => (await ask(node, `GET /api/v1/devices/${id}/twin`)).body;
  const desire = (id: string, body: unknown) => ask(node, `PATCH /api/v1/devices/${id}/twin/desired`, { body });
  const report = (id: string, content: unknown) =>
    new Promise<Outcome>(resolve => {
      const address = deviceAddress('default', id);
      const payload = Buffer.from(JSON.stringify(content));
      const more = { session: 0, receivedAtMs: Date.now(), topic: `devices/${id}/state`, contentType: '' };
      way.receive({ address, payload, kind: 'state', ...more }, resolve);
    });
  const copyOf = async (id: string) => {
    const values = await client.mget(['reported', 'desired', 'delta'].map(part => `device:${id}:${part}`));
    return values.map(value => JSON.parse(value ?? 'null'));
  };
  /** Resolves when Redis has what REST answers. */
  const isFollowed = async (id: string): Promise<void> => {
    const { reported, reportedVersion, desired, desiredVersion, delta } = await twinOf(id);
    const wanted = JSON.stringify([
      [reportedVersion, Object.entries(reported).sort()],
      [desiredVersion, Object.entries(desired).sort()],
      [reportedVersion + desiredVersion, Object.entries(delta).sort()],
    ]);
    for (;;) {
      const copies = await copyOf(id).catch(() => []);
      const said = copies.map(it => it && [it.version, Object.entries(it.document).sort()]);
      if (JSON.stringify(said) === wanted) return;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  };

  test('the copies follow what is reported and what is desired', async () => {
    await register(node, 'a');
    await report('a', { mode: 'eco', fw: '1' });
    await isFollowed('a');
    await desire('a', { mode: 'heat' });
    await isFollowed('a');
    assert.deepEqual(await copyOf('a'), [
      { version: 1, document: { mode: 'eco', fw: '1' } },
      { version: 1, document: { mode: 'heat' } },
      { version: 2, document: { mode: 'heat' } },
    ]);
  });

  test('when Redis forgets everything no answer changes, and the next change brings all of it back', async () => {
    const before = await twinOf('a');
    await client.flushall();
    assert.deepEqual(await twinOf('a'), before);
    assert.deepEqual((await desire('a', { mode: 'heat' })).body, before);
    assert.deepEqual(await copyOf('a'), [null, null, null], 'nothing was changed, so nothing was copied');
    await report('a', { mode: 'heat' });
    await isFollowed('a');
    assert.deepEqual((await twinOf('a')).delta, {});
  });

  test('what stands in Redis is never an answer', async () => {
    const before = await twinOf('a');
    await client.set('device:a:reported', '{"version":999,"document":{"forged":true}}');
    assert.deepEqual(await twinOf('a'), before);
    assert.equal((await desire('a', { forged: null })).body.desiredVersion, before.desiredVersion);
    await client.flushall();
  });

  test('while Redis is killed everything goes on, and when it is back the copies are too', async () => {
    await redis.kill('SIGKILL');
    for (const n of [1, 2, 3]) {
      assert.equal((await report('a', { n })).state, 'stored');
      assert.deepEqual((await desire('a', { n })).body.delta, {});
    }
    const { body } = await ask(node, 'GET /api/v1/health/services');
    assert.match(JSON.stringify(body), /"mirrorWaiting":1/);
    await redis.restart();
    await isFollowed('a');
    assert.equal((await twinOf('a')).reportedVersion, 5);
  });
});
