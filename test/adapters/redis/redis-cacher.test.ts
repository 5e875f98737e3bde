import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { ServiceBroker } from 'moleculer';
import { readConfig } from '../../../config.ts';
import { brokerOptions } from '../../../moleculer.config.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';

let redis: RedisServer;
let brokers: ServiceBroker[] = [];
before(async () => {
  redis = await startRedis();
});
after(() => redis?.stop());
afterEach(async () => {
  for (const broker of brokers) await broker.stop();
  brokers = [];
});

/** A node with an action whose answer may be kept, and which says how often it was really asked. */
async function startNode(address: string, url = redis.url) {
  let asked = 0;
  const broker = new ServiceBroker({ ...brokerOptions(readConfig({ REDIS_URL: url }), address), logger: false });
  broker.createService({
    name: 'figures',
    actions: { of: { cache: { keys: ['id'] }, handler: ctx => ({ id: ctx.params.id, asked: ++asked }) } },
  });
  brokers.push(broker);
  await broker.start();
  return { broker, of: (id: string) => broker.call('figures.of', { id }) as Promise<{ id: string; asked: number }> };
}

/** Whether the node's cacher has its connection. */
const connected = async ({ broker }: { broker: ServiceBroker }): Promise<void> => {
  while (broker.cacher?.connected !== true) await new Promise(resolve => setTimeout(resolve, 10));
};

test('an answer that may be kept is kept for all nodes, and not for ever', async () => {
  const [one, other] = [await startNode('one'), await startNode('other')];
  await Promise.all([connected(one), connected(other)]);
  assert.equal((await one.of('kept')).asked, 1);
  const client = new Redis(redis.url);
  try {
    let keys: string[] = [];
    while (keys.length === 0) keys = await client.keys('*');
    assert.deepEqual([(await other.of('kept')).asked, (await other.of('else')).asked], [1, 1]);
    assert.ok((await client.pttl(keys[0]!)) > 0);
    await client.flushall();
  } finally {
    client.disconnect();
  }
  assert.deepEqual(await one.of('kept'), { id: 'kept', asked: 2 });
});

test('without Redis every call is answered, and the node stops', async () => {
  const gone = await startRedis();
  const node = await startNode('alone', gone.url);
  await connected(node);
  await gone.kill('SIGKILL');
  for (const asked of [1, 2, 3]) assert.deepEqual(await node.of('a'), { id: 'a', asked });
  await node.broker.cacher!.del('a');
  await node.broker.cacher!.clean();
  await gone.stop();
});

test('a Redis that hangs costs one time limit, and no call fails', async () => {
  const node = await startNode('patient');
  await connected(node);
  await redis.kill('SIGSTOP');
  try {
    for (const asked of [1, 2, 3]) assert.deepEqual(await node.of('hang'), { id: 'hang', asked });
  } finally {
    await redis.kill('SIGCONT');
  }
});

test('a password or a database of the URL that Redis does not take changes no answer either', async () => {
  const locked = await startRedis();
  const operator = new Redis(locked.url);
  try {
    await operator.config('SET', 'requirepass', 'p/w');
    const refused = await startNode('refused', locked.url.replace('//', '//:wrong@'));
    assert.equal((await refused.of('a')).asked, 1);
    const right = await startNode('right', `${locked.url.replace('//', '//:p%2Fw@')}/3`);
    await connected(right);
    assert.equal((await right.of('a')).asked, 1);
  } finally {
    operator.disconnect();
    await locked.stop();
  }
});
