import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { access } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { newRequest } from '../adapters/certificates/requests.ts';
import {
  addUser,
  auditOf,
  makeBatch,
  makeGroup,
  provisionDevice,
  startProvisioningNode,
  until,
} from './provisioning-node.ts';
import { addTenant, ask, ENGINES, type RestNode, register } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`provisioning on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startProvisioningNode({ engine });
    });
    after(() => node.stop());

    const batchNow = async (id: string) => (await ask(node, `GET /api/v1/provisioning/batches/${id}`)).body;
    const change = (id: string, body: object) => ask(node, `PATCH /api/v1/provisioning/batches/${id}`, { body });
    const reset = (id: string, device: string) =>
      ask(node, `DELETE /api/v1/provisioning/batches/${id}/devices/${device}`);

    test('a device gets what its batch says, and a key that works', async () => {
      await makeGroup(node, await addUser(node), 'hall-3');
      const made = await makeBatch(node, {
        type: 'press',
        tags: ['new'],
        groups: ['hall-3'],
        metadata: { line: 7 },
      });
      const { status, body, headers } = await provisionDevice(node, made, 'zt-1');
      assert.equal(status, 201);
      assert.equal(headers.get('cache-control'), 'no-store');
      const { id, organization, type, tags, groups, metadata } = body.device;
      assert.deepEqual(
        { id, organization, type, tags, groups, metadata },
        {
          id: 'zt-1',
          organization: 'default',
          type: 'press',
          tags: ['new'],
          groups: ['hall-3'],
          metadata: { line: 7 },
        },
      );
      const own = await ask(node, 'GET /api/v1/devices/zt-1', { key: body.credentials.apiKey });
      assert.partialDeepStrictEqual(own.body, {
        state: 'provisioned',
        type: 'press',
        tags: ['new'],
        metadata: { line: 7 },
      });
      const { body: members } = await ask(node, 'GET /api/v1/groups/hall-3/devices');
      assert.equal(JSON.stringify(members.items).includes('zt-1'), true);
      assert.partialDeepStrictEqual(await batchNow(made.batch.id), { devices: 1, state: 'open' });
      const steps = await node.database.query(
        `SELECT to_state, changed_by FROM device_lifecycle JOIN device USING (device_uid) WHERE device_id = 'zt-1'`,
      );
      assert.deepEqual(steps, [{ to_state: 'provisioned', changed_by: `batch ${made.batch.id}` }]);
      const [entry] = await auditOf(node, 'device.provisioned');
      assert.partialDeepStrictEqual(entry, { actor: `batch ${made.batch.id}`, target: 'device zt-1', result: 'done' });
    });

    test('the secret is shown once, and is nowhere in the database', async () => {
      const { batch, credentials } = await makeBatch(node);
      const { provisioningSecret } = credentials;
      const shown = JSON.stringify([
        await batchNow(batch.id),
        (await ask(node, 'GET /api/v1/provisioning/batches')).body,
      ]);
      assert.equal(shown.includes(provisioningSecret), false);
      const [row] = await node.database.query('SELECT b::text AS row FROM provisioning_batch b WHERE batch_id = $1', [
        batch.id,
      ]);
      assert.equal(String(row!.row).includes(provisioningSecret), false);
      assert.equal(node.logged.join('').includes(provisioningSecret), false);
    });

    test('a device is provisioned once: a second time it is told so, and its key goes on working', async () => {
      const made = await makeBatch(node);
      const first = await provisionDevice(node, made, 'twice');
      const second = await provisionDevice(node, made, 'twice');
      assert.deepEqual([second.status, second.body.type], [409, 'already_provisioned']);
      assert.equal((await ask(node, 'GET /api/v1/devices/twice', { key: first.body.credentials.apiKey })).status, 200);
      assert.equal((await batchNow(made.batch.id)).devices, 1);
    });

    test('of twenty that ask at once with the same id exactly one gets a key', async () => {
      const made = await makeBatch(node);
      const answers = await Promise.all(Array.from({ length: 20 }, () => provisionDevice(node, made, 'crowd')));
      assert.deepEqual(answers.map(it => it.status).sort(), [201, ...Array.from({ length: 19 }, () => 409)]);
      assert.ok(answers.every(it => it.status === 201 || it.body.type === 'already_provisioned'));
      const keys = await node.database.query(
        `SELECT FROM device_key JOIN device USING (device_uid) WHERE device_id = 'crowd'`,
      );
      assert.equal(keys.length, 1);
    });

    test('two batches that make the same id at once: one device, and the other hears of a conflict', async () => {
      const [a, b] = [await makeBatch(node), await makeBatch(node)];
      const answers = await Promise.all([a, b, a, b].map(it => provisionDevice(node, it, 'contested')));
      assert.equal(answers.filter(it => it.status === 201).length, 1);
      assert.equal(answers.filter(it => it.body.type === 'conflict').length, 2);
      assert.equal(answers.filter(it => it.body.type === 'already_provisioned').length, 1);
    });

    test('a batch never has more devices than it may, however many ask at once', async () => {
      const made = await makeBatch(node, { maxDevices: 5 });
      const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => provisionDevice(node, made, `full-${i}`)));
      assert.equal(answers.filter(it => it.status === 201).length, 5);
      assert.equal(answers.filter(it => it.body.type === 'provisioning_closed').length, 7);
      assert.equal((await change(made.batch.id, { maxDevices: 6 })).status, 200);
      assert.equal((await provisionDevice(node, made, 'full-more')).status, 201);
    });

    test('when its answer was lost an operator lets it come again, and the lost key is good no more', async () => {
      const made = await makeBatch(node, { maxDevices: 1 });
      const lost = (await provisionDevice(node, made, 'unlucky')).body.credentials.apiKey;
      await call(node.broker, access.verify, { key: lost });
      assert.partialDeepStrictEqual(await reset(made.batch.id, 'unlucky'), { status: 200, body: { state: 'waiting' } });
      await assert.rejects(call(node.broker, access.verify, { key: lost }), { type: 'unauthorized' });
      const again = await provisionDevice(node, made, 'unlucky');
      assert.equal(again.status, 201);
      assert.equal(
        (await ask(node, 'GET /api/v1/devices/unlucky', { key: again.body.credentials.apiKey })).status,
        200,
      );
      assert.equal((await batchNow(made.batch.id)).devices, 1);
      assert.equal((await provisionDevice(node, made, 'unlucky')).body.type, 'already_provisioned');
      const [entry] = await auditOf(node, 'batch.device-reset');
      assert.deepEqual(entry!.data, { device: 'unlucky' });
    });

    test('a device that was ended or suspended meanwhile gets no new key', async () => {
      const made = await makeBatch(node);
      await provisionDevice(node, made, 'ended');
      await ask(node, 'DELETE /api/v1/devices/ended');
      await reset(made.batch.id, 'ended');
      assert.equal((await provisionDevice(node, made, 'ended')).body.type, 'lifecycle_conflict');
    });

    test('whatever is wrong with key or secret is answered in the same way', async () => {
      const made = await makeBatch(node);
      const closed = await makeBatch(node);
      await change(closed.batch.id, { state: 'closed' });
      const expired = await makeBatch(node, { expiresAt: '2020-01-01T00:00:00Z' });
      const full = await makeBatch(node, { maxDevices: 1 });
      await provisionDevice(node, full, 'fills');
      const wrong = made.credentials.provisioningSecret.replace(/.$/, it => (it === 'a' ? 'b' : 'a'));
      const tried = [
        ...[made, closed, expired, full].map(it => ({ ...it.credentials, provisioningSecret: wrong })),
        { ...made.credentials, provisioningKey: `skp_${'0'.repeat(17)}` },
        { ...made.credentials, provisioningKey: 'nonsense' },
        { ...made.credentials, provisioningKey: '' },
        { ...made.credentials, provisioningSecret: full.credentials.provisioningSecret },
      ];
      const said = new Set<string>();
      for (const credentials of tried) {
        const { status, body } = await provisionDevice(node, { ...made, credentials }, 'nobody');
        assert.equal(status, 401);
        said.add(JSON.stringify({ ...body, requestId: '' }));
      }
      assert.equal(said.size, 1);
      for (const it of [closed, expired, full])
        assert.equal((await provisionDevice(node, it, 'late')).body.type, 'provisioning_closed');
      const refusals = await until(async () => {
        const found = await auditOf(node, 'provisioning.refused');
        return found.filter(it => it.target === 'device nobody').length === 5 ? found : undefined;
      });
      assert.ok(refusals.some(it => it.target === 'device late' && it.data.reason === 'provisioning_closed'));
      assert.equal(JSON.stringify(refusals).includes(wrong), false);
    });

    test('a device that sends a certificate signing request gets a certificate instead of a key', async () => {
      const { credentials } = await makeBatch(node);
      const { csr } = await newRequest('with-csr');
      const send = (deviceId: string, request: string) =>
        ask(node, 'POST /api/v1/provision', { key: null, body: { ...credentials, deviceId, csr: request } });
      assert.equal((await send('other-name', csr)).body.type, 'invalid_request');
      assert.equal((await send('with-csr', 'nonsense')).body.type, 'invalid_request');
      assert.equal((await ask(node, 'GET /api/v1/devices/with-csr')).status, 404);
      const { status, body } = await send('with-csr', csr);
      assert.equal(status, 201);
      assert.deepEqual(Object.keys(body.credentials), ['certificate', 'chain', 'notAfter']);
      const certificate = new X509Certificate(body.credentials.certificate);
      assert.equal(certificate.verify(new X509Certificate(body.credentials.chain).publicKey), true);
      const shown = {
        fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
        serialNumber: certificate.serialNumber,
        commonName: 'with-csr',
      };
      const principal = await call(node.broker, access.verifyCertificate, { certificate: shown });
      assert.partialDeepStrictEqual(principal, { kind: 'device', device: 'with-csr' });
      const keys = await node.database.query(
        `SELECT FROM device_key JOIN device USING (device_uid) WHERE device_id = 'with-csr'`,
      );
      assert.equal(keys.length, 0);
      assert.equal((await send('with-csr', csr)).body.type, 'already_provisioned');
    });

    test('a batch of listed devices admits no other', async () => {
      const made = await makeBatch(node, { admits: 'listed', deviceIds: ['listed-1', 'listed-2', 'listed-1'] });
      assert.partialDeepStrictEqual(made.batch, { listed: 2 });
      assert.equal((await provisionDevice(node, made, 'listed-1')).status, 201);
      assert.equal((await provisionDevice(node, made, 'listed-3')).body.type, 'forbidden');
      const path = `/api/v1/provisioning/batches/${made.batch.id}/devices`;
      const added = await ask(node, `POST ${path}`, { body: { deviceIds: ['listed-3', 'listed-2'] } });
      assert.deepEqual(added.body, { added: 1, listed: 3 });
      assert.equal((await provisionDevice(node, made, 'listed-3')).status, 201);
      const { body } = await ask(node, `GET ${path}?state=waiting`);
      assert.deepEqual(body.items, [{ deviceId: 'listed-2', state: 'waiting', provisionedAt: null }]);
      const page = await ask(node, `GET ${path}?limit=2`);
      const rest = await ask(node, `GET ${path}?limit=2&cursor=${page.body.nextCursor}`);
      const ids = [...page.body.items, ...rest.body.items].map((it: { deviceId: string }) => it.deviceId);
      assert.deepEqual(ids, ['listed-1', 'listed-2', 'listed-3']);
    });

    test('what was registered otherwise is not given to a batch', async () => {
      await register(node, 'by-hand');
      const made = await makeBatch(node, { admits: 'listed', deviceIds: ['by-hand'] });
      assert.equal((await provisionDevice(node, made, 'by-hand')).body.type, 'conflict');
      assert.equal((await reset(made.batch.id, 'by-hand')).body.state, 'waiting');
    });

    test('a new secret ends the old one at once', async () => {
      const made = await makeBatch(node);
      const { body } = await ask(node, `POST /api/v1/provisioning/batches/${made.batch.id}/rotate`);
      assert.equal((await provisionDevice(node, made, 'old-secret')).status, 401);
      assert.equal((await provisionDevice(node, body, 'new-secret')).status, 201);
      assert.ok((await auditOf(node, 'batch.rotated')).some(it => it.target === `batch ${made.batch.id}`));
    });

    test('a batch of another organization looks like one that is not there', async () => {
      const made = await makeBatch(node);
      const key = await addTenant(node, `other-${engine}`);
      const path = `/api/v1/provisioning/batches/${made.batch.id}`;
      for (const [line, body] of [
        [`GET ${path}`],
        [`PATCH ${path}`, { state: 'closed' }],
        [`POST ${path}/rotate`],
        [`GET ${path}/devices`],
        [`POST ${path}/devices`, { deviceIds: ['x'] }],
        [`DELETE ${path}/devices/x`],
      ] as const)
        assert.equal((await ask(node, line, { key, body })).status, 404, line);
      assert.deepEqual((await ask(node, 'GET /api/v1/provisioning/batches', { key })).body.items, []);
      // The same device id in both: each organization has its own devices.
      assert.equal((await provisionDevice(node, made, 'same-name')).status, 201);
      assert.equal((await provisionDevice(node, await makeBatch(node, {}, key), 'same-name')).status, 201);
    });

    test('the same request with the same Idempotency-Key is one batch', async () => {
      const body = { name: 'idempotent', admits: 'any' };
      const send = () =>
        ask(node, 'POST /api/v1/provisioning/batches', { body, headers: { 'idempotency-key': 'batch-1' } });
      const [first, second] = [await send(), await send()];
      assert.deepEqual(second.body, first.body);
      const named = await ask(node, 'POST /api/v1/provisioning/batches', { body });
      assert.equal(named.body.type, 'conflict');
    });

    test('a request to be provisioned must have a shape, and nothing more', async () => {
      const { credentials } = await makeBatch(node);
      for (const more of [{}, { deviceId: 'a/b' }, { deviceId: 'ok', state: 'active' }, { deviceId: 7 }])
        assert.equal(
          (await ask(node, 'POST /api/v1/provision', { key: null, body: { ...credentials, ...more } })).status,
          400,
        );
    });
  });
