import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { twinCopies } from '../../../adapters/redis/twin-copies.ts';
import { TwinRemoval } from '../../../adapters/redis/twin-removal.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { NO_TWIN } from '../../../contracts/twins.ts';
import { freePort } from '../../support/free-port.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';

let redis: RedisServer;
let client: Redis;
before(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
});
after(async () => {
  client?.disconnect();
  await redis?.stop();
});

const limits = { ...LIMITS, redisCommandTimeoutMs: 5_000 };
const write = async (tenant: string, device: string): Promise<string[]> => {
  const copies = twinCopies(deviceAddress(tenant, device), NO_TWIN, () => ({}));
  for (const { key, value } of copies) await client.set(key, value);
  return copies.map(it => it.key);
};

test('every copy of a twin goes, and those of other devices stay', async () => {
  const own = await write('acme', 'press-4');
  const others = [...(await write('acme', 'press-40')), ...(await write('default', 'press-4'))];
  const removal = new TwinRemoval(redis.url, limits);
  // It connects meanwhile.
  while (!(await removal.remove(deviceAddress('acme', 'press-4'))))
    await new Promise(resolve => setTimeout(resolve, 10));
  assert.equal(await client.exists(...own), 0);
  assert.equal(await client.exists(...others), others.length);
  assert.equal(await removal.remove(deviceAddress('acme', 'press-4')), true, 'again, when there is nothing left');
  removal.close();
});

test('without Redis it says that they may still be there', async () => {
  const removal = new TwinRemoval(`redis://127.0.0.1:${await freePort()}`, limits);
  assert.equal(await removal.remove(deviceAddress('acme', 'press-4')), false);
  removal.close();
});
