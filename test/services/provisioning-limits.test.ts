import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeBatch, provisionDevice, startProvisioningNode } from './provisioning-node.ts';
import { ask, type RestNode } from './rest-node.ts';

describe('what a batch may be', () => {
  let node: RestNode;
  before(async () => {
    node = await startProvisioningNode({
      env: { SKEIN_LIMIT_PROVISIONING_BATCHES: '2', SKEIN_LIMIT_PROVISIONING_LISTED_DEVICES: '3' },
    });
  });
  after(() => node.stop());

  for (const [what, body, type] of [
    ['an unknown field', { name: 'x', admits: 'any', secret: 'mine' }, 'invalid_request'],
    ['an unknown admission', { name: 'x', admits: 'all' }, 'invalid_request'],
    ['ids for a batch that admits any', { name: 'x', admits: 'any', deviceIds: ['a'] }, 'invalid_request'],
    ['an id that no device can have', { name: 'x', admits: 'listed', deviceIds: ['a/b'] }, 'invalid_request'],
    ['a moment without a zone', { name: 'x', admits: 'any', expiresAt: '2030-01-01T00:00:00' }, 'invalid_request'],
    ['a group that is not there', { name: 'x', admits: 'any', groups: ['nowhere'] }, 'not_found'],
    ['metadata that is too large', { name: 'x', admits: 'any', metadata: { a: 'x'.repeat(20_000) } }, 'too_large'],
  ] as const)
    test(`a batch with ${what} is refused`, async () => {
      assert.equal((await ask(node, 'POST /api/v1/provisioning/batches', { body })).body.type, type);
    });

  test('an organization has so many batches, and a batch lists so many devices', async () => {
    const listed = await makeBatch(node, { admits: 'listed', deviceIds: ['a', 'b'] });
    await makeBatch(node);
    const third = await ask(node, 'POST /api/v1/provisioning/batches', { body: { name: 'third', admits: 'any' } });
    assert.equal(third.body.type, 'too_large');
    const add = (deviceIds: string[]) =>
      ask(node, `POST /api/v1/provisioning/batches/${listed.batch.id}/devices`, { body: { deviceIds } });
    assert.equal((await add(['c', 'd'])).body.type, 'too_large');
    assert.deepEqual((await add(['b', 'c'])).body, { added: 1, listed: 3 });
  });
});

test('an address that tries too often has to wait, whoever it says that it is', async t => {
  const node = await startProvisioningNode({ env: { SKEIN_LIMIT_PROVISIONING_ATTEMPTS_PER_MINUTE: '3' } });
  t.after(() => node.stop());
  const made = await makeBatch(node);
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await provisionDevice(node, made, `fast-${i}`));
  assert.deepEqual(
    answers.map(it => it.status),
    [201, 201, 201, 429],
  );
  assert.ok(Number(answers[3]!.headers.get('retry-after')) >= 1);
});
