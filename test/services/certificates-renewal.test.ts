/** A device renews its certificate over its own connection. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { MqttClient } from 'mqtt';
import { newRequest } from '../adapters/certificates/requests.ts';
import { openssl } from '../support/openssl.ts';
import { type CertificatesNode, type Shown, startCertificatesNode } from './certificates-node.ts';

let node: CertificatesNode;
before(async () => {
  node = await startCertificatesNode({ SKEIN_LIMIT_CLIENT_BURST_CONNECTS: '1000' });
});
after(() => node?.stop());

const device = async (id: string) => {
  const apiKey = await node.register(id);
  return { id, apiKey, ...(await node.issue(id)) };
};
const stateOf = async ({ certificate: { serialNumber } }: { certificate: { serialNumber: string } }) =>
  (await node.ask(`GET /api/v1/certificates/${serialNumber}`)).body;

type Told = { topic: string; answer: { certificate?: string; chain?: string; error?: { type: string } } };
/** The next message that comes to the client. */
const next = (client: MqttClient): Promise<Told> =>
  new Promise(resolve =>
    client.once('message', (topic, payload) => resolve({ topic, answer: JSON.parse(payload.toString()) })),
  );
const renew = async (client: MqttClient, id: string, payload: string) => {
  const answer = next(client);
  await client.publishAsync(`devices/${id}/certificates/renew`, payload, { qos: 1 });
  return answer;
};

test('over HTTPS with its certificate: the new one is good, and the old one for a while', async () => {
  const old = await device('https-1');
  const { csr, key } = await newRequest('https-1');
  const made = await node.askOverTls('POST /api/v1/devices/https-1/certificates/renew', old, { body: { csr } });
  assert.equal(made.status, 201);
  assert.equal(made.body.privateKey, undefined);
  const fresh: Shown = { cert: made.body.pem, key };
  for (const shown of [fresh, old]) await node.connect(shown);
  assert.deepEqual([made.body.certificate.issuedFrom, made.body.certificate.issuedBy], ['renewal', 'device https-1']);
  const before = await stateOf(old);
  assert.equal(before.state, 'good');
  const hours = (Date.parse(before.replacedFrom) - Date.now()) / 3_600_000;
  assert.ok(hours > 23 && hours <= 24, String(hours));
  const soon = await node.ask('GET /api/v1/certificates?deviceId=https-1&expiringWithinDays=3650');
  assert.deepEqual(
    soon.body.items.map((it: { serialNumber: string }) => it.serialNumber),
    [made.body.certificate.serialNumber],
  );
});

test('when the while is over the old one is good no more, and in the list of revoked ones', async t => {
  const old = await device('over-1');
  const { csr, key } = await newRequest('over-1');
  // With its key, because the old certificate would be remembered for some seconds as one that is good.
  const renewal = { key: old.apiKey, body: { csr } };
  const made = await node.ask('POST /api/v1/devices/over-1/certificates/renew', renewal);
  await node.database.query('UPDATE certificate SET replaced_from = now() WHERE serial_number = $1', [
    old.certificate.serialNumber,
  ]);
  assert.equal((await stateOf(old)).state, 'replaced');
  await assert.rejects(node.connect(old), { code: 0x86 });
  await node.connect({ cert: made.body.pem, key });
  const { write, run } = await openssl(t);
  await write('ca.pem', node.ca);
  await write('old.pem', old.pem);
  // Anything that is revoked has the list made anew, also without the few minutes for which it is kept.
  const other = await device('over-2');
  await node.ask(`POST /api/v1/certificates/${other.certificate.serialNumber}/revoke`);
  const list = await fetch(`${node.url}/api/v1/certificates/crl`, { headers: { accept: 'application/x-pem-file' } });
  await write('crl.pem', await list.text());
  const { output } = await run('verify', '-crl_check', '-CAfile', 'ca.pem', '-CRLfile', 'crl.pem', 'old.pem');
  assert.match(output, /certificate revoked/);
});

test('with its key too, but not for another device, nor by a person', async () => {
  const { id, apiKey } = await device('keyed-1');
  await node.register('keyed-2');
  const { csr } = await newRequest(id);
  const path = `POST /api/v1/devices/${id}/certificates/renew`;
  assert.equal((await node.ask(path, { key: apiKey, body: { csr } })).status, 201);
  const other = await newRequest('keyed-2');
  const theirs = { key: apiKey, body: { csr: other.csr } };
  assert.equal((await node.ask('POST /api/v1/devices/keyed-2/certificates/renew', theirs)).status, 403);
  assert.equal((await node.ask(path, { key: apiKey, body: { csr: other.csr } })).status, 400);
  assert.equal((await node.ask(path, { body: { csr } })).status, 403);
});

test('a credential without the scope for it renews nothing', async () => {
  await device('scoped-1');
  const path = 'POST /api/v1/devices/scoped-1/keys';
  const { body } = await node.ask(path, { body: { scopes: ['telemetry:publish'] } });
  const { csr } = await newRequest('scoped-1');
  const asked = { key: body.apiKey, body: { csr } };
  assert.equal((await node.ask('POST /api/v1/devices/scoped-1/certificates/renew', asked)).status, 403);
  const client = await node.connect(undefined, { username: 'scoped-1', password: body.apiKey });
  await client.subscribeAsync('devices/scoped-1/certificates/renewed', { qos: 1 });
  const { answer } = await renew(client, 'scoped-1', csr);
  assert.equal(answer.error?.type, 'forbidden');
});

test('a credential that is limited to scopes gets no more with a certificate, and ends none that may do more', async () => {
  const all = await device('scoped-2');
  const scopes = ['credentials:renew', 'telemetry:publish'];
  const { body } = await node.ask('POST /api/v1/devices/scoped-2/keys', { body: { scopes } });
  const { csr, key } = await newRequest('scoped-2');
  const path = 'POST /api/v1/devices/scoped-2/certificates/renew';
  const made = await node.ask(path, { key: body.apiKey, body: { csr } });
  assert.deepEqual(made.body.certificate.scopes, scopes);
  assert.equal((await stateOf(all)).replacedFrom, null);
  const shown = { cert: made.body.pem, key };
  const sent = await node.askOverTls('POST /api/v1/telemetry', shown, { body: { values: { temperature: 5 } } });
  assert.equal(sent.status, 202);
  assert.equal((await node.askOverTls('GET /api/v1/devices/scoped-2/twin', shown)).status, 403);
  assert.equal((await node.askOverTls('GET /api/v1/devices/scoped-2/twin', all)).status, 200);
  const again = await node.askOverTls(path, shown, { body: { csr } });
  assert.deepEqual(again.body.certificate.scopes, scopes);
  assert.notEqual((await stateOf(made.body)).replacedFrom, null);
});

test('a certificate may be issued for some scopes only', async () => {
  await node.register('scoped-3');
  const path = 'POST /api/v1/devices/scoped-3/certificates';
  const { body } = await node.ask(path, { body: { scopes: ['telemetry:publish'] } });
  const client = await node.connect({ cert: body.pem, key: body.privateKey });
  await client.publishAsync('devices/scoped-3/telemetry', '{"temperature": 21}', { qos: 1 });
  await assert.rejects(client.publishAsync('devices/scoped-3/state', '{}', { qos: 1 }), { code: 0x87 });
  assert.equal((await node.ask(path, { body: { scopes: ['everything'] } })).body.type, 'invalid_request');
});

for (const [how, payloadOf] of [
  ['as PEM', (csr: string) => csr],
  ['as JSON', (csr: string) => JSON.stringify({ csr })],
] as const)
  test(`over MQTT, ${how}: the answer comes on the same connection`, async () => {
    const id = `mqtt-${how.slice(3)}`;
    const client = await node.connect(await device(id));
    await client.subscribeAsync(`devices/${id}/#`, { qos: 1 });
    const { csr, key } = await newRequest(id, 'Ed25519');
    const { topic, answer } = await renew(client, id, payloadOf(csr));
    assert.equal(topic, `devices/${id}/certificates/renewed`);
    assert.equal(answer.chain, node.ca);
    await node.connect({ cert: answer.certificate!, key });
  });

test('a request that is not good is answered with what is wrong, and the connection stays', async () => {
  const id = 'mqtt-bad';
  const client = await node.connect(await device(id));
  await client.subscribeAsync(`devices/${id}/certificates/renewed`);
  const { csr } = await newRequest('somebody-else');
  for (const payload of [
    '',
    'hello',
    '{}',
    '{"csr": 1}',
    csr,
    `${csr}${'\n'.repeat(100_000)}`,
    `-----BEGIN ${'A'.repeat(100_000)}`,
  ]) {
    const { answer } = await renew(client, id, payload);
    assert.equal(answer.error?.type, 'invalid_request', payload.slice(0, 40));
  }
  assert.equal((await renew(client, id, (await newRequest(id)).csr)).answer.error, undefined);
});

test('without a subscription to the answer nothing is renewed, and the device is told', async () => {
  const id = 'mqtt-deaf';
  const it = await device(id);
  const client = await node.connect(it);
  const { csr } = await newRequest(id);
  await assert.rejects(client.publishAsync(`devices/${id}/certificates/renew`, csr, { qos: 1 }), { code: 0x87 });
  assert.equal((await stateOf(it)).replacedFrom, null);
  const { items } = (await node.ask(`GET /api/v1/dead-letters?deviceId=${id}`)).body;
  assert.match(items[0].detail, /Subscribe to devices\/mqtt-deaf\/certificates\/renewed/);
});

test('a device that renews in a loop is stopped by the number that it may have', async () => {
  const id = 'mqtt-loop';
  const client = await node.connect(await device(id));
  await client.subscribeAsync(`devices/${id}/certificates/renewed`);
  const { csr } = await newRequest(id);
  const types: (string | undefined)[] = [];
  for (let i = 0; i < 20; i++) types.push((await renew(client, id, csr)).answer.error?.type);
  assert.deepEqual(types, [...Array.from({ length: 19 }, () => undefined), 'too_many_credentials']);
});
