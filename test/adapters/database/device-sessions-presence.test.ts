/** Which devices are online, as far as the database knows, on both engines. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Database } from '../../../adapters/database/database.ts';
import { closeInstance } from '../../../adapters/database/node-sessions.ts';
import { listPresence, type PresenceFilter, readPresence } from '../../../adapters/database/presence.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { ENGINE_NAMES, type Subject } from './engines.ts';
import { forgetAll, type Joined, join, letLeaseRunOut, openAlone, startWithSchema } from './runs.ts';

const AT = new Date('2026-01-01T00:00:00.123Z');
const GRACE_MS = LIMITS.presenceGraceSeconds * 1_000;

for (const engine of ENGINE_NAMES)
  describe(`presence on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    let tenants: number[];
    let node: Joined;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
      const rows = await database.query<{ tenant_id: number }>(
        `INSERT INTO tenant (slug) VALUES ('one'), ('two') RETURNING tenant_id`,
      );
      tenants = rows.map(row => row.tenant_id);
      for (const tenant of tenants)
        await database.query(
          `INSERT INTO device (tenant_id, device_id, state) SELECT $1, id, 'registered' FROM unnest($2::text[]) AS id`,
          [tenant, ['a', 'b', 'never']],
        );
    });
    after(() => subject?.stop());
    beforeEach(async () => {
      await forgetAll(database);
      node = await join(database, 'n1');
      await connect('a', node.instanceId);
      await connect('b', node.instanceId);
    });
    const connect = (device: string, instanceId: string) =>
      database.query(
        `INSERT INTO device_session (device_uid, session, instance_id, address, node_id, protocol, peer, connected_at)
         SELECT device_uid, 7, $3, 'n1-address', 'n1', 'mqtt', '127.0.0.1:5', $4 FROM device
         WHERE tenant_id = $1 AND device_id = $2
         ON CONFLICT (device_uid) DO UPDATE SET instance_id = excluded.instance_id, disconnected_at = NULL, reason = NULL`,
        [tenants[0], device, instanceId, AT],
      );
    const disconnect = (device: string) =>
      database.query(
        `UPDATE device_session SET disconnected_at = $2, reason = 'keep alive' FROM device
         WHERE device.device_uid = device_session.device_uid AND device_id = $1`,
        [device, AT],
      );
    const read = (...devices: string[]) => readPresence(database, tenants[0]!, devices, LIMITS);
    const statusOf = async (device: string) => (await read(device)).get(device)?.status;
    const closedAgo = (ms: number) =>
      database.query(
        `UPDATE node_session SET closed_at = clock_timestamp() - $1::float8 * interval '1 millisecond' WHERE closed_at IS NOT NULL`,
        [ms],
      );

    it('tells of each device that exists what its newest session is', async () => {
      await database.query('UPDATE device_session SET receives = 3');
      await disconnect('b');
      const found = await read('never', 'b', 'a', 'nobody');
      const session = {
        session: 7,
        nodeId: 'n1',
        protocol: 'mqtt',
        peer: '127.0.0.1:5',
        connectedAt: AT,
        disconnectedAt: null,
        reason: null,
      };
      const nothing = Object.fromEntries(Object.keys(session).map(key => [key, null]));
      assert.deepEqual(
        [...found.values()],
        [
          { deviceId: 'a', status: 'online', ...session, receives: 3 },
          { deviceId: 'b', status: 'offline', ...session, disconnectedAt: AT, reason: 'keep alive', receives: 0 },
          { deviceId: 'never', status: 'offline', ...nothing, receives: 0 },
        ],
      );
      assert.equal((await read()).size, 0);
    });

    it('lists the devices of a tenant by status and by node, by their ids, from any of them on', async () => {
      const list = async (filter: PresenceFilter, after?: string, limit = 10, tenant = tenants[0]!) =>
        (await listPresence(database, tenant, filter, after, limit, LIMITS)).map(it => `${it.deviceId} ${it.status}`);
      assert.deepEqual(await list({}), ['a online', 'b online', 'never offline']);
      assert.deepEqual(await list({}, 'a', 1), ['b online']);
      await disconnect('b');
      assert.deepEqual(await list({ status: 'online' }), ['a online']);
      assert.deepEqual(await list({ status: 'offline' }), ['b offline', 'never offline']);
      assert.deepEqual(await list({ nodeId: 'n1' }), ['a online', 'b offline']);
      assert.deepEqual(await list({ status: 'online', nodeId: 'n2' }), []);
      assert.deepEqual(await list({ status: 'online' }, undefined, 10, tenants[1]!), []);
      await letLeaseRunOut(database, node.instanceId, 0);
      assert.deepEqual(await list({ status: 'online' }), []);
      assert.deepEqual(await list({ status: 'unknown' }), ['a unknown']);
      await letLeaseRunOut(database, node.instanceId, GRACE_MS);
      assert.deepEqual(await list({ status: 'unknown' }), []);
      assert.deepEqual(await list({ status: 'offline' }), ['a offline', 'b offline', 'never offline']);
    });

    it('tells nothing of devices of another tenant', async () => {
      const other = await readPresence(database, tenants[1]!, ['a', 'b'], LIMITS);
      assert.deepEqual(
        [...other.values()].map(one => [one.status, one.session]),
        [
          ['offline', null],
          ['offline', null],
        ],
      );
    });

    it('is unknown while the lease of the process has run out just now, and offline later', async () => {
      await letLeaseRunOut(database, node.instanceId, 0);
      assert.equal(await statusOf('a'), 'unknown');
      await letLeaseRunOut(database, node.instanceId, GRACE_MS - 20_000);
      assert.equal(await statusOf('a'), 'unknown');
      await letLeaseRunOut(database, node.instanceId, GRACE_MS);
      assert.equal(await statusOf('a'), 'offline');
      // A process that slept is there again.
      await node.store.renew({ reachable: true, leaving: false });
      assert.equal(await statusOf('a'), 'online');
    });

    it('is unknown when the process was closed just now, and offline later', async () => {
      await closeInstance(database, node.instanceId);
      assert.equal(await statusOf('a'), 'unknown');
      await closedAgo(GRACE_MS);
      assert.equal(await statusOf('a'), 'offline');
    });

    it('counts from the end of the lease when the process was closed only later', async () => {
      await letLeaseRunOut(database, node.instanceId, GRACE_MS);
      await node.store.closeExpired(node.instanceId, 0);
      assert.equal(await statusOf('a'), 'offline');
    });

    it('counts from the closing of a process whose lease has no end', async () => {
      await node.store.close();
      await forgetAll(database);
      const alone = await openAlone(database);
      await connect('a', alone);
      await database.query(`UPDATE node_session SET expires_at = 'infinity'`);
      assert.equal(await statusOf('a'), 'online');
      await closeInstance(database, alone);
      assert.equal(await statusOf('a'), 'unknown');
      await closedAgo(GRACE_MS);
      assert.equal(await statusOf('a'), 'offline');
    });

    it('is offline after a disconnect, whatever the process does', async () => {
      await disconnect('a');
      assert.equal(await statusOf('a'), 'offline');
      await closeInstance(database, node.instanceId);
      assert.equal(await statusOf('a'), 'offline');
    });

    it('is offline when nothing is known of the process any more', async () => {
      await database.query('DELETE FROM node_lane');
      await database.query('DELETE FROM node_session');
      assert.equal(await statusOf('a'), 'offline');
    });
  });
