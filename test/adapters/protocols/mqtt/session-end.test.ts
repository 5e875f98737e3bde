import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownDevice, program } from '../../../support/principals.ts';
import { connectRaw } from '../../../support/raw-client.ts';
import { startMqtt, until } from './running-mqtt.ts';

const SOON_MS = 1_000;

for (const [what, principal] of [
  ['a device', ownDevice(1, 'default', 'd1')],
  ['a program', program(1)],
] as const)
  test(`the connection of ${what} ends with its credential, and not before`, async t => {
    const expiresAtMs = Date.now() + SOON_MS;
    const { port, protocol } = await startMqtt(t, { authenticate: async () => ({ ...principal, expiresAtMs }) });
    const client = await connectRaw(t, port, 5);
    assert.equal(client.connack.reasonCode, 0);
    assert.equal((await client.nextOf('disconnect')).reasonCode, 0x87);
    assert.ok(Date.now() >= expiresAtMs);
    await client.closed();
    assert.equal(protocol.health().figures.cutOff, 0);
  });

test('the end of a session says why it ended', async t => {
  const { port, ingress } = await startMqtt(t, {
    authenticate: async () => ({ ...ownDevice(1, 'default', 'd1'), expiresAtMs: Date.now() + 1 }),
  });
  await (await connectRaw(t, port, 4)).closed();
  await until(() => ingress.ended.length === 1);
  assert.deepEqual(ingress.ended, ['1 credential_expired']);
});

test('a credential that is good for years does not end at once', async t => {
  const { port } = await startMqtt(t, {
    authenticate: async () => ({ ...program(1), expiresAtMs: Date.now() + 400 * 24 * 3600 * 1000 }),
  });
  const client = await connectRaw(t, port, 5);
  for (let i = 0; i < 5; i++) await client.ping();
});
