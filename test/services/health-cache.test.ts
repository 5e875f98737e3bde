import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { ServiceBroker } from 'moleculer';
import type { Database } from '../../adapters/database/database.ts';
import { readConfig } from '../../config.ts';
import { call } from '../../contracts/contract.ts';
import { health } from '../../contracts/health.contract.ts';
import { guard } from '../../mixins/access-control.ts';
import { brokerOptions } from '../../moleculer.config.ts';
import { healthService } from '../../services/health.service.ts';
import { program } from '../support/principals.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

let redis: RedisServer;
let client: Redis;
let counted = 0;
const brokers: ServiceBroker[] = [];

before(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
  const config = readConfig({ REDIS_URL: redis.url, SKEIN_LOG_LEVEL: 'fatal' });
  const database = {
    engine: 'postgres',
    query: async (sql: string) => {
      if (sql.includes('FROM device_session')) return [{ count: 2 }];
      if (!sql.includes('FROM device ')) return [];
      counted++;
      return [{ state: 'registered', count: 7 }];
    },
  } as unknown as Database;
  for (const address of ['a', 'b']) {
    const broker = new ServiceBroker(brokerOptions(config, address));
    guard(broker, database);
    broker.createService(healthService({ config, database }));
    await broker.start();
    brokers.push(broker);
  }
});
after(async () => {
  client?.disconnect();
  for (const broker of brokers) await broker.stop();
  await redis?.stop();
});

const ask = (broker: ServiceBroker, tenantId: number) =>
  call(broker, health.devices, {}, {
    meta: { principal: program(tenantId, `t${tenantId}`) },
  } as never);

test('nodes that share a Redis count the devices of a tenant once, and one whose Redis is emptied answers the same', async () => {
  const [a, b] = brokers as [ServiceBroker, ServiceBroker];
  // The connection comes up by itself; until then each counts for itself.
  for (;;) {
    await ask(a, 1);
    if ((await client.keys('*')).length > 0) break;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  const before = counted;
  assert.deepEqual((await ask(b, 1)).registered, { registered: 7 });
  assert.ok(counted - before <= 1, 'it may have been a second ago');
  await client.flushall();
  const sofar = counted;
  assert.deepEqual((await ask(b, 1)).registered, { registered: 7 });
  assert.equal(counted, sofar + 1, 'the database is asked');
  assert.deepEqual((await ask(a, 2)).registered, { registered: 7 });
  assert.equal(counted, sofar + 2, 'and each tenant has its own answer');
});
