import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { certificatesService } from '../../services/certificates.service.ts';
import { credentialsService } from '../../services/credentials.service.ts';
import { devicesService } from '../../services/devices.service.ts';
import { problem } from './lifecycle-device.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

/** What stays of an erased device, and what of it there may be. */
const STAYS: Record<string, string> = {
  device: 'the id stays reserved',
  device_lifecycle: 'states and times, without reasons',
  certificate: 'serial numbers, which are revoked',
  device_import_line: 'that a line was done, without what it said',
  telemetry_import_refusal: 'its id in the report of an import, without what the line said',
  provisioning_device: 'that the id was listed',
  legal_hold: 'that it was held, and why: made by people, and never removed',
};
const QUICK = {
  SKEIN_LIMIT_ERASURE_SETTLE_MS: '300',
  SKEIN_LIMIT_ERASURE_POLL_MS: '50',
  SKEIN_LIMIT_ERASURE_BATCH_ROWS: '3',
};

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    before(async () => {
      node = await startRestNode({ engine, env: QUICK });
      for (const it of [credentialsService(node), certificatesService(node)]) node.broker.createService(it);
      await node.broker.waitForServices(['credentials', 'certificates']);
      otherKey = await addTenant(node, 'other');
    });
    after(() => node.stop());

    const get = async (id: string) => (await ask(node, `GET /api/v1/devices/${id}`)).body;
    const erase = (id: string, body?: object, key?: string) =>
      ask(node, `POST /api/v1/devices/${id}/erase`, { body, key });
    const erased = async (id: string) => {
      for (;;) {
        const device = await get(id);
        if (device.erasure?.state === 'done') return device;
      }
    };
    const sql = (text: string, params: unknown[] = []) => node.database.query<Record<string, unknown>>(text, params);

    /** Something in every table that knows devices, by the ways that there are for it, and where there is none here, as a row. */
    const fill = async (id: string, key?: string) => {
      const fields = {
        name: 'Of Mr Smith',
        location: { address: 'His street' },
        metadata: { owner: 'Smith' },
        tags: ['his'],
      };
      const apiKey = await register(node, id, { ...fields, capabilities: ['lock'] }, key);
      const send = (body: unknown) => ask(node, 'POST /api/v1/telemetry', { key: apiKey, body });
      for (const t of [1, 2, 3, 4, 5, 6, 7]) await send({ messageId: `m${t}`, values: { t, u: t } });
      await send({ timestamp: 'nonsense', values: { t: 1 } });
      await ask(node, `PATCH /api/v1/devices/${id}/twin/desired`, { key, body: { owner: 'Smith' } });
      await ask(node, `POST /api/v1/devices/${id}/certificates`, { key, body: {} });
      const [row] = await sql(
        'SELECT device_uid, tenant_id FROM device d JOIN tenant USING (tenant_id) WHERE device_id = $1 AND (slug = $2)',
        [id, key === undefined ? 'default' : 'other'],
      );
      const uid = row!.device_uid;
      const tenant = row!.tenant_id;
      const name = `of ${id} ${tenant}`;
      await sql(`SELECT telemetry_partition('telemetry_1m', now())`);
      const rollup = (table: string) =>
        `INSERT INTO ${table} SELECT $1::int8, 7, now(), 1, 1, 1, 1, 0, 1, 1 WHERE $2::int > 0 AND $3 <> '' AND $4 <> ''`;
      for (const statement of [
        ...['telemetry_1m', 'telemetry_1h', 'telemetry_1d'].map(rollup),
        `INSERT INTO telemetry_removed SELECT $1::int8, 7, '{[1,2)}' WHERE $2::int > 0 AND $3 <> '' AND $4 <> ''`,
        `WITH h AS (
           INSERT INTO legal_hold (hold_id, tenant_id, device_id, reason, made_by, released_at)
           SELECT gen_random_uuid(), $2, $4, 'x', 'x', now() WHERE $3 <> '' RETURNING hold_id)
         INSERT INTO legal_hold_device SELECT hold_id, $1::int8 FROM h`,
        `INSERT INTO device_session SELECT $1, 1, gen_random_uuid(), 'a', 'n', 'mqtt', '10.1.2.3:4', now() WHERE $2::int > 0 AND $3 <> '' AND $4 <> ''`,
        `INSERT INTO command (command_id, tenant_id, device_uid, shard, name, parameters, mode, priority, requested_by, created_at, deadline_at, state,
           attempt, transitions, ended_at)
         SELECT gen_random_uuid(), $2, $1, 0, 'c', '{}', 'retry', 1, 'x', now(), now(), 'failed', 1, '[]', now() FROM generate_series(1, 7)
         WHERE $3 <> '' AND $4 <> ''`,
        `WITH g AS (INSERT INTO device_group (tenant_id, name) SELECT $2, $3 WHERE $4 <> '' RETURNING group_uid)
         INSERT INTO device_group_member SELECT group_uid, $1 FROM g`,
        `WITH j AS (
           INSERT INTO job (job_id, tenant_id, kind, target, request, state, total, pending, requested_by, created_at, due_at, ended_at)
           SELECT gen_random_uuid(), $2, 'command', '{}', '{}', 'completed', 1, 0, 'x', now(), now(), now() WHERE $3 <> '' AND $4 <> '' RETURNING job_id)
         INSERT INTO job_item (job_id, device_uid, state) SELECT job_id, $1, 'done' FROM j`,
        `INSERT INTO asset (tenant_id, id, name, device_id) SELECT $2, $3, 'his house', $4 WHERE $1::int8 > 0`,
        `WITH i AS (
           INSERT INTO device_import (import_id, tenant_id, format, dry_run, state, total, requested_by)
           SELECT gen_random_uuid(), $2, 'csv', false, 'done', 1, 'x' WHERE $3 <> '' AND $1::int8 > 0 RETURNING import_id)
         INSERT INTO device_import_line (import_id, line, content, state, device_id, detail, sealed)
         SELECT import_id, 1, '{"name": "Smith"}', 'done', $4, 'Smith', '\\x00' FROM i`,
        `WITH i AS (
           INSERT INTO telemetry_import (import_id, tenant_id, format, form, dry_run, state, requested_by)
           SELECT gen_random_uuid(), $2, 'csv', 'long', false, 'completed', 'x' WHERE $3 <> '' AND $1::int8 > 0 RETURNING import_id)
         INSERT INTO telemetry_import_refusal (import_id, line, device_id, reason, detail) SELECT import_id, 1, $4, 'x', 'Smith' FROM i`,
      ])
        await sql(statement, [uid, tenant, name, id]);
      return { apiKey, uid, tenant };
    };

    /** Every table that names devices, by the database's own catalogue, with how many rows it has of this one. */
    const rowsOf = async ({ uid, tenant }: { uid: unknown; tenant: unknown }, id: string) => {
      const columns = await sql(
        `SELECT c.table_name AS name, max(c.column_name) FILTER (WHERE c.column_name LIKE 'device%') AS by, bool_or(c.column_name = 'tenant_id') AS has_tenant
         FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND c.column_name IN ('device_uid', 'device_id', 'tenant_id')
         GROUP BY c.table_name HAVING bool_or(c.column_name <> 'tenant_id') ORDER BY 1`,
      );
      const counts: Record<string, number> = {};
      for (const { name, by, has_tenant } of columns as { name: string; by: string; has_tenant: boolean }[]) {
        const which = by === 'device_uid' ? '$1::int8' : '$2::text';
        const own = by === 'device_id' && has_tenant ? 'AND tenant_id = $3::int' : 'AND $3::int > 0';
        const [row] = await sql(
          `SELECT count(*) AS count FROM ${name} WHERE ${by} = ${which} AND $1::int8 > 0 AND $2::text <> '' ${own}`,
          [uid, id, tenant],
        );
        counts[name] = row!.count as number;
      }
      return counts;
    };

    test('nothing stays of an erased device but its id, and nothing of another device goes', async () => {
      const his = await fill('his');
      const neighbour = await fill('neighbour');
      const theirs = await fill('his', otherKey);
      const before = await rowsOf(his, 'his');
      const empty = Object.keys(before).filter(name => before[name] === 0 && name !== 'provisioning_device');
      assert.deepEqual(
        empty,
        [],
        'this test puts nothing into these tables, so it can not see whether they are erased',
      );
      const others = [await rowsOf(neighbour, 'neighbour'), await rowsOf(theirs, 'his')];

      const answer = await erase('his', { decommission: true });
      assert.equal(answer.status, 202);
      assert.partialDeepStrictEqual(answer.body, { state: 'decommissioned', name: null, location: null, metadata: {} });
      const device = await erased('his');
      assert.partialDeepStrictEqual(device, { name: null, location: null, metadata: {}, tags: [], capabilities: [] });
      assert.equal(device.erasedAt, device.erasure.doneAt);

      const after = await rowsOf(his, 'his');
      const left = Object.keys(after).filter(name => after[name]! > 0);
      assert.deepEqual(
        left.filter(name => !Object.hasOwn(STAYS, name)),
        [],
      );
      const kept = await sql(
        `SELECT to_jsonb(x)::text AS text FROM (
           SELECT to_jsonb(d) FROM device d WHERE device_uid = $1 UNION ALL
           SELECT to_jsonb(l) FROM device_lifecycle l WHERE device_uid = $1 UNION ALL
           SELECT to_jsonb(c) FROM certificate c WHERE device_uid = $1 UNION ALL
           SELECT to_jsonb(i) FROM device_import_line i JOIN device_import USING (import_id) WHERE device_id = 'his' AND tenant_id = $2 UNION ALL
           SELECT to_jsonb(r) FROM telemetry_import_refusal r JOIN telemetry_import USING (import_id) WHERE device_id = 'his' AND tenant_id = $2) x`,
        [his.uid, his.tenant],
      );
      assert.ok(!/Smith|street/i.test(JSON.stringify(kept)), JSON.stringify(kept));
      assert.deepEqual(
        await sql('SELECT 1 AS one FROM certificate WHERE device_uid = $1 AND revoked_at IS NULL', [his.uid]),
        [],
      );
      assert.deepEqual([await rowsOf(neighbour, 'neighbour'), await rowsOf(theirs, 'his')], others);
    });

    test('nobody can send or say anything for it again, and its id stays taken', async () => {
      const { apiKey, ...names } = await fill('over');
      await erase('over', { decommission: true });
      const item = { deviceId: 'over', values: { t: 1 } };
      assert.equal((await ask(node, 'POST /api/v1/telemetry', { key: apiKey, body: item })).status, 401);
      assert.deepEqual((await ask(node, 'POST /api/v1/telemetry', { body: item })).body, {
        accepted: 0,
        rejected: [{ index: 0, reason: 'device_unknown' }],
      });
      const desired = await ask(node, 'PATCH /api/v1/devices/over/twin/desired', { body: { a: 1 } });
      assert.ok([404, 409].includes(desired.status), String(desired.status));
      assert.deepEqual(problem(await ask(node, 'PATCH /api/v1/devices/over', { body: { name: 'x' } })), [
        409,
        'lifecycle_conflict',
      ]);
      assert.deepEqual(problem(await ask(node, 'POST /api/v1/devices', { body: { id: 'over' } })), [409, 'conflict']);
      await erased('over');
      const after = await rowsOf(names, 'over');
      assert.deepEqual(
        Object.keys(after).filter(name => after[name]! > 0 && !Object.hasOwn(STAYS, name)),
        [],
      );
    });

    test('what was still under way when it began is erased too, before it is called done', async () => {
      const { uid } = await fill('racing');
      await erase('racing', { decommission: true });
      while ((await sql('SELECT 1 AS one FROM device_token WHERE device_uid = $1', [uid])).length > 0);
      // Its tables were gone through once. As a message that another node had already taken:
      await sql('INSERT INTO telemetry SELECT $1, min(measurement_id), now(), 1 FROM measurement', [uid]);
      await erased('racing');
      assert.deepEqual(await sql('SELECT 1 AS one FROM telemetry WHERE device_uid = $1', [uid]), []);
    });

    test('a node that was not told of the erasure of a device that had ended before finds out by itself', async () => {
      const { uid } = await fill('untold');
      await ask(node, 'DELETE /api/v1/devices/untold');
      const refusal = async () => {
        const body = { deviceId: 'untold', values: { t: 1 } };
        return (await ask(node, 'POST /api/v1/telemetry', { body })).body.rejected[0].reason;
      };
      const look = 'SELECT 1 AS one FROM revocation WHERE subject = $1 AND at > now() - interval $$1200 ms$$';
      while ((await sql(look, ['untold'])).length > 0);
      assert.equal(await refusal(), 'device_inactive');
      const { broadcast } = node.broker;
      node.broker.broadcast = (() => Promise.resolve()) as never;
      try {
        assert.equal((await erase('untold')).status, 202);
      } finally {
        node.broker.broadcast = broadcast;
      }
      // Its actor is loaded, and stores a dead letter for each of these.
      while ((await refusal()) !== 'device_unknown');
      await erased('untold');
      assert.deepEqual(await sql('SELECT 1 AS one FROM telemetry WHERE device_uid = $1', [uid]), []);
    });

    test('only a decommissioned device is erased, unless both are asked for', async () => {
      await register(node, 'alive', { name: 'kept' });
      for (const body of [undefined, {}, { decommission: false }])
        assert.deepEqual(problem(await erase('alive', body)), [409, 'lifecycle_conflict']);
      assert.partialDeepStrictEqual(await get('alive'), { name: 'kept', state: 'registered', erasure: null });
      await ask(node, 'DELETE /api/v1/devices/alive');
      assert.equal((await erase('alive')).body.erasure.state, 'running');
    });

    test('asking again changes nothing', async () => {
      await register(node, 'twice');
      const first = (await erase('twice', { decommission: true })).body;
      const again = (await erase('twice', { decommission: true })).body;
      assert.equal(again.erasure.startedAt, first.erasure.startedAt);
      const done = await erased('twice');
      assert.deepEqual((await erase('twice')).body, done);
      const acts = await sql(`SELECT act FROM audit_entry WHERE target = 'device twice' ORDER BY seq`);
      assert.deepEqual(
        acts.map(it => it.act),
        ['device.registered', 'device.decommissioned', 'device.erased', 'device.erasure_completed'],
      );
    });

    test('an erasure goes on when its process stopped in the middle', async () => {
      const { uid } = await fill('interrupted');
      await node.broker.destroyService(node.broker.getLocalService('devices')!);
      // As a run that had begun, and died: its time is over.
      await sql(
        `UPDATE device SET state = 'decommissioned', erasure_started_at = now(), erasure_due_at = now() WHERE device_uid = $1`,
        [uid],
      );
      node.broker.createService(devicesService(node));
      await node.broker.waitForServices('devices');
      await erased('interrupted');
      assert.deepEqual(await sql('SELECT 1 AS one FROM telemetry WHERE device_uid = $1', [uid]), []);
    });

    test('a job that still counts on the device is waited for', async () => {
      const { uid } = await fill('waited');
      await sql(`UPDATE job_item SET state = 'pending' WHERE device_uid = $1`, [uid]);
      await erase('waited', { decommission: true });
      while (
        (
          await sql(
            `SELECT 1 AS one FROM device WHERE device_uid = $1 AND erasure_started_at < now() - interval '600 ms'`,
            [uid],
          )
        ).length === 0
      );
      assert.equal((await get('waited')).erasure.state, 'running');
      await sql(`UPDATE job_item SET state = 'refused' WHERE device_uid = $1`, [uid]);
      await erased('waited');
    });

    test('another tenant and the device itself erase nothing', async () => {
      const key = await register(node, 'guarded', { name: 'kept' });
      await ask(node, 'POST /api/v1/devices', { key: otherKey, body: { id: 'guarded-2' } });
      assert.deepEqual(problem(await erase('guarded', { decommission: true }, otherKey)), [404, 'not_found']);
      assert.deepEqual(problem(await erase('guarded', { decommission: true }, key)), [403, 'forbidden']);
      assert.partialDeepStrictEqual(await get('guarded'), { name: 'kept', state: 'registered' });
    });
  });
