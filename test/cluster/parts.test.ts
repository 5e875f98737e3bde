/** Nodes that do a part of the work each: one takes connections and has no actors, the other has actors and nothing that devices reach. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import mqtt from 'mqtt';
import { type NatsServer, startNats } from '../support/nats.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { registerDevice, type Skein, startSkein } from '../support/skein.ts';

/** What seals the secrets in the database: all nodes have the same. */
const SKEIN_SECRET_KEY = '5e'.repeat(32);
const FRONT = 'access,devices,telemetry,twins,dead-letters,health,metrics,sessions,mqtt,gateway';

describe('A front node and an actor node', () => {
  let postgres: PostgresServer;
  let nats: NatsServer;
  let front: Skein;
  let back: ServerProcess;

  const shared = () => ({ DATABASE_URL: postgres.url, NATS_URL: nats.url, SKEIN_SECRET_KEY });
  const startBack = () =>
    startServerProcess({
      nodeArguments: ['main.ts'],
      env: { ...shared(), SKEIN_NODE_ID: 'back', SKEIN_SERVICES: 'actors' },
      readyWhen: output => (/ is ready /.test(output) ? true : undefined),
      readyTimeoutMs: 30_000,
    });

  before(async () => {
    [postgres, nats] = await Promise.all([startPostgres({ fsync: false, withSchema: true }), startNats()]);
    const env = { ...shared(), SKEIN_NODE_ID: 'front', SKEIN_SERVICES: FRONT };
    [back, front] = await Promise.all([startBack(), startSkein({ env })]);
  });
  after(async () => {
    await front?.stop();
    await back?.stop();
    await Promise.all([nats?.stop(), postgres?.stop()]);
  });

  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${front.adminKey}`, 'content-type': 'application/json' };
    const answer = await fetch(`http://127.0.0.1:${front.httpPort}${path}`, { headers, ...init });
    // biome-ignore lint/suspicious/noExplicitAny: the tests look at bodies of every shape
    return { status: answer.status, body: (await answer.json()) as any };
  };

  it('together are one system: MQTT, REST and twins reach the actors over the bus', async () => {
    const { apiKey } = await registerDevice(front, 'd');
    const url = `mqtt://127.0.0.1:${front.mqttPort}`;
    const client = await mqtt.connectAsync(url, { username: 'd', password: apiKey });
    await client.publishAsync('devices/d/telemetry', '{"t": 1}', { qos: 1 });
    await client.publishAsync('devices/d/state', '{"fw": "1.0"}', { qos: 1 });
    const sent = await ask('/api/v1/telemetry', {
      method: 'POST',
      body: JSON.stringify({ deviceId: 'd', values: { u: 2 } }),
    });
    assert.deepEqual(sent, { status: 202, body: { accepted: 1, rejected: [] } });
    const { values } = (await ask('/api/v1/devices/d/telemetry/latest')).body;
    assert.deepEqual([values.t.value, values.u.value], [1, 2]);
    const desired = await ask('/api/v1/devices/d/twin/desired', { method: 'PATCH', body: '{"fw": "1.1"}' });
    assert.deepEqual(desired.body.delta, { fw: '1.1' });
    const { status, nodeId } = (await ask('/api/v1/devices/d/session')).body;
    assert.deepEqual([status, nodeId], ['online', 'front']);
    await client.endAsync();
  });

  it('go on when the actors come back on another run of their node', async () => {
    const { apiKey } = await registerDevice(front, 'e');
    await back.stop();
    // Without any owner a message waits; it is acknowledged by the next one.
    const url = `mqtt://127.0.0.1:${front.mqttPort}`;
    const client = mqtt.connect(url, { username: 'e', password: apiKey, reconnectPeriod: 200 });
    const stored = client.publishAsync('devices/e/telemetry', '{"t": 3}', { qos: 1 });
    back = await startBack();
    await stored;
    const { values } = (await ask('/api/v1/devices/e/telemetry/latest')).body;
    assert.equal(values.t.value, 3);
    await client.endAsync();
  });
});
