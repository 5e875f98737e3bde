import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ServiceBroker } from 'moleculer';
import { readConfig } from '../../config.ts';
import type { Principal } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { sessions } from '../../contracts/sessions.contract.ts';
import { guard } from '../../mixins/access-control.ts';
import { sessionsService } from '../../services/sessions.service.ts';
import type { Subject } from '../adapters/database/engines.ts';
import { openAlone, startWithSchema } from '../adapters/database/runs.ts';
import { ownDevice, program } from '../support/principals.ts';

const AT = new Date('2026-01-01T00:00:00.123Z');
let subject: Subject;
let broker: ServiceBroker;
let tenants: number[];

before(async () => {
  subject = await startWithSchema('pglite');
  const { database } = subject;
  const rows = await database.query<{ tenant_id: number }>(
    `INSERT INTO tenant (slug) VALUES ('one'), ('two') RETURNING tenant_id`,
  );
  tenants = rows.map(row => row.tenant_id);
  for (const tenant of tenants)
    await database.query(
      `INSERT INTO device (tenant_id, device_id, state) SELECT $1, id, 'registered' FROM unnest($2::text[]) AS id`,
      [tenant, ['connected', 'left', 'never']],
    );
  await database.query(
    `INSERT INTO device_session (device_uid, session, instance_id, address, node_id, protocol, peer, connected_at, disconnected_at, reason, receives)
     SELECT device_uid, 7, $3, 'n1-address', 'n1', 'mqtt', '127.0.0.1:5', $2,
       CASE device_id WHEN 'left' THEN $2::timestamptz END, CASE device_id WHEN 'left' THEN 'client_disconnected' END, 3
     FROM device WHERE tenant_id = $1 AND device_id <> 'never'`,
    [tenants[0], AT, await openAlone(database)],
  );
  broker = new ServiceBroker({ logger: false });
  guard(broker, database);
  broker.createService(sessionsService({ config: readConfig({}), database }));
  await broker.start();
});
after(async () => {
  await broker?.stop();
  await subject?.stop();
});

const application = (tenant: number): Principal => program(tenants[tenant]!, 'x');
const get = (id: string, principal = application(0)) => call(broker, sessions.get, { id }, { meta: { principal } });

test('a connected device: where, how, and since when', async () => {
  assert.deepEqual(await get('connected'), {
    deviceId: 'connected',
    status: 'online',
    session: 7,
    nodeId: 'n1',
    protocol: 'mqtt',
    peer: '127.0.0.1:5',
    connectedAt: AT.toISOString(),
    disconnectedAt: null,
    reason: null,
    receives: ['commands', 'desired'],
  });
});

test('a device that left: when, and why', async () => {
  const { status, disconnectedAt, reason, receives } = await get('left');
  assert.deepEqual([status, disconnectedAt, reason], ['offline', AT.toISOString(), 'client_disconnected']);
  assert.deepEqual(receives, []);
});

test('a device that never connected is offline; one that does not exist, or is not a name, is not found', async () => {
  const { status, session, connectedAt } = await get('never');
  assert.deepEqual([status, session, connectedAt], ['offline', null, null]);
  for (const id of ['nobody', 'not/a name']) await assert.rejects(get(id), { type: 'not_found' });
});

test('a tenant sees nothing of the sessions of another, and a device only its own', async () => {
  assert.equal((await get('connected', application(1))).status, 'offline');
  const device: Principal = ownDevice(tenants[0]!, 'x', 'left');
  assert.equal((await get('left', device)).status, 'offline');
  await assert.rejects(get('connected', device), { type: 'forbidden' });
});

test('an application lists the devices of its tenant with their sessions, page by page', async () => {
  const list = (params: object, principal = application(0)) =>
    call(broker, sessions.list, params, { meta: { principal } });
  const first = await list({ limit: 2 });
  assert.deepEqual(first.items, [await get('connected'), await get('left')]);
  const second = await list({ limit: 2, cursor: first.nextCursor! });
  assert.deepEqual([second.items.map(it => it.deviceId), second.nextCursor], [['never'], null]);
  const online = await list({ status: 'online' });
  assert.deepEqual([online.items.map(it => it.deviceId), online.nextCursor], [['connected'], null]);
  // A cursor belongs to its filters, and to its tenant.
  await assert.rejects(list({ status: 'online', cursor: first.nextCursor! }), { type: 'invalid_request' });
  await assert.rejects(list({ cursor: first.nextCursor! }, application(1)), { type: 'invalid_request' });
  await assert.rejects(list({ status: 'gone' }), { type: 'VALIDATION_ERROR' });
  const device: Principal = ownDevice(tenants[0]!, 'x', 'left');
  await assert.rejects(list({}, device), { type: 'forbidden' });
});
