import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newKey } from '../../adapters/access/keys.ts';
import { ask, ENGINES, type RestNode, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startRestNode({ engine });
    });
    after(() => node.stop());

    const registerWith = (idempotencyKey: string, body: object, key?: string) =>
      ask(node, 'POST /api/devices', { key, body, headers: { 'idempotency-key': idempotencyKey } });

    test('the same key and body give the same answer, the API key included, and one device', async () => {
      const first = await registerWith('k1', { name: 'one' });
      const again = await registerWith('k1', { name: 'one' });
      assert.deepEqual([again.status, again.body], [201, first.body]);
      assert.equal(again.headers.get('etag'), first.headers.get('etag'));
      const key = again.body.credentials.apiKey;
      assert.equal((await ask(node, `GET /api/devices/${first.body.device.id}`, { key })).status, 200);
      // The control: without the header, two devices.
      const plain = await Promise.all([1, 2].map(() => ask(node, 'POST /api/devices', { body: { name: 'one' } })));
      assert.notEqual(plain[0]!.body.device.id, plain[1]!.body.device.id);
    });

    test('many at once with the same key make one device and get one answer', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => registerWith('k2', { type: 'crowd' })));
      assert.deepEqual(
        answers.map(it => it.status),
        Array(10).fill(201),
      );
      assert.equal(new Set(answers.map(it => JSON.stringify(it.body))).size, 1);
      assert.equal((await ask(node, 'GET /api/devices?type=crowd')).body.items.length, 1);
    });

    test('the order of names makes no other request', async () => {
      const first = await registerWith('order', { name: 'x', type: 'ordered' });
      assert.equal((await registerWith('order', { type: 'ordered', name: 'x' })).body.device.id, first.body.device.id);
    });

    test('the same key with another body is refused, and nothing is made', async () => {
      await registerWith('k3', { id: 'k3-a' });
      const other = await registerWith('k3', { id: 'k3-b' });
      assert.deepEqual([other.status, other.body.type], [409, 'idempotency_key_reused']);
      assert.equal((await ask(node, 'GET /api/devices/k3-b')).status, 404);
    });

    test('a refused request uses no key up', async () => {
      await ask(node, 'POST /api/devices', { body: { id: 'taken' } });
      assert.equal((await registerWith('k4', { id: 'taken' })).body.type, 'conflict');
      assert.equal((await registerWith('k4', { id: 'free' })).status, 201);
    });

    test('what is stored for a key shows no API key, not even to who knows the idempotency key', async () => {
      const { body } = await registerWith('k5', { id: 'sealed' });
      const secret = body.credentials.apiKey.split('_')[2];
      const rows = await node.database.query<{ text: string }>('SELECT response::text AS text FROM idempotency_key');
      assert.ok(rows.length > 0);
      for (const { text } of rows) {
        assert.equal(text.includes(secret), false);
        assert.equal(Buffer.from(JSON.parse(text).sealed, 'base64').includes(secret), false);
      }
    });

    test('another API key has idempotency keys of its own', async () => {
      const key = newKey('application');
      await node.database.query(
        `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
     SELECT $1, tenant_id, '{admin}', 'second', $2 FROM tenant WHERE slug = 'default'`,
        [key.id, key.hash],
      );
      const [ours, theirs] = [await registerWith('k6', {}), await registerWith('k6', {}, key.text)];
      assert.deepEqual([ours.status, theirs.status], [201, 201]);
      assert.notEqual(ours.body.device.id, theirs.body.device.id);
    });

    test('a key that is older than it is kept is a new key', async () => {
      const first = await registerWith('k7', { name: 'old' });
      await node.database.query(
        `UPDATE idempotency_key SET created_at = now() - interval '25 hours' WHERE key LIKE '%/k7'`,
      );
      const again = await registerWith('k7', { name: 'new' });
      assert.equal(again.status, 201);
      assert.notEqual(again.body.device.id, first.body.device.id);
    });

    for (const bad of ['with space', 'x'.repeat(201)])
      test(`"${bad.slice(0, 20)}" is no Idempotency-Key`, async () => {
        assert.equal((await registerWith(bad, {})).body.type, 'invalid_request');
      });
  });
