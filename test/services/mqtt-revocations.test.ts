/** What is revoked closes connections without a word on the bus: MQTT, access and a database with its table. */

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { ServiceBroker } from 'moleculer';
import pino from 'pino';
import { newKey } from '../../adapters/access/keys.ts';
import { VerifiedKeys } from '../../adapters/access/verified-keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { readConfig } from '../../config.ts';
import type { Revocation } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { mqtt } from '../../contracts/mqtt.contract.ts';
import { announceRevoked, revoke } from '../../mixins/revocations.ts';
import { accessService } from '../../services/access.service.ts';
import { Fronts } from '../../services/fronts.ts';
import { mqttService } from '../../services/mqtt.service.ts';
import { PLACE, ScriptedIngress } from '../adapters/protocols/mqtt/running-mqtt.ts';
import { newDataDir } from '../support/data-dir.ts';
import { connectRaw } from '../support/raw-client.ts';

let dataDir: string;
let database: Database;
/** Queries for keys of devices. */
let keyQueries = 0;
before(async () => {
  dataDir = await newDataDir('skein-mqtt-revocations-');
  const real = await openDatabase({ ...readConfig({}), dataDir });
  database = Object.assign(Object.create(real) as Database, {
    query: (sql: string, params?: unknown[]) => {
      if (sql.includes('FROM device_key')) keyQueries++;
      return real.query(sql, params);
    },
    close: () => real.close(),
  });
});
after(async () => {
  await database?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** `revocationPollMs` of an hour: the table is not read. */
async function start(t: TestContext, env: Record<string, string> = {}) {
  // Else what another test revoked a moment ago counts, as it does when a process starts.
  await database.query('DELETE FROM revocation');
  const log = pino({ level: 'silent' });
  const config = {
    ...readConfig({ SKEIN_LIMIT_REVOCATION_POLL_MS: '50', ...env }),
    dataDir,
    host: '127.0.0.1',
    mqttPort: 0,
  };
  const broker = new ServiceBroker({ logger: false });
  broker.createService(accessService({ config, database, log }, new VerifiedKeys(100, 30)));
  broker.createService(
    mqttService({ config, database, log, http: createServer() }, new ScriptedIngress(), PLACE, new Fronts()),
  );
  await broker.start();
  t.after(() => broker.stop());
  const { figures } = await call(broker, mqtt.health, {});
  return { broker, port: Number(figures.port) };
}

let made = 0;
async function addDevice(): Promise<{ id: string; key: string; keyId: string }> {
  const id = `device-${++made}`;
  const key = newKey('device');
  await database.query(
    `WITH made AS (
       INSERT INTO device (tenant_id, device_id, state) SELECT tenant_id, $1, 'registered' FROM tenant WHERE slug = 'default'
       RETURNING device_uid)
     INSERT INTO device_key (key_id, device_uid, secret_hash) SELECT $2, device_uid, $3 FROM made`,
    [id, key.id, key.hash],
  );
  return { id, key: key.text, keyId: key.id };
}
async function addApplication(): Promise<{ key: string; keyId: string }> {
  const key = newKey('application');
  await database.query(
    `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
     SELECT $1, tenant_id, '{viewer}', 'test', $2 FROM tenant WHERE slug = 'default'`,
    [key.id, key.hash],
  );
  return { key: key.text, keyId: key.id };
}

/** Let in, and so far that it will be told why it is closed: the answer to a PING is behind CONNACK. */
async function connectDevice(t: TestContext, port: number, { id, key }: { id: string; key: string }) {
  const client = await connectRaw(t, port, 5, { username: id, key });
  if (client.connack.reasonCode === 0) await client.ping();
  return client;
}
async function connectApplication(t: TestContext, port: number, { key }: { key: string }) {
  const client = await connectRaw(t, port, 5, { username: 'program', key, clientId: key.slice(-8) });
  await client.ping();
  return client;
}
const tell = (...told: Revocation[]) => revoke(database, told);
const own = { tenant: 'default' } as const;

test('a row in the table closes the connections that it is about, and no others', async t => {
  const { port } = await start(t);
  const [one, two] = [await addDevice(), await addDevice()];
  const [program, other] = [await addApplication(), await addApplication()];
  const device = await connectDevice(t, port, one);
  const application = await connectApplication(t, port, program);
  const staying = [await connectDevice(t, port, two), await connectApplication(t, port, other)];
  await tell(
    { ...own, kind: 'device_key', subject: one.keyId, device: one.id },
    { ...own, kind: 'api_key', subject: program.keyId },
  );
  for (const client of [device, application]) assert.equal((await client.nextOf('disconnect')).reasonCode, 0x98);
  for (const client of staying) await client.ping();
  await tell({ ...own, kind: 'role', subject: 'viewer' });
  assert.equal((await staying[1]!.nextOf('disconnect')).reasonCode, 0x98);
  await staying[0]!.ping();
  await tell({ ...own, kind: 'tenant', subject: 'default' });
  assert.equal((await staying[0]!.nextOf('disconnect')).reasonCode, 0x98);
});

test('without a look at the table the same row closes nothing', async t => {
  const { port } = await start(t, { SKEIN_LIMIT_REVOCATION_POLL_MS: '3600000' });
  const one = await addDevice();
  const device = await connectDevice(t, port, one);
  await tell({ ...own, kind: 'device', subject: one.id });
  await wait(500);
  await device.ping();
});

test('a revoked key does not come in by what access remembers, though access has not heard of it', async t => {
  const { port, broker } = await start(t, { SKEIN_LIMIT_REVOCATION_POLL_MS: '3600000' });
  const one = await addDevice();
  await connectDevice(t, port, one);
  await database.query('UPDATE device_key SET revoked_at = now() WHERE key_id = $1', [one.keyId]);
  assert.equal((await connectDevice(t, port, one)).connack.reasonCode, 0, 'access remembers it');
  // To MQTT alone, as when the message to access was lost.
  const revoked: Revocation = { ...own, kind: 'device_key', subject: one.keyId, device: one.id };
  broker.broadcastLocal('access.revoked', revoked, ['mqtt']);
  assert.equal((await connectDevice(t, port, one)).connack.reasonCode, 0x86);
});

test('the row of a revocation that the bus told of closes nothing that was opened after it', async t => {
  const { port, broker } = await start(t);
  const one = await addDevice();
  const device = await connectDevice(t, port, one);
  const revoked: Revocation = { ...own, kind: 'device_key', subject: 'an older key', device: one.id };
  announceRevoked(broker, [revoked]);
  assert.equal((await device.nextOf('disconnect')).reasonCode, 0x98);
  const again = await connectDevice(t, port, one);
  const witness = await addDevice();
  const last = await connectDevice(t, port, witness);
  await tell(revoked, { ...own, kind: 'device', subject: witness.id });
  assert.equal((await last.nextOf('disconnect')).reasonCode, 0x98);
  await again.ping();
  await tell(revoked);
  assert.equal((await again.nextOf('disconnect')).reasonCode, 0x98, 'a second revocation counts');
});

test('twenty connects of one device look for its key once', async t => {
  const { port } = await start(t, { SKEIN_LIMIT_CLIENT_BURST_CONNECTS: '20' });
  const one = await addDevice();
  keyQueries = 0;
  for (let i = 0; i < 20; i++) assert.equal((await connectDevice(t, port, one)).connack.reasonCode, 0);
  assert.equal(keyQueries, 1);
});

test('a key that ends while its device is connected ends the connection', async t => {
  const { port } = await start(t);
  const one = await addDevice();
  await database.query(`UPDATE device_key SET expires_at = now() + interval '1 second' WHERE key_id = $1`, [one.keyId]);
  const device = await connectDevice(t, port, one);
  assert.equal(device.connack.reasonCode, 0);
  assert.equal((await device.nextOf('disconnect')).reasonCode, 0x87);
  assert.equal((await connectDevice(t, port, one)).connack.reasonCode, 0x86);
});

test('a role that is limited to a group sees the devices of the group, as the group is', async t => {
  const { port } = await start(t, { SKEIN_LIMIT_FITTING_DEVICES_SECONDS: '1' });
  const [one, two, program] = [await addDevice(), await addDevice(), await addApplication()];
  await database.query(
    `INSERT INTO role (tenant_id, name, permissions, device_limit)
     SELECT tenant_id, 'floor', '{telemetry:read}', '{"groups": ["floor"]}' FROM tenant WHERE slug = 'default'`,
  );
  await database.query(`UPDATE api_key SET roles = '{floor}' WHERE key_id = $1`, [program.keyId]);
  await database.query(
    `WITH made AS (
       INSERT INTO device_group (tenant_id, name) SELECT tenant_id, 'floor' FROM tenant WHERE slug = 'default' RETURNING group_uid)
     INSERT INTO device_group_member (group_uid, device_uid) SELECT group_uid, device_uid FROM made, device WHERE device_id = $1`,
    [one.id],
  );
  const application = await connectApplication(t, port, program);
  application.subscribe(['devices/+/telemetry', 'devices/+/state'], 0);
  assert.deepEqual((await application.nextOf('suback')).granted, [0, 0x87]);
  const [first, second] = [await connectDevice(t, port, one), await connectDevice(t, port, two)];
  for (const [client, { id }] of [
    [second, two],
    [first, one],
  ] as const) {
    client.publish(`devices/${id}/telemetry`, id);
    await client.nextOf('puback');
  }
  assert.equal(`${(await application.nextOf('publish')).payload}`, one.id);
  await database.query(
    'INSERT INTO device_group_member SELECT group_uid, device_uid FROM device_group, device WHERE device_id = $1',
    [two.id],
  );
  for (let seen = ''; seen !== two.id; ) {
    second.publish(`devices/${two.id}/telemetry`, two.id);
    await second.nextOf('puback');
    seen = `${application.packets.at(-1)?.payload}`;
    await wait(50);
  }
});
