/** Who is let in with which certificate, over MQTT and over HTTPS: real TLS, real clients. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { certificateOf, newAuthority } from '../../adapters/certificates/authority.ts';
import { issueForServer, issueWithKey } from '../../adapters/certificates/issuing.ts';
import { signingKeyOf } from '../../adapters/certificates/key-pairs.ts';
import { type CertificatesNode, type Shown, startCertificatesNode, strange } from './certificates-node.ts';
import { addTenant } from './rest-node.ts';

const DAY_MS = 86_400_000;
let node: CertificatesNode;
before(async () => {
  node = await startCertificatesNode({ SKEIN_LIMIT_CLIENT_BURST_CONNECTS: '1000' });
});
after(() => node?.stop());

const device = async (id: string) => {
  const apiKey = await node.register(id);
  return { id, apiKey, ...(await node.issue(id)) };
};
const publish = (client: MqttClient, id: string) =>
  client.publishAsync(`devices/${id}/telemetry`, '{"temperature": 21}', { qos: 1 });
const closeOf = (client: MqttClient) => new Promise<void>(resolve => client.once('close', resolve));
const sessionOf = async (id: string) => (await node.ask(`GET /api/v1/devices/${id}/session`)).body;
/** In MQTT 5 a refusal has a number; a connection that is closed before any answer has none. */
const refusal = async (shown: Shown | undefined, options = {}): Promise<number | undefined> => {
  const error = await node.connect(shown, options).then(
    () => assert.fail('it was let in'),
    (it: Error & { code?: number }) => it,
  );
  return typeof error.code === 'number' ? error.code : undefined;
};
const NOT_VALID = 0x86;
const NO_CREDENTIALS = 0x87;

for (const [ws, protocol] of [
  [false, 'mqtts'],
  [true, 'wss'],
] as const)
  test(`over ${protocol} a device is known by its certificate alone`, async () => {
    const it = await device(`known-${protocol}`);
    const client = await node.connect(it, { ws });
    await publish(client, it.id);
    const session = await sessionOf(it.id);
    assert.deepEqual([session.status, session.protocol], ['online', protocol]);
    const { body } = await node.ask(`GET /api/v1/devices/${it.id}/telemetry/latest`);
    assert.equal(body.values.temperature.value, 21);
  });

test('a device of another organization is known as one of that', async () => {
  const key = await addTenant({ database: node.database } as never, 'acme');
  await node.register('same-id', key);
  await node.register('same-id');
  const client = await node.connect(await node.issue('same-id', key), { username: 'acme/same-id' });
  await publish(client, 'same-id');
  assert.equal((await node.ask('GET /api/v1/devices/same-id/session', { key })).body.status, 'online');
  assert.equal((await sessionOf('same-id')).status, 'offline');
});

test('a username must be the device’s, and a password does not count', async () => {
  const it = await device('named-1');
  assert.equal(await refusal(it, { username: 'named-2', password: it.apiKey }), NOT_VALID);
  for (const username of ['named-1', 'default/named-1']) await node.connect(it, { username, password: 'nothing' });
});

test('without a certificate a key is what it takes', async () => {
  const { id, apiKey } = await device('keyed-1');
  await publish(await node.connect(undefined, { username: id, password: apiKey }), id);
  assert.equal(await refusal(undefined, { username: id, password: 'wrong' }), NOT_VALID);
  assert.equal(await refusal(undefined), NO_CREDENTIALS);
});

test('a certificate that does not verify closes the connection, whatever comes with it', async () => {
  const { id, apiKey } = await device('closed-1');
  const { pem, privateKey } = await newAuthority(Date.now());
  const signingKey = await signingKeyOf(new Uint8Array(privateKey));
  const foreign = await issueWithKey(
    { id: 1, certificate: certificateOf(pem), signingKey },
    { tenant: 'default', device: id },
    { days: 5, nowMs: Date.now() },
  );
  const ofServer = await issueForServer(node.authority, [id], { days: 5, nowMs: Date.now() });
  const shown: Record<string, Shown> = {
    'of another authority': { cert: foreign.pem, key: foreign.privateKeyPem },
    expired: await strange(node, id, Date.now() - 6 * DAY_MS),
    'not good yet': await strange(node, id, Date.now() + DAY_MS),
    'of a server': { cert: ofServer.pem, key: ofServer.privateKeyPem },
  };
  for (const [which, it] of Object.entries(shown)) {
    assert.equal(await refusal(it, { username: id, password: apiKey }), undefined, which);
    assert.equal(await refusal(it, { username: id, password: apiKey, ws: true }), undefined, which);
    const line = `GET /api/v1/devices/${id}`;
    await assert.rejects(node.askOverTls(line, it, { key: apiKey }), { code: /ECONNRESET|EPIPE/ }, which);
    assert.equal((await node.askOverTls(line, undefined, { key: apiKey })).status, 200);
  }
});

test('a certificate that our authority signed and the database does not know is none', async () => {
  const { id } = await device('unknown-1');
  const it = await strange(node, id);
  assert.equal(await refusal(it), NOT_VALID);
  assert.equal((await node.askOverTls(`GET /api/v1/devices/${id}`, it)).status, 401);
});

test('over HTTPS the certificate is the credential, unless there is an Authorization', async () => {
  const it = await device('https-1');
  await node.register('https-2');
  const line = 'GET /api/v1/devices/https-1';
  assert.equal((await node.askOverTls(line, it)).body.id, 'https-1');
  assert.equal((await node.askOverTls('GET /api/v1/devices/https-2', it)).status, 403);
  assert.equal((await node.askOverTls('GET /api/v1/devices', it)).status, 403);
  assert.equal((await node.askOverTls('GET /api/v1/devices/https-2', it, { key: node.adminKey })).status, 200);
  assert.equal((await node.askOverTls(line, it, { key: 'wrong' })).status, 401);
  assert.equal((await node.askOverTls(line, undefined)).status, 401);
  const sent = await node.askOverTls('POST /api/v1/telemetry', it, { body: { values: { temperature: 5 } } });
  assert.equal(sent.status, 202);
});

test('when it is revoked its connection is closed, and it gets in no more', async () => {
  const it = await device('revoked-1');
  const { serialNumber } = it.certificate;
  assert.equal((await node.askOverTls('GET /api/v1/devices/revoked-1', it)).status, 200);
  const client = await node.connect(it);
  await publish(client, it.id);
  const closed = closeOf(client);
  const ended = new Promise<number | undefined>(resolve =>
    client.once('disconnect', packet => resolve(packet.reasonCode)),
  );
  assert.equal((await node.ask(`POST /api/v1/certificates/${serialNumber}/revoke`)).status, 200);
  assert.equal(await ended, 0x98);
  await closed;
  assert.equal(await refusal(it), NOT_VALID);
  assert.equal((await node.askOverTls('GET /api/v1/devices/revoked-1', it)).status, 401);
  // Another one of the same device is as good as before.
  await node.connect(await node.issue(it.id));
});

test('one that is revoked in the database only, without a word on the bus, ends its connection too', async () => {
  const it = await device('revoked-2');
  const client = await node.connect(it);
  const closed = closeOf(client);
  await node.database.transaction(async tx => {
    const { serialNumber } = it.certificate;
    await tx.query('UPDATE certificate SET revoked_at = now() WHERE serial_number = $1', [serialNumber]);
    await tx.query(
      `INSERT INTO revocation (kind, tenant, subject, device) VALUES ('certificate', 'default', $1, 'revoked-2')`,
      [serialNumber],
    );
  });
  await closed;
  assert.equal(await refusal(it), NOT_VALID);
});

test('the certificate of a suspended device lets nobody in until it is resumed', async () => {
  const it = await device('suspended-1');
  const lifecycle = (state: string) =>
    node.ask('POST /api/v1/devices/suspended-1/lifecycle', { body: { state, reason: 'test' } });
  const client = await node.connect(it);
  await publish(client, it.id);
  const closed = closeOf(client);
  assert.equal((await lifecycle('suspended')).status, 200);
  await closed;
  assert.equal(await refusal(it), NOT_VALID);
  assert.equal((await node.askOverTls('GET /api/v1/devices/suspended-1', it)).status, 401);
  assert.equal((await lifecycle('active')).status, 200);
  for (let tries = 0; ; tries++)
    try {
      await node.connect(it);
      break;
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(100);
    }
});
