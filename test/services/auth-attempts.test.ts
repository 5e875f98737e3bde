import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loginRates } from '../../adapters/limits/login-rates.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { Attempts } from '../../services/auth/attempts.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { addPerson, logIn } from './auth-node.ts';
import { type RestNode, startRestNode } from './rest-node.ts';

const limits = {
  ...LIMITS,
  loginFailuresPerAccount: 3,
  loginFailuresPerAccountAnywhere: 8,
  loginFailuresPerAddress: 6,
};
const failing = () => Promise.reject(new SkeinError('unauthorized', 'wrong'));
const passing = () => Promise.resolve('in');

/** How an attempt ends: `in`, or the type of its error. */
const outcome = (attempt: Promise<string>): Promise<string> => attempt.catch((error: SkeinError) => error.type);

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis?.stop());

for (const store of ['memory', 'redis'] as const)
  test(`failures count by account and address, by account, and by address, in ${store}`, async () => {
    const rates = loginRates(limits, store === 'redis' ? redis.url : undefined);
    const attempts = new Attempts(rates);
    const login = (email: string, address: string, work: () => Promise<string>) =>
      outcome(attempts.login('default', email, address, work));
    try {
      if (store === 'redis') await untilShared(rates.account);
      for (let i = 0; i < 3; i++) assert.equal(await login('ada', '192.0.2.1', failing), 'unauthorized');
      assert.equal(await login('ada', '192.0.2.1', passing), 'rate_limited');
      // The user itself is elsewhere, and others are at this address.
      for (let i = 0; i < 5; i++) assert.equal(await login('ada', '192.0.2.2', passing), 'in');
      assert.equal(await login('eve', '192.0.2.1', passing), 'in');
      for (let i = 0; i < 3; i++) assert.equal(await login('eve', '192.0.2.1', failing), 'unauthorized');
      assert.equal(await login('bob', '192.0.2.1', passing), 'rate_limited');
      for (let i = 0; i < 5; i++) assert.equal(await login('ada', `198.51.100.${i}`, failing), 'unauthorized');
      assert.equal(await login('ada', '203.0.113.1', passing), 'rate_limited');
    } finally {
      rates.close();
    }
  });

/** Redis has taken a bucket: the link is there. */
async function untilShared(limiter: { take(key: string): unknown }): Promise<void> {
  while (!(limiter.take('probe') instanceof Promise)) await new Promise(resolve => setTimeout(resolve, 10));
}

test('many attempts at once are as many, and none is lost when it could not be made', async () => {
  const rates = loginRates(limits, undefined);
  const attempts = new Attempts(rates);
  const login = (work: () => Promise<string>) => outcome(attempts.login('default', 'ada', '192.0.2.1', work));
  const once = await Promise.all(Array.from({ length: 10 }, () => login(failing)));
  assert.equal(once.filter(it => it === 'unauthorized').length, 3);
  assert.equal(once.filter(it => it === 'rate_limited').length, 7);
  const other = new Attempts(loginRates(limits, undefined));
  const overloaded = () => Promise.reject(new SkeinError('overloaded', 'later'));
  for (let i = 0; i < 10; i++)
    assert.equal(await outcome(other.login('default', 'ada', '192.0.2.1', overloaded)), 'overloaded');
});

test('addresses of one IPv6 network are one', async () => {
  const attempts = new Attempts(loginRates(limits, undefined));
  for (let i = 0; i < 3; i++) await outcome(attempts.login('default', 'ada', `2001:db8:1:2::${i}`, failing));
  assert.equal(await outcome(attempts.login('default', 'ada', '2001:db8:1:2:ffff::1', passing)), 'rate_limited');
  assert.equal(await outcome(attempts.login('default', 'ada', '2001:db8:1:3::1', passing)), 'in');
});

test('over REST the right password is no way around it, and the answer says how long to wait', async () => {
  const node: RestNode = await startRestNode({ env: { SKEIN_LIMIT_LOGIN_FAILURES_PER_ACCOUNT: '2' } });
  try {
    const [person, other] = [await addPerson(node), await addPerson(node)];
    const nobody = { ...person, email: 'nobody@example.org' };
    for (const it of [person, nobody]) {
      for (let i = 0; i < 2; i++) assert.equal((await logIn(node, it, { password: 'wrong' })).status, 401);
      const { status, body, headers } = await logIn(node, it);
      assert.equal(status, 429);
      assert.equal(body.type, 'rate_limited');
      assert.ok(Number(headers.get('retry-after')) > 60, headers.get('retry-after')!);
    }
    assert.equal((await logIn(node, other)).status, 200);
  } finally {
    await node.stop();
  }
});
