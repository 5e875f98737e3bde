import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { certificatesService } from '../../services/certificates.service.ts';
import { credentialsService } from '../../services/credentials.service.ts';
import { configurationOf } from '../../services/devices/provisioning.ts';
import { lifecycleTo, problem } from './lifecycle-device.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startRestNode({
        engine,
        env: { SKEIN_PUBLIC_URL: 'https://iot.example.org', SKEIN_MQTTS_PORT: '8883' },
      });
      for (const it of [credentialsService(node), certificatesService(node)]) node.broker.createService(it);
      await node.broker.waitForServices(['credentials', 'certificates']);
    });
    after(() => node.stop());

    const provision = (id: string, body?: object, key?: string) =>
      ask(node, `PUT /api/devices/${id}/provision`, { body, key });
    const works = async (id: string, key: string) => (await ask(node, `GET /api/v1/devices/${id}`, { key })).status;

    test('a provisioned device gets a key, a token, a certificate, and what it has to know', async () => {
      const first = await register(node, 'press-4');
      const { status, headers, body } = await provision('press-4');
      assert.equal(status, 200);
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.deepEqual([body.deviceId, body.status], ['press-4', 'provisioned']);
      assert.deepEqual(body.configuration, {
        mqttBroker: 'mqtts://iot.example.org:8883',
        httpUrl: 'https://iot.example.org',
        reportingIntervalSeconds: 60,
        topics: {
          telemetry: 'devices/press-4/telemetry',
          state: 'devices/press-4/state',
          commands: 'devices/press-4/commands',
          commandAnswers: 'devices/press-4/commands/ack',
          desired: 'devices/press-4/state/desired',
        },
      });
      const { apiKey, token, certificate } = body.credentials;
      for (const it of [apiKey, token, first]) assert.equal(await works('press-4', it), 200);
      assert.match(new X509Certificate(certificate.pem).subject, /CN=press-4/);
      assert.match(certificate.privateKey, /PRIVATE KEY/);
    });

    test('again, it gets new ones in place of those, and nothing else ends', async () => {
      const first = await register(node, 'again');
      const one = (await provision('again', { certificate: false })).body.credentials;
      assert.equal(one.certificate, undefined);
      for (const it of [one.apiKey, one.token]) assert.equal(await works('again', it), 200);
      const two = (await provision('again', { certificate: false })).body.credentials;
      for (const it of [one.apiKey, one.token]) assert.equal(await works('again', it), 401);
      for (const it of [two.apiKey, two.token, first]) assert.equal(await works('again', it), 200);
      const [, entry] = await node.database.query<{ data: { revoked: string[] } }>(
        `SELECT data FROM audit_entry WHERE act = 'device.provisioned' AND target = 'device again' ORDER BY seq`,
      );
      const tokenId = JSON.parse(Buffer.from(one.token.split('.')[1], 'base64url').toString()).jti;
      assert.deepEqual(entry!.data.revoked, [one.apiKey.split('_')[1], tokenId]);
      const { items } = (await ask(node, 'GET /api/v1/devices/again/lifecycle')).body;
      assert.deepEqual(
        items.map((it: { to: string }) => it.to),
        ['provisioned', 'registered'],
      );
    });

    test('an active device stays active, and one that is stopped gets nothing', async () => {
      await register(node, 'stopping');
      await lifecycleTo(node, 'stopping', 'active');
      assert.equal((await provision('stopping', { certificate: false })).body.status, 'active');
      for (const state of ['suspended', 'decommissioned']) {
        await lifecycleTo(node, 'stopping', state);
        assert.deepEqual(problem(await provision('stopping')), [409, 'lifecycle_conflict']);
      }
      const rows = await node.database.query(`SELECT FROM certificate WHERE common_name LIKE '%stopping%'`);
      assert.equal(rows.length, 0);
    });

    test('a device of another tenant is none, and a device provisions nothing', async () => {
      const key = await register(node, 'guarded');
      const otherKey = await addTenant(node, 'other');
      assert.deepEqual(problem(await provision('guarded', {}, otherKey)), [404, 'not_found']);
      assert.deepEqual(problem(await provision('guarded', {}, key)), [403, 'forbidden']);
      assert.equal((await ask(node, 'GET /api/v1/devices/guarded')).body.state, 'registered');
    });

    test('a request for a certificate that is none changes nothing', async () => {
      const first = await register(node, 'careful');
      assert.deepEqual(problem(await provision('careful', { csr: 'nonsense' })), [400, 'invalid_request']);
      assert.equal((await ask(node, 'GET /api/v1/devices/careful')).body.state, 'registered');
      assert.equal(await works('careful', first), 200);
    });
  });

test('without a public name a device is told the name of the certificate, and the ports that listen', () => {
  const config = {
    httpPort: 8080,
    mqttPort: 1883,
    limits: { deviceReportingIntervalSeconds: 60 },
  } as never as Parameters<typeof configurationOf>[0];
  const of = (more: object) => {
    const { mqttBroker, httpUrl } = configurationOf({ ...config, tlsNames: [], ...more }, 'x');
    return [mqttBroker, httpUrl];
  };
  assert.deepEqual(of({ tlsNames: ['*.example.org', 'iot.example.org'] }), [
    'mqtt://iot.example.org:1883',
    'http://iot.example.org:8080',
  ]);
  assert.deepEqual(of({ tlsNames: ['::1'], mqttsPort: 8883, httpsPort: 8443 }), [
    'mqtts://[::1]:8883',
    'https://[::1]:8443',
  ]);
});
