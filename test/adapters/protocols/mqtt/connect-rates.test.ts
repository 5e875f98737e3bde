import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectLimits } from '../../../../adapters/limits/connect-limits.ts';
import { MemoryRateLimiter } from '../../../../adapters/limits/memory-rate-limiter.ts';
import type { Presented } from '../../../../contracts/access.contract.ts';
import { LIMITS } from '../../../../contracts/limits.ts';
import { connectRaw, VERSIONS } from '../../../support/raw-client.ts';
import { keys, startMqtt } from './running-mqtt.ts';

/** A clock that stands still, and so few tokens that a test uses them up. */
function tight(burst: number) {
  const clock = { ms: 0, now: () => clock.ms };
  const failures = new MemoryRateLimiter({ perSecond: 1, burst }, 100, clock);
  const limits = { ...LIMITS, clientConnectsPerSecond: 1, clientBurstConnects: 3 };
  return { clock, connectLimits: new ConnectLimits(limits, failures, clock) };
}
const codeOf = (connack: { returnCode?: number; reasonCode?: number }) => connack.reasonCode ?? connack.returnCode;

for (const version of VERSIONS) {
  const tooOften = version === 5 ? 0x9f : 3;

  test(`MQTT ${version}: a client that connects too often is told so; others are not concerned, and later it gets in`, async t => {
    const { clock, connectLimits } = tight(100);
    const { port, protocol } = await startMqtt(t, { connectLimits });
    const connect = async (username: string) => codeOf((await connectRaw(t, port, version, { username })).connack);
    for (let i = 0; i < 3; i++) assert.equal(await connect('d1'), 0);
    assert.equal(await connect('d1'), tooOften);
    assert.equal(await connect('d2'), 0);
    assert.equal(await connect('other/d1'), 0);
    assert.equal(protocol.health().figures.connectsTooOften, 1);
    clock.ms += 1_000;
    assert.equal(await connect('d1'), 0);
    assert.equal(await connect('d1'), tooOften);
  });

  test(`MQTT ${version}: whoever has no good key takes nothing from a client's rate`, async t => {
    const { connectLimits } = tight(100);
    const { port } = await startMqtt(t, { connectLimits });
    for (let i = 0; i < 10; i++) await connectRaw(t, port, version, { username: 'd1', key: 'guessed' });
    assert.equal(codeOf((await connectRaw(t, port, version, { username: 'd1' })).connack), 0);
  });

  test(`MQTT ${version}: an address of which many were refused is told to wait, but who was let in before is not`, async t => {
    const { clock, connectLimits } = tight(2);
    const checked: string[] = [];
    const { port } = await startMqtt(t, {
      connectLimits,
      authenticate: (key, username) => {
        checked.push(key);
        const isDevice = key.startsWith('device');
        return keys(isDevice ? 'device' : key, username);
      },
    });
    const connect = async (username: string, key: string) =>
      codeOf((await connectRaw(t, port, version, { username, key })).connack);
    assert.equal(await connect('d1', 'device 1'), 0);
    for (const guess of ['a', 'b']) assert.equal(await connect('d1', guess), version === 5 ? 0x86 : 4);
    assert.equal(await connect('d1', 'c'), tooOften);
    assert.equal(checked.includes('c'), false, 'it was not even looked at');
    assert.equal(await connect('d1', 'device 1'), 0);
    assert.equal(await connect('d2', 'device 2'), tooOften);
    clock.ms += 1_000;
    assert.equal(await connect('d2', 'device 2'), 0);
  });
}

test('good keys use nothing of the rate of their address, however many there are', async t => {
  const { connectLimits } = tight(2);
  const { port } = await startMqtt(t, {
    connectLimits,
    authenticate: (_key, username) => keys('device', username),
  });
  for (let i = 0; i < 20; i++)
    assert.equal((await connectRaw(t, port, 5, { username: `d${i}`, key: `key ${i}` })).connack.reasonCode, 0);
});

test('who checks a key is told the address that it came from', async t => {
  const told: Presented[] = [];
  const { port } = await startMqtt(t, {
    authenticate: (key, username, presented) => {
      told.push(presented);
      return keys(key, username);
    },
  });
  await connectRaw(t, port);
  assert.deepEqual(told, [{ address: '127.0.0.1' }]);
});
