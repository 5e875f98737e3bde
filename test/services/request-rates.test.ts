import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { newKey } from '../../adapters/access/keys.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type GatewayNode, startGatewayNode } from './gateway-node.ts';

/** What comes back meanwhile is little beside what a key may send at once. */
const rates = (burst: number) => ({
  SKEIN_LIMIT_KEY_REQUESTS_PER_SECOND: '1',
  SKEIN_LIMIT_KEY_BURST_REQUESTS: String(burst),
});

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis?.stop());

/** Makes a key one of an administrator's. Nodes of a cluster share a database; here each has its own, so it is told to both. */
async function addKey({ database }: GatewayNode, key = newKey('application')): Promise<string> {
  await database.query(
    `INSERT INTO api_key (key_id, tenant_id, role, name, secret_hash) SELECT $1, tenant_id, 'admin', 'test', $2 FROM tenant`,
    [key.id, key.hash],
  );
  return key.text;
}

/** Asks until it is told to wait. Answers with how often it was not, and with the refusal. */
async function spend(node: GatewayNode, key: string): Promise<{ answered: number; refusal: Response }> {
  for (let answered = 0; ; answered++) {
    const response = await node.get('/metrics', key);
    if (response.status === 429) return { answered, refusal: response };
    assert.equal(response.status, 200);
    await response.arrayBuffer();
  }
}

test('a key beyond its rate is told to wait, and for how long; others are not held back, nor are probes', async () => {
  const node = await startGatewayNode(rates(3));
  try {
    const [key, other] = [await addKey(node), await addKey(node)];
    const { answered, refusal } = await spend(node, key);
    assert.ok(answered >= 3, `${answered}`);
    assert.equal(refusal.headers.get('retry-after'), '1');
    const { type, detail } = (await refusal.json()) as { type: string; detail: string };
    assert.equal(type, 'rate_limited');
    assert.equal(detail, 'A key may send 1 requests in a second, and 3 at once after a pause');
    assert.equal((await node.get('/metrics', other)).status, 200);
    assert.equal((await node.get('/health/live', key)).status, 200);
  } finally {
    await node.stop();
  }
});

test('with Redis the nodes count together; without it each goes on alone', async () => {
  const env = { ...rates(200), REDIS_URL: redis.url };
  const [one, other] = [await startGatewayNode(env), await startGatewayNode(env)];
  const client = new Redis(redis.url);
  try {
    for (const node of [one, other]) await untilItCountsTogether(node, client);
    const key = newKey('application');
    await Promise.all([addKey(one, key), addKey(other, key)]);
    assert.ok((await spend(one, key.text)).answered >= 200);
    assert.ok((await spend(other, key.text)).answered < 100);
    client.disconnect();
    await redis.kill('SIGKILL');
    assert.ok((await spend(other, key.text)).answered >= 200);
  } finally {
    client.disconnect();
    await Promise.all([one.stop(), other.stop()]);
  }
});

/** A node that has only just started may not have its connection to Redis yet. */
async function untilItCountsTogether(node: GatewayNode, client: Redis): Promise<void> {
  const key = newKey('application');
  await addKey(node, key);
  while ((await client.exists(`skein:rate:key:key ${key.id}`)) === 0) await node.get('/metrics', key.text);
}
