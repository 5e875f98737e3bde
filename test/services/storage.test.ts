/** Storage policies, legal holds and what storage takes, over REST. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call } from '../../contracts/contract.ts';
import { tiers } from '../../contracts/tiers.contract.ts';
import { legalHoldsService } from '../../services/legal-holds.service.ts';
import { storageService } from '../../services/storage.service.ts';
import { storagePoliciesService } from '../../services/storage-policies.service.ts';
import { tiersService } from '../../services/tiers.service.ts';
import { foldAll } from '../adapters/database/telemetry/telemetry-world.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

const DAY_MS = 86_400_000;
const QUICK = {
  SKEIN_LIMIT_ERASURE_SETTLE_MS: '200',
  SKEIN_LIMIT_ERASURE_POLL_MS: '50',
  SKEIN_LIMIT_STORAGE_USAGE_KEEP_SECONDS: '1',
  SKEIN_LIMIT_TIER_POLL_MS: '100000000',
};

for (const engine of ENGINES)
  describe(`storage on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    before(async () => {
      node = await startRestNode({ engine, env: QUICK });
      const parts = { ...node, instanceId: '00000000-0000-4000-8000-000000000001' as const };
      for (const it of [
        storageService(node),
        storagePoliciesService(node),
        legalHoldsService(node),
        tiersService(parts),
      ])
        node.broker.createService(it);
      await node.broker.waitForServices(['storage', 'storage-policies', 'legal-holds', 'tiers']);
      otherKey = await addTenant(node, 'other');
    });
    after(() => node?.stop());

    const policies = '/api/v1/storage/policies';
    const holds = '/api/v1/storage/legal-holds';
    const readingsOf = async (id: string) => {
      const { status, body } = await ask(node, `GET /api/v1/devices/${id}/telemetry?from=2020-01-01&limit=500`);
      assert.equal(status, 200, JSON.stringify(body));
      return body.items as unknown[];
    };
    const sendOld = async (id: string, days: number, count = 20) => {
      const startMs = (Math.floor(Date.now() / DAY_MS) - days) * DAY_MS;
      const items = Array.from({ length: count }, (_, at) => ({
        deviceId: id,
        timestamp: startMs + at * 600_000,
        values: { t: at },
      }));
      for (;;) {
        const { status, body } = await ask(node, 'POST /api/v1/telemetry', { body: items });
        if (status === 202) return assert.equal(body.accepted, count);
        assert.equal(status, 503, JSON.stringify(body));
      }
    };
    const sweep = async () => {
      await foldAll(node.database, Date.now());
      await node.database.query('UPDATE telemetry_sweep SET due_at = now()');
      return call(node.broker, tiers.sweep, {});
    };

    test('a policy is made, read, changed with its version, listed and removed', async () => {
      const made = await ask(node, `PUT ${policies}/pumps`, {
        body: { deviceType: 'pump', archiveAfterDays: 30, dropAfterDays: 90 },
      });
      assert.equal(made.status, 201);
      const { createdAt: _c, updatedAt: _u, ...said } = made.body;
      const fields = {
        description: null,
        deviceType: 'pump',
        measurement: null,
        archiveAfterDays: 30,
        dropAfterDays: 90,
        rollupsKeepDays: null,
      };
      assert.deepEqual(said, { name: 'pumps', ...fields, version: 1 });
      assert.equal((await ask(node, `GET ${policies}/pumps`)).headers.get('etag'), '"1"');
      const stale = await ask(node, `PUT ${policies}/pumps`, {
        headers: { 'if-match': '"7"' },
        body: { deviceType: 'pump', dropAfterDays: 60 },
      });
      assert.equal(stale.body.type.split('/').at(-1), 'stale_version');
      const changed = await ask(node, `PUT ${policies}/pumps`, {
        headers: { 'if-match': '"1"' },
        body: { deviceType: 'pump', dropAfterDays: 60 },
      });
      assert.deepEqual([changed.status, changed.body.archiveAfterDays, changed.body.version], [200, null, 2]);
      const twin = await ask(node, `PUT ${policies}/pumps-2`, { body: { deviceType: 'pump', dropAfterDays: 60 } });
      assert.deepEqual([twin.status, twin.body.type.split('/').at(-1)], [409, 'conflict']);
      assert.deepEqual(
        (await ask(node, `GET ${policies}`)).body.items.map((it: { name: string }) => it.name),
        ['pumps'],
      );
      assert.equal((await ask(node, `GET ${policies}/pumps`, { key: otherKey })).status, 404);
      assert.equal((await ask(node, `DELETE ${policies}/pumps`, { key: otherKey })).status, 404);
      assert.equal((await ask(node, `DELETE ${policies}/pumps`)).status, 200);
    });

    test('what makes no sense is refused', async () => {
      for (const body of [
        { archiveAfterDays: 10, dropAfterDays: 10 },
        { archiveAfterDays: 1 },
        { archiveAfterDays: 2.5 },
        { dropAfterDays: 0 },
        { dropAfterDays: '7' },
        { rollupsKeepDays: 100 },
        { dropAfterDays: 100, rollupsKeepDays: 99 },
        { archiveAfterDays: 30, rollupsKeepDays: 100 },
        { archiveAfterDays: 30, dropAfterDays: 100, rollupsKeepDays: 99 },
        { deviceType: '', dropAfterDays: 10 },
        { measurement: 'a\u0000b', dropAfterDays: 10 },
        { compressAfterDays: 5 },
      ])
        assert.equal((await ask(node, `PUT ${policies}/bad`, { body })).status, 400, JSON.stringify(body));
      for (const body of [
        {},
        { reason: 'x' },
        { deviceId: 'd', reason: '' },
        { from: 5, to: 5, reason: 'x' },
        { measurement: 't', reason: 'x', to: 1e300 },
      ])
        assert.equal((await ask(node, `POST ${holds}`, { body })).status, 400, JSON.stringify(body));
      assert.equal((await ask(node, `POST ${holds}`, { body: { deviceId: 'nobody', reason: 'x' } })).status, 404);
    });

    test('a preview counts what a policy would move, and nothing moves', async () => {
      await register(node, 'seen');
      await sendOld('seen', 12);
      const body = { measurement: 't', archiveAfterDays: 5, dropAfterDays: 400 };
      const { body: found } = await ask(node, `POST ${policies}/preview`, { body });
      assert.ok(found.archive, JSON.stringify([found, node.logged.slice(-3)]));
      assert.deepEqual([found.archive.datapoints, found.drop.datapoints, found.isComplete], [20, 0, true]);
      assert.equal((await ask(node, `POST ${policies}/preview`, { body, key: otherKey })).body.archive.datapoints, 0);
      assert.equal((await readingsOf('seen')).length, 20);
    });

    test('what was archived is still read over REST, and erasing a device takes it out of its files', async () => {
      await register(node, 'gone');
      await register(node, 'stays');
      await sendOld('gone', 14);
      await sendOld('stays', 14);
      const before = await readingsOf('stays');
      assert.equal((await ask(node, `PUT ${policies}/all`, { body: { archiveAfterDays: 5 } })).status, 201);
      assert.ok((await sweep()).archived >= 40);
      assert.deepEqual(await node.database.query(`SELECT FROM telemetry`), []);
      assert.deepEqual(await readingsOf('stays'), before);
      assert.equal((await readingsOf('gone')).length, 20);
      const usage = (await ask(node, 'GET /api/v1/storage/usage')).body;
      assert.equal(usage.of, 'system');
      assert.ok(usage.items.some((it: { kind: string; rows: number }) => it.kind === 'archive' && it.rows >= 40));
      const theirs = (await ask(node, 'GET /api/v1/storage/usage', { key: otherKey })).body;
      assert.deepEqual([theirs.of, theirs.isEstimate, theirs.bytes], ['organization', true, 0]);
      for (const it of theirs.items) assert.deepEqual([it.oldest, it.newest, it.parts], [null, null, 0]);

      const hold = await ask(node, `POST ${holds}`, { body: { deviceId: 'gone', reason: 'a lawsuit' } });
      assert.equal(hold.status, 201);
      assert.equal((await ask(node, `GET ${holds}/${hold.body.id}`, { key: otherKey })).status, 404);
      const refused = await ask(node, 'POST /api/v1/devices/gone/erase', { body: { decommission: true } });
      assert.deepEqual([refused.status, refused.body.type.split('/').at(-1)], [409, 'legal_hold']);
      assert.match(refused.body.detail, new RegExp(hold.body.id));
      assert.equal(
        (await ask(node, 'GET /api/v1/devices/gone')).body.status,
        (await ask(node, 'GET /api/v1/devices/stays')).body.status,
      );
      const released = await ask(node, `POST ${holds}/${hold.body.id}/release`, { body: { reason: 'over' } });
      assert.deepEqual([released.status, released.body.releaseReason], [200, 'over']);
      assert.equal(
        (await ask(node, `POST ${holds}/${hold.body.id}/release`, { body: { reason: 'over' } })).status,
        409,
      );
      assert.equal((await ask(node, `GET ${holds}?open=true`)).body.items.length, 0);

      const erasing = await ask(node, 'POST /api/v1/devices/gone/erase', { body: { decommission: true } });
      assert.ok(erasing.status < 300, JSON.stringify(erasing.body));
      while ((await ask(node, 'GET /api/v1/devices/gone')).body.erasure?.state !== 'done');
      assert.deepEqual(await readingsOf('stays'), before);
      const names = new Set<string>();
      const valid = new Set(
        (await node.database.query<{ key: string }>(`SELECT key FROM telemetry_archive WHERE state = 'valid'`)).map(
          it => it.key,
        ),
      );
      for await (const { key, bytes } of node.archive.files.blobs.list('archive/')) {
        assert.ok(valid.has(key), 'a file that nobody knows');
        for await (const batch of node.archive.files.read({ key, bytes }))
          for (const row of batch) names.add(row.device);
      }
      assert.ok(names.has('stays') && !names.has('gone'));
      const rollups = await node.database.query(
        `SELECT FROM telemetry_1h r JOIN device d USING (device_uid) WHERE d.device_id = 'gone' AND d.tenant_id IS NOT NULL`,
      );
      assert.deepEqual(rollups, []);
    });

    test('an erasure is done when what a process left half written is gone as well', async () => {
      await register(node, 'leaving');
      const key = 'archive/left.parquet';
      await node.blobs.put(
        key,
        (async function* () {
          yield Buffer.from('readings of leaving');
        })(),
      );
      const { tenant_id: tenant } = (
        await node.database.query<{ tenant_id: number }>(`SELECT tenant_id FROM device WHERE device_id = 'leaving'`)
      )[0]!;
      await node.database.query(
        `INSERT INTO telemetry_archive (tenant_id, day, state, key) VALUES ($1, 1, 'writing', $2)`,
        [tenant, key],
      );
      const erasing = await ask(node, 'POST /api/v1/devices/leaving/erase', { body: { decommission: true } });
      assert.ok(erasing.status < 300, JSON.stringify(erasing.body));
      const looked = `SELECT 1 AS one FROM device WHERE device_id = 'leaving' AND tenant_id = $1
        AND erasure_due_at > erasure_started_at + interval '400 ms' AND erasure_due_at > now() - interval '1 s'`;
      while (
        (await node.database.query(looked, [tenant])).length === 0 &&
        (await ask(node, 'GET /api/v1/devices/leaving')).body.erasure?.state !== 'done'
      );
      assert.notEqual((await ask(node, 'GET /api/v1/devices/leaving')).body.erasure?.state, 'done');
      await node.database.query(
        `UPDATE telemetry_archive SET changed_at = now() - interval '2 hours' WHERE key = $1 AND tenant_id = $2`,
        [key, tenant],
      );
      await sweep();
      while ((await ask(node, 'GET /api/v1/devices/leaving')).body.erasure?.state !== 'done');
      assert.equal(await node.blobs.size(key), undefined);
    });

    test('what was dropped still counts by the hour and by the day, and what comes late is added to it', async () => {
      await register(node, 'dropped');
      await sendOld('dropped', 18);
      const day = new Date((Math.floor(Date.now() / DAY_MS) - 18) * DAY_MS).toISOString().slice(0, 10);
      const bucketsOf = async (interval: string) => {
        const range = `from=${day}T00:00:00Z&to=${day}T23:00:00Z`;
        const path = interval === '1d' ? `from=${day}&to=${new Date(Date.parse(day) + DAY_MS).toISOString()}` : range;
        const { status, body } = await ask(
          node,
          `GET /api/v1/devices/dropped/telemetry?${path}&interval=${interval}&aggregate=count,sum`,
        );
        assert.equal(status, 200, JSON.stringify(body));
        return body.items.map((it: { count: number; sum: number }) => [it.count, it.sum]);
      };
      const hours = [
        [6, 15],
        [6, 51],
        [6, 87],
        [2, 37],
      ];
      await foldAll(node.database, Date.now());
      assert.deepEqual(await bucketsOf('1h'), hours);
      await ask(node, `PUT ${policies}/all`, { body: { dropAfterDays: 16 } });
      await sweep();
      assert.deepEqual(await readingsOf('dropped'), []);
      assert.deepEqual(await bucketsOf('1h'), hours);
      assert.deepEqual(await bucketsOf('1d'), [[20, 190]]);
      const late = [{ deviceId: 'dropped', timestamp: `${day}T01:02:03Z`, values: { t: 100 } }];
      while ((await ask(node, 'POST /api/v1/telemetry', { body: late })).status !== 202);
      const added = [
        [6, 15],
        [7, 151],
        [6, 87],
        [2, 37],
      ];
      assert.deepEqual(await bucketsOf('1h'), added);
      await foldAll(node.database, Date.now());
      assert.deepEqual(await bucketsOf('1h'), added);
      assert.deepEqual(await bucketsOf('1d'), [[21, 290]]);
      await sweep();
      assert.deepEqual(await readingsOf('dropped'), []);
      assert.deepEqual(await bucketsOf('1h'), added);
      assert.deepEqual(await bucketsOf('1d'), [[21, 290]]);
    });

    test('holds are for those who may, and everything is in the audit log', async () => {
      const key = await ask(node, 'POST /api/v1/storage/legal-holds', {
        key: null,
        body: { measurement: 't', reason: 'x' },
      });
      assert.equal(key.status, 401);
      const acts = await node.database.query<{ act: string }>(
        `SELECT act FROM audit_entry WHERE act LIKE 'storage%' OR act LIKE 'legal%' ORDER BY 1`,
      );
      const found = new Set(acts.map(it => it.act));
      for (const act of [
        'storage-policy.created',
        'storage-policy.changed',
        'storage-policy.removed',
        'legal-hold.created',
        'legal-hold.released',
      ])
        assert.ok(found.has(act), act);
    });
  });
