/** Certificates over REST: who gets one, what it says, who sees it. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { newRequest } from '../adapters/certificates/requests.ts';
import { openssl } from '../support/openssl.ts';
import { type CertificatesNode, startCertificatesNode } from './certificates-node.ts';
import { addTenant } from './rest-node.ts';

let node: CertificatesNode;
let otherAdmin: string;
before(async () => {
  node = await startCertificatesNode({
    SKEIN_LIMIT_CERTIFICATES_PER_DEVICE: '4',
    SKEIN_HTTPS_PORT: '',
    SKEIN_MQTTS_PORT: '',
  });
  otherAdmin = await addTenant({ database: node.database } as never, 'other');
});
after(() => node?.stop());

test('a device gets a certificate for its own key', async () => {
  await node.register('csr-1');
  const { csr, key } = await newRequest('csr-1');
  const { status, body, headers } = await node.ask('POST /api/v1/devices/csr-1/certificates', {
    body: { csr, days: 10 },
  });
  assert.equal(status, 201);
  const { certificate, pem, chain } = body;
  assert.equal(body.privateKey, undefined);
  assert.equal(headers.get('location'), `/api/v1/certificates/${certificate.serialNumber}`);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.deepEqual([certificate.deviceId, certificate.state, certificate.issuedFrom], ['csr-1', 'good', 'csr']);
  const read = new X509Certificate(pem);
  assert.ok(read.checkPrivateKey(createPrivateKey(key)));
  assert.equal(read.subject, 'O=default\nCN=csr-1');
  assert.ok(read.verify(new X509Certificate(chain).publicKey));
  assert.deepEqual((await node.ask(`GET /api/v1/certificates/${certificate.serialNumber}`)).body, certificate);
});

test('without a request the key is made here, shown once, and kept nowhere', async () => {
  await node.register('generated-1');
  const made = await node.issue('generated-1');
  assert.ok(new X509Certificate(made.pem).checkPrivateKey(createPrivateKey(made.privateKey!)));
  const [row] = await node.database.query('SELECT * FROM certificate WHERE serial_number = $1', [
    made.certificate.serialNumber,
  ]);
  assert.doesNotMatch(JSON.stringify(row), /PRIVATE/);
  const { body } = await node.ask('GET /api/v1/devices/generated-1/certificates');
  assert.doesNotMatch(JSON.stringify(body), /PRIVATE|BEGIN/);
});

test('the same Idempotency-Key gets the same certificate, with its key, which the database holds sealed', async () => {
  await node.register('once-1');
  const headers = { 'idempotency-key': 'make-once' };
  const [first, second] = [
    await node.ask('POST /api/v1/devices/once-1/certificates', { body: {}, headers }),
    await node.ask('POST /api/v1/devices/once-1/certificates', { body: {}, headers }),
  ];
  assert.equal(first.status, 201);
  assert.deepEqual(second.body, first.body);
  const rows = await node.database.query('SELECT response FROM idempotency_key');
  assert.doesNotMatch(JSON.stringify(rows), /PRIVATE|BEGIN/);
});

test('a request that is not good is refused, and says why', async () => {
  await node.register('refused-1');
  const path = 'POST /api/v1/devices/refused-1/certificates';
  const asked = async (body: unknown) => (await node.ask(path, { body })).body;
  const { csr } = await newRequest('refused-2');
  assert.deepEqual(
    [(await asked({ csr })).type, (await asked({ csr })).detail],
    ['invalid_request', 'The common name (CN) of csr must be the id of the device'],
  );
  assert.match((await asked({ csr: 'hello' })).detail, /PEM/);
  assert.match((await asked({ csr: 'x'.repeat(20_000) })).detail, /16384 characters/);
  assert.equal((await asked({ csr: 7 })).type, 'invalid_request');
  assert.match((await asked({ days: 1_826 })).detail, /1825/);
  assert.equal((await asked({ days: 0 })).type, 'invalid_request');
  assert.equal((await asked({ commonName: 'somebody' })).type, 'invalid_request');
  assert.deepEqual((await node.ask('GET /api/v1/devices/refused-1/certificates')).body.items, []);
});

test('a device has so many good certificates at most', async () => {
  await node.register('many-1');
  for (let i = 0; i < 4; i++) await node.issue('many-1');
  const { body } = await node.ask('POST /api/v1/devices/many-1/certificates', { body: {} });
  assert.equal(body.type, 'too_many_credentials');
  const { items } = (await node.ask('GET /api/v1/devices/many-1/certificates')).body;
  await node.ask(`POST /api/v1/certificates/${items[0].serialNumber}/revoke`);
  await node.issue('many-1');
});

test('a decommissioned device gets none, and those that it had are revoked', async () => {
  await node.register('gone-1');
  await node.issue('gone-1');
  await node.ask('DELETE /api/v1/devices/gone-1');
  const { body } = await node.ask('POST /api/v1/devices/gone-1/certificates', { body: {} });
  assert.equal(body.type, 'lifecycle_conflict');
  const { items } = (await node.ask('GET /api/v1/devices/gone-1/certificates')).body;
  assert.deepEqual([items[0].state, items[0].revokedFor], ['revoked', 'cessationOfOperation']);
});

test('another organization sees nothing of it, and can not tell it from one that is not there', async () => {
  await node.register('mine-1');
  const { certificate } = await node.issue('mine-1');
  const nothing = 'F'.repeat(32);
  for (const [line, none] of [
    ['POST /api/v1/devices/mine-1/certificates', 'POST /api/v1/devices/none-1/certificates'],
    ['GET /api/v1/devices/mine-1/certificates', 'GET /api/v1/devices/none-1/certificates'],
    [`GET /api/v1/certificates/${certificate.serialNumber}`, `GET /api/v1/certificates/${nothing}`],
    [`POST /api/v1/certificates/${certificate.serialNumber}/revoke`, `POST /api/v1/certificates/${nothing}/revoke`],
  ] as const) {
    const body = line.startsWith('POST') ? {} : undefined;
    const theirs = await node.ask(line, { key: otherAdmin, body });
    const absent = await node.ask(none, { key: otherAdmin, body });
    const same = (it: typeof theirs) =>
      JSON.stringify([it.status, it.body]).replaceAll(/mine-1|none-1|[0-9A-F]{32}|"requestId":"[^"]+"/g, '');
    assert.equal(same(theirs), same(absent), line);
  }
  assert.deepEqual((await node.ask('GET /api/v1/certificates', { key: otherAdmin })).body.items, []);
  assert.equal((await node.ask(`GET /api/v1/certificates/${certificate.serialNumber}`)).body.state, 'good');
});

test('lists filter by state, device and end, and go on page by page', async () => {
  await node.register('listed-1');
  const path = 'POST /api/v1/devices/listed-1/certificates';
  for (const days of [5, 40, 90]) await node.ask(path, { body: { days } });
  const list = async (query: string) => (await node.ask(`GET /api/v1/certificates?${query}`)).body;
  const days = ({ items }: { items: { notAfter: string }[] }) =>
    items.map(it => Math.round((Date.parse(it.notAfter) - Date.now()) / 86_400_000));
  assert.deepEqual(days(await list('deviceId=listed-1')), [5, 40, 90]);
  assert.deepEqual(days(await list('deviceId=listed-1&expiringWithinDays=30')), [5]);
  const before = new Date(Date.now() + 50 * 86_400_000).toISOString();
  assert.deepEqual(days(await list(`deviceId=listed-1&expiringBefore=${before}`)), [5, 40]);
  const first = await list('deviceId=listed-1&limit=2');
  assert.deepEqual(days(first), [5, 40]);
  assert.deepEqual(days(await list(`deviceId=listed-1&limit=2&cursor=${first.nextCursor}`)), [90]);
  await node.ask(`POST /api/v1/certificates/${first.items[0].serialNumber}/revoke`, { body: { reason: 'superseded' } });
  assert.deepEqual(days(await list('deviceId=listed-1&state=revoked')), [5]);
  assert.deepEqual(days(await list('deviceId=listed-1&state=good')), [40, 90]);
  assert.deepEqual(days(await list('deviceId=listed-1&expiringWithinDays=30')), []);
  for (const query of [
    'state=bad',
    'expiringBefore=soon',
    'expiringWithinDays=x',
    `deviceId=a&cursor=${first.nextCursor}`,
  ])
    assert.equal((await list(query)).type, 'invalid_request', query);
});

test('a role that is limited to some devices sees the certificates of those', async () => {
  for (const id of ['limited-1', 'limited-2']) {
    await node.register(id);
    await node.issue(id);
  }
  await node.ask('PUT /api/v1/groups/hall-1', { body: {} });
  await node.ask('PUT /api/v1/groups/hall-1/devices/limited-1');
  const permissions = ['certificates:read', 'certificates:write', 'devices:credentials'];
  await node.ask('PUT /api/v1/roles/hall-1', { body: { permissions, limit: { groups: ['hall-1'] } } });
  const { body } = await node.ask('POST /api/v1/api-keys', { body: { name: 'hall', roles: ['hall-1'] } });
  const { key } = body;
  const { items } = (await node.ask('GET /api/v1/certificates', { key })).body;
  assert.deepEqual(
    items.map((it: { deviceId: string }) => it.deviceId),
    ['limited-1'],
  );
  const [other] = (await node.ask('GET /api/v1/devices/limited-2/certificates')).body.items;
  for (const line of ['GET /api/v1/certificates/', 'POST /api/v1/certificates/'])
    assert.equal(
      (await node.ask(`${line}${other.serialNumber}${line.startsWith('POST') ? '/revoke' : ''}`, { key })).status,
      404,
    );
  assert.equal((await node.ask('POST /api/v1/devices/limited-2/certificates', { key, body: {} })).status, 404);
  assert.equal((await node.ask('POST /api/v1/devices/limited-1/certificates', { key, body: {} })).status, 201);
});

test('the authority and the list of revoked ones are for everybody, and OpenSSL takes both', async t => {
  await node.register('crl-1');
  const [good, bad] = [await node.issue('crl-1'), await node.issue('crl-1')];
  const { write, run } = await openssl(t);
  const fetched = async (path: string, headers = {}) => fetch(`${node.url}/api/v1/certificates/${path}`, { headers });
  const authority = await fetched('authority');
  assert.equal(authority.headers.get('content-type'), 'application/pem-certificate-chain');
  await write('ca.pem', await authority.text());
  await write('good.pem', good.pem);
  await write('bad.pem', bad.pem);
  const verify = async (name: string) =>
    (await run('verify', '-crl_check', '-CAfile', 'ca.pem', '-CRLfile', 'crl.pem', name)).output;
  const numbers: number[] = [];
  const takeList = async () => {
    const pem = await fetched('crl', { accept: 'application/x-pem-file' });
    assert.equal(pem.headers.get('content-type'), 'application/x-pem-file');
    await write('crl.pem', await pem.text());
    const der = await fetched('crl');
    assert.equal(der.headers.get('content-type'), 'application/pkix-crl');
    await write('crl.der', new Uint8Array(await der.arrayBuffer()));
    const { output } = await run('crl', '-in', 'crl.der', '-inform', 'der', '-noout', '-text', '-CAfile', 'ca.pem');
    assert.match(output, /verify OK/);
    numbers.push(Number(/CRL Number:\s+(\d+)/.exec(output)![1]));
  };
  await takeList();
  assert.match(await verify('bad.pem'), /OK/);
  const revoked = await node.ask(`POST /api/v1/certificates/${bad.certificate.serialNumber}/revoke`, {
    body: { reason: 'keyCompromise' },
  });
  assert.deepEqual([revoked.status, revoked.body.state, revoked.body.revokedFor], [200, 'revoked', 'keyCompromise']);
  await takeList();
  assert.match(await verify('bad.pem'), /certificate revoked/);
  assert.match(await verify('good.pem'), /OK/);
  await takeList();
  assert.ok(numbers[1]! > numbers[0]!);
  assert.equal(numbers[2], numbers[1]);
  assert.equal((await fetched('crl?authority=999')).status, 404);
});

test('revoking again answers the same, and is written down once', async () => {
  await node.register('twice-1');
  const { certificate } = await node.issue('twice-1');
  const path = `POST /api/v1/certificates/${certificate.serialNumber}/revoke`;
  const first = await node.ask(path, { body: { reason: 'keyCompromise' } });
  const second = await node.ask(path, { body: { reason: 'superseded' } });
  assert.deepEqual(second.body, first.body);
  const acts = await node.database.query<{ act: string; target: string; data: object }>(
    `SELECT act, target, data FROM audit_entry WHERE target IN ('device twice-1', $1) ORDER BY seq`,
    [`certificate ${certificate.serialNumber}`],
  );
  assert.deepEqual(
    acts.map(it => it.act).filter(it => it.startsWith('certificate')),
    ['certificate.issued', 'certificate.revoked'],
  );
  assert.equal((await node.ask(path, { body: { reason: 'because' } })).body.type, 'invalid_request');
});

test('how many end soon is a figure', async () => {
  await node.register('soon-1');
  await node.ask('POST /api/v1/devices/soon-1/certificates', { body: { days: 3 } });
  const { body } = await node.ask('GET /api/v1/health/services');
  assert.ok(body.certificates.figures.endingSoon >= 1);
  const metrics = await fetch(`${node.url}/metrics`, { headers: { authorization: `Bearer ${node.adminKey}` } });
  assert.match(await metrics.text(), /^skein_certificates_ending_soon [1-9]/m);
});
