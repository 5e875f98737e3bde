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
async function addKey({ database }: GatewayNode, key = newKey('application'), slug = 'default'): Promise<string> {
  await database.query(
    `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash) SELECT $1, tenant_id, '{admin}', 'test', $2 FROM tenant WHERE slug = $3`,
    [key.id, key.hash, slug],
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

test('all callers of an organization together have its quota, and those of another are not held back', async () => {
  const node = await startGatewayNode();
  try {
    await node.database.query(`UPDATE tenant SET quotas = '{"requestsPerSecond": 2}'`);
    // Metrics are for those who run the system.
    await node.database.query(`INSERT INTO tenant (slug, is_operator) VALUES ('other', true)`);
    const [one, two, other] = [
      await addKey(node),
      await addKey(node),
      await addKey(node, newKey('application'), 'other'),
    ];
    const { answered, refusal } = await spend(node, one);
    assert.ok(answered >= 4, `${answered}`);
    const { type, detail } = (await refusal.json()) as { type: string; detail: string };
    assert.equal(type, 'rate_limited');
    assert.equal(detail, 'The organization may send 2 requests in a second, all its callers together');
    assert.ok(Number(refusal.headers.get('retry-after')) >= 1);
    assert.equal((await node.get('/metrics', two)).status, 429);
    assert.equal((await node.get('/metrics', other)).status, 200);
  } finally {
    await node.stop();
  }
});

test('a key that goes on after it was told to wait uses up nothing of what the others of its organization have', async () => {
  const node = await startGatewayNode(rates(3));
  try {
    await node.database.query(`UPDATE tenant SET quotas = '{"requestsPerSecond": 5}'`);
    const [greedy, other] = [await addKey(node), await addKey(node)];
    await spend(node, greedy);
    for (let i = 0; i < 30; i++) await (await node.get('/metrics', greedy)).arrayBuffer();
    const answer = await node.get('/metrics', other);
    assert.equal(answer.status, 200, await answer.text());
  } finally {
    await node.stop();
  }
});

test('a key that was good once and is revoked is a stranger from then on', async () => {
  const node = await startGatewayNode({
    SKEIN_LIMIT_STRANGER_REQUESTS_PER_SECOND: '1',
    SKEIN_LIMIT_STRANGER_BURST_REQUESTS: '5',
  });
  try {
    const key = newKey('application');
    await addKey(node, key);
    assert.equal((await node.get('/metrics', key.text)).status, 200);
    await node.database.query('UPDATE api_key SET revoked_at = now() WHERE key_id = $1', [key.id]);
    await node.revoked({ kind: 'api_key', tenant: 'default', subject: key.id });
    const answers = await Promise.all(Array.from({ length: 5 }, () => node.get('/metrics', key.text)));
    assert.ok(answers.every(it => it.status === 401));
    const more = await Promise.all(Array.from({ length: 40 }, () => node.get('/metrics', key.text)));
    assert.ok(more.some(it => it.status === 429));
    assert.ok(more.every(it => it.status === 429 || it.status === 401));
  } finally {
    await node.stop();
  }
});

test('wrong keys of one address are looked at so often and no more; good ones from there do not count, nor do probes', async () => {
  const node = await startGatewayNode({
    SKEIN_LIMIT_STRANGER_REQUESTS_PER_SECOND: '1',
    SKEIN_LIMIT_STRANGER_BURST_REQUESTS: '5',
  });
  try {
    const known = await addKey(node);
    assert.equal((await node.get('/metrics', known)).status, 200);
    for (let i = 0; i < 20; i++) await (await node.get('/metrics', await addKey(node))).arrayBuffer();
    let refusal: Response;
    let looked = 0;
    do {
      // Together, so that what comes back meanwhile is little.
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => node.get('/metrics', newKey('application').text)),
      );
      looked += answers.filter(it => it.status === 401).length;
      refusal = answers.find(it => it.status === 429)!;
    } while (refusal === undefined);
    assert.ok(looked >= 5, `${looked}`);
    assert.match(((await refusal.json()) as { detail: string }).detail, /^An address may send 1 requests/);
    const again = await node.get('/metrics', known);
    assert.equal(again.status, 200, await again.text());
    assert.equal((await node.get('/health/live', null)).status, 200);
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
  while ((await client.exists(`skein:rate:key:application ${key.id}`)) === 0) await node.get('/metrics', key.text);
}
