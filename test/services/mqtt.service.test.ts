import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ServiceBroker } from 'moleculer';
import { connectAsync } from 'mqtt';
import pino from 'pino';
import { readConfig } from '../../config.ts';
import { access, type Principal } from '../../contracts/access.contract.ts';
import { announce, call, implement } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { mqtt } from '../../contracts/mqtt.contract.ts';
import { Fronts } from '../../services/fronts.ts';
import { mqttService } from '../../services/mqtt.service.ts';
import { PLACE, ScriptedIngress } from '../adapters/protocols/mqtt/running-mqtt.ts';
import { ownDevice } from '../support/principals.ts';

const keys = implement(access, {
  async verify({ params: { key, username } }): Promise<Principal> {
    if (key !== 'device') throw new SkeinError('unauthorized', 'The key is not valid');
    return ownDevice(1, 'default', username!);
  },
  verifyCertificate: () => Promise.reject(new SkeinError('unauthorized', 'The certificate is not valid')),
});

/** Of the database it only reads what was revoked: mqtt-revocations.test.ts. */
const NOTHING_REVOKED = { query: async () => [] } as never;

async function start(t: TestContext) {
  const http = createServer();
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  const config = { ...readConfig({}), host: '127.0.0.1', mqttPort: 0 };
  const ingress = new ScriptedIngress();
  const broker = new ServiceBroker({ logger: false });
  broker.createService(keys);
  const log = pino({ level: 'silent' });
  broker.createService(mqttService({ config, database: NOTHING_REVOKED, log, http }, ingress, PLACE, new Fronts()));
  await broker.start();
  t.after(async () => {
    await broker.stop();
    http.close();
  });
  const { figures } = await call(broker, mqtt.health, {});
  return { broker, ingress, port: Number(figures.port), httpPort: (http.address() as AddressInfo).port };
}

test('devices connect with keys that access knows, over TCP and WebSocket, and health counts them', async t => {
  const { broker, ingress, port, httpPort } = await start(t);
  const urls = [`mqtt://127.0.0.1:${port}`, `ws://127.0.0.1:${httpPort}/mqtt`];
  const clients = await Promise.all(urls.map((url, i) => connectAsync(url, { username: `d${i}`, password: 'device' })));
  for (const [i, client] of clients.entries()) await client.publishAsync(`devices/d${i}/telemetry`, '1', { qos: 1 });
  assert.deepEqual(
    ingress.received.map(it => it.address.key),
    ['default/d0', 'default/d1'],
  );
  const { condition, figures } = await call(broker, mqtt.health, {});
  assert.deepEqual([condition, figures.connections, figures.messagesIn], ['healthy', 2, 2]);
  await assert.rejects(connectAsync(urls[0]!, { username: 'd0', password: 'guessed', reconnectPeriod: 0 }), {
    code: 4,
  });
  await Promise.all(clients.map(client => client.endAsync()));
});

test('revoked keys close the live connection of their device', async t => {
  const { broker, port } = await start(t);
  const connect = { port, host: '127.0.0.1', protocolVersion: 5, password: 'device', reconnectPeriod: 0 } as const;
  const client = await connectAsync({ ...connect, username: 'd1' });
  const other = await connectAsync({ ...connect, username: 'd2' });
  const told = new Promise<number | undefined>(resolve =>
    client.once('disconnect', packet => resolve(packet.reasonCode)),
  );
  announce(broker, access.revoked, { kind: 'device', tenant: 'default', subject: 'd1' });
  assert.equal(await told, 0x98);
  assert.ok(other.connected);
  await Promise.all([client.endAsync(true), other.endAsync()]);
});
