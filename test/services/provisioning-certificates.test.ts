/** A batch that shows a certificate instead of its secret: real TLS, a real node. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { certificateOf, newAuthority } from '../../adapters/certificates/authority.ts';
import { issueForBatchWithKey } from '../../adapters/certificates/issuing.ts';
import { signingKeyOf } from '../../adapters/certificates/key-pairs.ts';
import { newRequest } from '../adapters/certificates/requests.ts';
import { openssl } from '../support/openssl.ts';
import { type CertificatesNode, type Shown, startCertificatesNode, strange } from './certificates-node.ts';
import { auditOf, until } from './provisioning-node.ts';
import { type Answer, addTenant } from './rest-node.ts';

const DAY_MS = 86_400_000;
const BATCHES = '/api/v1/provisioning/batches';
let node: CertificatesNode;
let otherAdmin: string;
before(async () => {
  node = await startCertificatesNode({
    SKEIN_LIMIT_CERTIFICATES_PER_BATCH: '2',
    SKEIN_LIMIT_CLIENT_BURST_CONNECTS: '1000',
  });
  otherAdmin = await addTenant({ database: node.database } as never, 'other');
});
after(() => node?.stop());

type Credentials = { provisioningKey: string; provisioningSecret: string };
let batches = 0;
async function makeBatch(fields: object = {}): Promise<{ id: string; credentials: Credentials }> {
  const body = { name: `batch ${++batches}`, admits: 'any', ...fields };
  const made = await node.ask(`POST ${BATCHES}`, { body });
  assert.equal(made.status, 201);
  return { id: made.body.batch.id, credentials: made.body.credentials };
}
const issue = (id: string, body: object = {}, key?: string) =>
  node.ask(`POST ${BATCHES}/${id}/certificate`, { body, key });
async function certified(fields: object = {}) {
  const { id, credentials } = await makeBatch(fields);
  const { status, body } = await issue(id);
  assert.equal(status, 201);
  const shown: Shown = { cert: body.pem, key: body.privateKey };
  return { id, credentials, shown, serialNumber: body.certificate.serialNumber as string };
}
const provision = (shown: Shown | undefined, deviceId: string, more: object = {}): Promise<Answer> =>
  node.askOverTls('POST /api/v1/provision', shown, { body: { deviceId, ...more } });
const revoke = (serialNumber: string, key?: string) =>
  node.ask(`POST /api/v1/certificates/${serialNumber}/revoke`, { key });

test('a certificate of a batch says what it is, and no device’s says the same', async () => {
  const { id } = await makeBatch();
  const { status, body, headers } = await issue(id, { days: 10 });
  assert.equal(status, 201);
  const { certificate, pem, chain, privateKey } = body;
  assert.equal(headers.get('location'), `/api/v1/certificates/${certificate.serialNumber}`);
  assert.equal(headers.get('cache-control'), 'no-store');
  const { deviceId, batchId, commonName, state, issuedFrom, scopes } = certificate;
  assert.deepEqual(
    [deviceId, batchId, commonName, state, issuedFrom, scopes],
    [null, id, id, 'good', 'generated', null],
  );
  const read = new X509Certificate(pem);
  assert.ok(read.checkPrivateKey(createPrivateKey(privateKey)));
  assert.ok(read.verify(new X509Certificate(chain).publicKey));
  assert.equal(read.subject, `O=default\nOU=provisioning batch\nCN=${id}`);
  assert.equal(read.subjectAltName, `URI:urn:skein:default:batch:${id}`);
  assert.deepEqual(read.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  const { body: listed } = await node.ask(`GET ${BATCHES}/${id}/certificates`);
  assert.deepEqual(listed, { items: [certificate], nextCursor: null });
  assert.deepEqual((await node.ask(`GET /api/v1/certificates/${certificate.serialNumber}`)).body, certificate);
  const entries = await auditOf(node as never, 'certificate.issued');
  assert.ok(entries.some(it => it.target === `batch ${id}` && it.data.serialNumber === certificate.serialNumber));
});

test('it is for the key of a request, when there is one, and the request must be the batch’s', async () => {
  const { id } = await makeBatch();
  const { csr, key } = await newRequest(id);
  const { body } = await issue(id, { csr });
  assert.equal(body.privateKey, undefined);
  assert.ok(new X509Certificate(body.pem).checkPrivateKey(createPrivateKey(key)));
  assert.equal((await provision({ cert: body.pem, key }, 'by-request')).status, 201);
  const wrong = await issue(id, { csr: (await newRequest('press-4')).csr });
  assert.deepEqual([wrong.status, wrong.body.detail], [400, 'The common name (CN) of csr must be the id of the batch']);
  for (const body of [{ days: 0 }, { days: 1_826 }, { scopes: ['telemetry:write'] }, { id }, { csr: 'x' }])
    assert.equal((await issue(id, body)).status, 400, JSON.stringify(body));
});

test('a batch has so many that are good, and none when it is closed or over', async () => {
  const { id, serialNumber } = await certified();
  assert.equal((await issue(id)).status, 201);
  assert.equal((await issue(id)).body.type, 'too_many_credentials');
  assert.equal((await revoke(serialNumber)).status, 200);
  assert.equal((await issue(id)).status, 201);
  const closed = await makeBatch();
  await node.ask(`PATCH ${BATCHES}/${closed.id}`, { body: { state: 'closed' } });
  assert.equal((await issue(closed.id)).body.type, 'provisioning_closed');
  const over = await makeBatch({ expiresAt: '2020-01-01T00:00:00Z' });
  assert.equal((await issue(over.id)).body.type, 'provisioning_closed');
});

test('the same Idempotency-Key gets the same certificate', async () => {
  const { id } = await makeBatch();
  const headers = { 'idempotency-key': 'batch-certificate' };
  const send = () => node.ask(`POST ${BATCHES}/${id}/certificate`, { headers });
  const [first, second] = [await send(), await send()];
  assert.equal(first.status, 201);
  assert.deepEqual(second.body, first.body);
});

test('one of another organization looks like one that is not there', async () => {
  const { id, serialNumber } = await certified();
  const none = '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81';
  for (const [method, rest] of [
    ['POST', '/certificate'],
    ['GET', '/certificates'],
  ] as const) {
    const theirs = await node.ask(`${method} ${BATCHES}/${id}${rest}`, { key: otherAdmin });
    const nobodys = await node.ask(`${method} ${BATCHES}/${none}${rest}`, { key: otherAdmin });
    assert.deepEqual([theirs.status, theirs.body.detail], [404, nobodys.body.detail.replace(none, id)]);
    assert.equal((await node.ask(`${method} ${BATCHES}/nonsense${rest}`)).status, 404);
  }
  assert.equal((await revoke(serialNumber, otherAdmin)).status, 404);
});

test('a device that shows it is provisioned, as with the secret: once', async () => {
  const { id, shown, serialNumber } = await certified({ type: 'press', claimCodes: true, maxDevices: 2 });
  const { status, body, headers } = await provision(shown, 'tls-1');
  assert.equal(status, 201);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.partialDeepStrictEqual(body.device, { id: 'tls-1', organization: 'default', type: 'press' });
  assert.match(body.claimCode, /^\w{4}(-\w{4}){3}$/);
  const own = await node.askOverTls('GET /api/v1/devices/tls-1', undefined, { key: body.credentials.apiKey });
  assert.equal(own.body.state, 'provisioned');
  assert.equal((await provision(shown, 'tls-1')).body.type, 'already_provisioned');
  const { csr, key } = await newRequest('tls-2');
  const second = await provision(shown, 'tls-2', { csr });
  const known = await node.askOverTls('GET /api/v1/devices/tls-2', { cert: second.body.credentials.certificate, key });
  assert.equal(known.body.id, 'tls-2');
  assert.equal((await provision(shown, 'tls-3')).body.type, 'provisioning_closed');
  const done = (await auditOf(node as never, 'device.provisioned')).filter(it => it.actor === `batch ${id}`);
  assert.deepEqual(
    done.map(it => [it.target, it.data.withCertificate]),
    [
      ['device tls-1', serialNumber],
      ['device tls-2', serialNumber],
    ],
  );
  const refused = (await auditOf(node as never, 'provisioning.refused')).filter(it => it.actor === `batch ${id}`);
  assert.deepEqual(
    refused.map(it => it.data.reason),
    ['already_provisioned', 'provisioning_closed'],
  );
});

test('of ten that show it at once with the same id exactly one gets a key', async () => {
  const { shown } = await certified();
  const answers = await Promise.all(Array.from({ length: 10 }, () => provision(shown, 'tls-crowd')));
  assert.deepEqual(answers.map(it => it.status).sort(), [201, ...Array.from({ length: 9 }, () => 409)]);
});

test('a batch of listed devices admits no other by its certificate either', async () => {
  const { shown } = await certified({ admits: 'listed', deviceIds: ['tls-listed'] });
  assert.equal((await provision(shown, 'tls-listed')).status, 201);
  assert.equal((await provision(shown, 'tls-unlisted')).body.type, 'forbidden');
});

test('it is no identity for anything else: not over REST, not over MQTT', async () => {
  const { id, shown, credentials } = await certified();
  // A device that is called like the batch is another one.
  const apiKey = await node.register(id);
  for (const line of [
    'GET /api/v1/devices',
    `GET /api/v1/devices/${id}`,
    `GET ${BATCHES}/${id}`,
    'POST /api/v1/telemetry',
  ])
    assert.equal((await node.askOverTls(line, shown)).status, 401, line);
  assert.equal((await node.askOverTls(`GET /api/v1/devices/${id}`, shown, { key: apiKey })).status, 200);
  for (const options of [{}, { ws: true }, { username: id }, { username: id, password: apiKey }])
    await assert.rejects(node.connect(shown, options), { code: 0x86 }, JSON.stringify(options));
  assert.equal((await provision(shown, 'tls-after', {})).status, 201);
  assert.equal((await provision(undefined, 'tls-by-secret', credentials)).status, 201);
});

test('key and secret, or one of them, count before the certificate', async () => {
  const { shown } = await certified();
  const other = await makeBatch({ type: 'other' });
  const both = await provision(shown, 'tls-both', other.credentials);
  assert.equal(both.body.device.type, 'other');
  const { provisioningKey, provisioningSecret } = other.credentials;
  for (const said of [{ provisioningKey }, { provisioningSecret }, { provisioningKey, provisioningSecret: 'wrong' }])
    assert.equal((await provision(shown, 'tls-half', said)).body.type, 'unauthorized');
  assert.equal((await provision(undefined, 'tls-half')).body.type, 'unauthorized');
  const plain = await node.ask('POST /api/v1/provision', { key: null, body: { deviceId: 'tls-half' } });
  assert.equal(plain.body.type, 'unauthorized');
});

test('what is not a good certificate of a batch is answered in the same way', async () => {
  await node.register('tls-device');
  const ofDevice = await node.issue('tls-device');
  const revoked = await certified();
  assert.equal((await revoke(revoked.serialNumber)).status, 200);
  const expired = await certified();
  await node.database.query(`UPDATE certificate SET not_after = now() - interval '1 s' WHERE serial_number = $1`, [
    expired.serialNumber,
  ]);
  const name = { tenant: 'default', batch: revoked.id };
  const { pem: cert, privateKeyPem: key } = await issueForBatchWithKey(node.authority, name, {
    days: 5,
    nowMs: Date.now(),
  });
  const shown = [ofDevice, await strange(node, 'tls-device'), revoked.shown, expired.shown, { cert, key }];
  const said = new Set<string>();
  for (const it of shown) {
    const { status, body } = await provision(it, 'tls-nobody');
    assert.equal(status, 401);
    said.add(JSON.stringify({ ...body, requestId: '' }));
  }
  assert.equal(said.size, 1);
  assert.equal((await node.ask('GET /api/v1/devices/tls-nobody')).status, 404);
  // Of those that a batch had, its log tells.
  for (const { id } of [revoked, expired])
    await until(async () => {
      const refused = await auditOf(node as never, 'provisioning.refused');
      return refused.find(it => it.actor === `batch ${id}` && it.data.reason === 'unauthorized');
    });
});

test('one of another authority, or that is over, does not get through the handshake', async () => {
  const { id } = await makeBatch();
  const { pem, privateKey } = await newAuthority(Date.now());
  const signingKey = await signingKeyOf(new Uint8Array(privateKey));
  const name = { tenant: 'default', batch: id };
  const foreign = await issueForBatchWithKey({ id: 1, certificate: certificateOf(pem), signingKey }, name, {
    days: 5,
    nowMs: Date.now(),
  });
  const over = await issueForBatchWithKey(node.authority, name, { days: 5, nowMs: Date.now() - 6 * DAY_MS });
  for (const it of [foreign, over])
    await assert.rejects(provision({ cert: it.pem, key: it.privateKeyPem }, 'tls-foreign'), {
      code: /ECONNRESET|EPIPE/,
    });
});

test('a revoked one is on the list of what is revoked, and revoking it again is the same', async t => {
  const { id, shown, serialNumber } = await certified();
  assert.equal((await provision(shown, 'before-it-was-revoked')).status, 201);
  const first = await revoke(serialNumber);
  assert.deepEqual([first.body.state, first.body.deviceId, first.body.batchId], ['revoked', null, id]);
  assert.deepEqual((await revoke(serialNumber)).body, first.body);
  const list = await fetch(`${node.url}/api/v1/certificates/crl`, { headers: { accept: 'application/x-pem-file' } });
  const tool = await openssl(t);
  const crl = await tool.write('crl.pem', await list.text());
  const { output } = await tool.run('crl', '-noout', '-text', '-in', crl);
  assert.match(output, new RegExp(serialNumber));
  const [listed] = (await node.ask(`GET ${BATCHES}/${id}/certificates`)).body.items;
  assert.equal(listed.state, 'revoked');
  // What was provisioned with it is good as before.
  assert.equal((await node.ask('GET /api/v1/devices/before-it-was-revoked')).body.state, 'provisioned');
});

test('when the batch is closed or its organization suspended it is of no use', async () => {
  const { id, shown } = await certified();
  const change = (state: string) => node.ask(`PATCH ${BATCHES}/${id}`, { body: { state } });
  await change('closed');
  assert.equal((await provision(shown, 'tls-late')).body.type, 'provisioning_closed');
  await change('open');
  const suspended = (state: string) =>
    node.database.query(`UPDATE tenant SET state = $1 WHERE slug = 'default'`, [state]);
  await suspended('suspended');
  try {
    assert.equal((await provision(shown, 'tls-late')).body.type, 'unauthorized');
  } finally {
    await suspended('active');
  }
  assert.equal((await provision(shown, 'tls-late')).status, 201);
});

for (const [what, end] of [
  ['a certificate that is revoked', `UPDATE certificate SET revoked_at = now() WHERE batch_id = $1`],
  ['a secret that is replaced', `UPDATE provisioning_batch SET secret_hash = '\\x00' WHERE batch_id = $1`],
] as const)
  test(`${what} while a device waits for its turn is good no more`, async () => {
    const { id, shown, credentials } = await certified();
    const isSecret = what.includes('secret');
    const device = isSecret ? 'tls-waiting-1' : 'tls-waiting-2';
    const answer = await node.database.transaction(async tx => {
      await tx.query('SELECT FROM provisioning_batch WHERE batch_id = $1 FOR UPDATE', [id]);
      const asking = provision(shown, device, isSecret ? credentials : {});
      await until(async () => (await tx.query('SELECT FROM pg_locks WHERE NOT granted'))[0]);
      await tx.query(end, [id]);
      return { asking };
    });
    assert.equal((await answer.asking).body.type, 'unauthorized');
    assert.equal((await node.ask(`GET /api/v1/devices/${device}`)).status, 404);
  });
