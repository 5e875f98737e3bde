/** What a device gets in the place of what it has: for no longer, and for no more, than that was for. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentialsService } from '../../services/credentials.service.ts';
import { problem } from './lifecycle-device.ts';
import { ask, type RestNode, register, startRestNode } from './rest-node.ts';

let node: RestNode;
before(async () => {
  node = await startRestNode();
  node.broker.createService(credentialsService(node));
  await node.broker.waitForServices('credentials');
});
after(() => node?.stop());

const make = (id: string, what: string, body: object = {}, more: object = {}) =>
  ask(node, `POST /api/v1/devices/${id}/${what}`, { body, ...more });

for (const [what, act] of [
  ['keys', 'keys/rotate'],
  ['tokens', 'tokens'],
] as const)
  test(`of ${what}, a lesser credential does not get the answer that a greater one got with the same Idempotency-Key`, async () => {
    const id = `lesser-${what}`;
    const whole = await register(node, id);
    const narrow = (await make(id, 'keys', { scopes: ['credentials:renew'] })).body.apiKey;
    const headers = { 'idempotency-key': 'monday' };
    const got = await make(id, act, { scopes: ['credentials:renew'] }, { key: whole, headers });
    assert.equal(got.status, 201);
    const again = await make(id, act, { scopes: ['credentials:renew'] }, { key: narrow, headers });
    assert.deepEqual(problem(again), [409, 'idempotency_key_reused']);
    const usual = { 'idempotency-key': 'tuesday' };
    const all = await make(id, act, {}, { key: whole, headers: usual });
    assert.deepEqual([all.status, (all.body.key ?? all.body.view).scopes], [201, null]);
    assert.deepEqual(problem(await make(id, act, {}, { key: narrow, headers: usual })), [
      409,
      'idempotency_key_reused',
    ]);
  });

test('a key in place of one that ends is one that ends, as long after as that one was for', async () => {
  const id = 'ending';
  const first = await register(node, id);
  const hour = (await make(id, 'keys', { ttlSeconds: 3600 })).body.apiKey;
  const secondsOf = ({ key }: { key: { createdAt: string; expiresAt: string | null } }) =>
    key.expiresAt === null ? null : Math.round((Date.parse(key.expiresAt) - Date.parse(key.createdAt)) / 1000);
  // The one that does not end is among them.
  const both = (await make(id, 'keys/rotate', { graceSeconds: 0 }, { key: first })).body;
  assert.equal(secondsOf(both), null);
  await ask(node, `DELETE /api/v1/devices/${id}/keys/${both.key.id}`);
  assert.equal((await ask(node, `GET /api/v1/devices/${id}`, { key: hour })).status, 401);
  const lent = (await make(id, 'keys', { ttlSeconds: 3600 })).body.apiKey;
  const next = (await make(id, 'keys/rotate', {}, { key: lent })).body;
  assert.equal(secondsOf(next), 3600);
  // With the older one in its grace.
  assert.equal(secondsOf((await make(id, 'keys/rotate', {}, { key: next.apiKey })).body), 3600);
});
