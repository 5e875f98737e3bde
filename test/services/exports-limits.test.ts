/** Who may make and see which exports, how many and how large they may be, and how they end. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { ServiceSchema } from 'moleculer';
import { newKey } from '../../adapters/access/keys.ts';
import { BUILT_IN_ROLES } from '../../contracts/permissions.ts';
import { exportsService } from '../../services/exports.service.ts';
import { groupsService } from '../../services/groups.service.ts';
import {
  at,
  download,
  type ExportsNode,
  exported,
  exportWhen,
  fill,
  ndjsonRows,
  RANGE,
  startExportsNode,
} from './exports-node.ts';
import { ask, type RestNode, register } from './rest-node.ts';

async function keyWith(
  node: RestNode,
  role: string,
  limit: object | null,
  permissions: readonly string[] = BUILT_IN_ROLES.operator.permissions,
) {
  const key = newKey('application');
  await node.database.query(
    `INSERT INTO role (tenant_id, name, permissions, device_limit) SELECT tenant_id, $1, $2, $3::text::jsonb FROM tenant WHERE slug = 'default'`,
    [role, permissions, limit === null ? null : JSON.stringify(limit)],
  );
  await node.database.query(
    `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash) SELECT $1, tenant_id, $2, 'test', $3 FROM tenant WHERE slug = 'default'`,
    [key.id, [role], key.hash],
  );
  return key.text;
}

describe('exports', () => {
  let node: ExportsNode;
  before(async () => {
    node = await startExportsNode({
      env: { SKEIN_LIMIT_EXPORTS_UNDER_WAY_MAX: '2', SKEIN_LIMIT_EXPORT_MAX_ROWS: '1000' },
    });
    node.broker.createService(groupsService(node));
    await node.broker.waitForServices(['groups']);
    await fill(node, ['s1', 's2'], 30, { type: 'sensor' });
    await fill(node, ['p1'], 30, { type: 'pump', tags: ['red'] });
    await ask(node, 'PUT /api/v1/groups/hall', { body: {} });
    await ask(node, 'PUT /api/v1/groups/hall/devices/s1');
  });
  after(() => node?.stop());
  const devicesIn = async (id: string, key?: string) => [
    ...new Set(ndjsonRows((await download(node, id, {}, 'GET', key)).bytes).map(it => it.device)),
  ];

  test('of who sees some devices only have those, whatever is asked for', async () => {
    const sensors = await keyWith(node, 'sensors', { types: ['sensor'] });
    const hall = await keyWith(node, 'hall', { groups: ['hall'] });
    const all = await exported(node, { format: 'ndjson' });
    const mine = await exported(node, { format: 'ndjson' }, sensors);
    assert.deepEqual(await devicesIn(all.id), ['s1', 's2', 'p1']);
    assert.deepEqual(await devicesIn(mine.id, sensors), ['s1', 's2']);
    assert.deepEqual(
      await devicesIn((await exported(node, { format: 'ndjson', tag: 'red' }, sensors)).id, sensors),
      [],
    );
    const { status } = await ask(node, 'POST /api/v1/exports', {
      key: sensors,
      body: { ...RANGE, format: 'csv', deviceIds: ['p1'] },
    });
    assert.equal(status, 404);
    for (const [line, key] of [
      [`GET /api/v1/exports/${all.id}`, sensors],
      [`GET /api/v1/exports/${all.id}/file`, sensors],
      [`DELETE /api/v1/exports/${all.id}`, sensors],
      [`GET /api/v1/exports/${mine.id}/file`, hall],
    ] as const)
      assert.equal((await ask(node, line, { key })).status, 404, line);
    const listed = (await ask(node, 'GET /api/v1/exports', { key: sensors })).body.items.map(
      (it: { id: string }) => it.id,
    );
    assert.ok(listed.includes(mine.id) && !listed.includes(all.id));
    assert.ok((await ask(node, 'GET /api/v1/exports')).body.items.some((it: { id: string }) => it.id === mine.id));
  });

  test('narrow again when they run: a device that has left the group is not in it', async () => {
    const hall = await keyWith(node, 'hall-2', { groups: ['hall'] });
    const stop = await holdingUp(node);
    const { body } = await ask(node, 'POST /api/v1/exports', { key: hall, body: { ...RANGE, format: 'ndjson' } });
    await ask(node, 'DELETE /api/v1/groups/hall/devices/s1');
    await ask(node, 'PUT /api/v1/groups/hall/devices/p1');
    await stop();
    await exportWhen(node, body.id, it => it.endedAt !== null, hall);
    assert.deepEqual(await devicesIn(body.id, hall), ['p1']);
  });

  test('take a permission, and making them another one', async () => {
    const viewer = await keyWith(node, 'looks', null, BUILT_IN_ROLES.viewer.permissions);
    const nobody = await keyWith(node, 'nothing', null, ['devices:read']);
    const made = await exported(node, { format: 'ndjson' });
    assert.equal((await ask(node, `GET /api/v1/exports/${made.id}`, { key: viewer })).status, 200);
    assert.equal(
      (await ask(node, 'POST /api/v1/exports', { key: viewer, body: { ...RANGE, format: 'csv' } })).status,
      403,
    );
    assert.equal((await ask(node, `GET /api/v1/exports/${made.id}`, { key: nobody })).status, 403);
    const device = await register(node, 'own-key');
    assert.equal((await ask(node, 'GET /api/v1/exports', { key: device })).status, 403);
    for (const role of ['operator', 'integrator'] as const)
      assert.ok((BUILT_IN_ROLES[role].permissions as readonly string[]).includes('exports:write'));
  });

  test('are so many at a time, and not more', async () => {
    const stop = await holdingUp(node);
    const body = { ...RANGE, format: 'csv' };
    const ids: string[] = [];
    for (let n = 0; n < 2; n++) ids.push((await ask(node, 'POST /api/v1/exports', { body })).body.id);
    const refused = await ask(node, 'POST /api/v1/exports', { body });
    assert.deepEqual([refused.status, refused.body.type], [409, 'quota_exceeded']);
    const cancelled = await ask(node, `POST /api/v1/exports/${ids[0]}/cancel`);
    assert.deepEqual([cancelled.status, cancelled.body.state], [200, 'cancelled']);
    assert.equal((await ask(node, `POST /api/v1/exports/${ids[0]}/cancel`)).body.state, 'cancelled');
    const again = await ask(node, 'POST /api/v1/exports', { body });
    assert.equal(again.status, 202);
    await stop();
    for (const id of [ids[1]!, again.body.id])
      assert.equal((await exportWhen(node, id, it => it.endedAt !== null)).state, 'completed');
    assert.equal((await ask(node, `GET /api/v1/exports/${ids[0]}/file`)).body.type, 'export_not_ready');
  });

  test('fail when they are too large, and nothing of the file stays', async () => {
    await fill(node, ['large'], 800);
    const made = await exported(node, { format: 'ndjson' });
    assert.deepEqual([made.state, made.reason], ['failed', 'too_large']);
    assert.match(made.detail, /1000 rows/);
    await nothingLeft(node, made.id);
    assert.equal((await ask(node, `GET /api/v1/exports/${made.id}`)).body.state, 'failed');
  });

  test('go with their files when they are removed, and when their time is over', async () => {
    const [one, two] = [
      await exported(node, { format: 'csv', to: at(3) }),
      await exported(node, { format: 'csv', to: at(3) }),
    ];
    assert.equal(Date.parse(one.expiresAt) - Date.parse(one.endedAt), 7 * 86_400_000);
    assert.equal((await ask(node, `DELETE /api/v1/exports/${one.id}`)).body.id, one.id);
    assert.equal((await ask(node, `GET /api/v1/exports/${one.id}/file`)).status, 404);
    await node.database.query(`UPDATE telemetry_export SET expires_at = now(), due_at = now() WHERE export_id = $1`, [
      two.id,
    ]);
    for (const { id } of [one, two]) {
      await nothingLeft(node, id);
      for (const untilMs = Date.now() + 10_000; ; ) {
        const rows = await node.database.query('SELECT 1 AS one FROM telemetry_export WHERE export_id = $1', [id]);
        if (rows.length === 0) break;
        assert.ok(Date.now() < untilMs);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    }
  });

  test('are written down: who made them, downloaded them, removed them', async () => {
    const made = await exported(node, { format: 'csv', to: at(3) });
    await download(node, made.id);
    await ask(node, `DELETE /api/v1/exports/${made.id}`);
    const rows = await node.database.query<{ act: string }>(
      'SELECT act FROM audit_entry WHERE target = $1 ORDER BY seq',
      [`export ${made.id}`],
    );
    assert.deepEqual(
      rows.map(it => it.act),
      ['export.created', 'export.ended', 'export.downloaded', 'export.removed'],
    );
  });
});

/** No export has a turn until what it gives is called. */
async function holdingUp(node: ExportsNode): Promise<() => Promise<void>> {
  const replace = async (schema: ServiceSchema) => {
    await node.broker.destroyService(node.broker.getLocalService('exports'));
    node.broker.createService(schema);
    await node.broker.waitForServices(['exports']);
  };
  const schema = () => exportsService({ ...node, instanceId: randomUUID() });
  await replace({ ...schema(), started: () => {}, stopped: () => {} });
  return () => replace(schema());
}

async function nothingLeft(node: ExportsNode, id: string): Promise<void> {
  for (const untilMs = Date.now() + 10_000; ; ) {
    const left = await Array.fromAsync(node.blobs.list(`exports/${id}/`));
    if (left.length === 0) return;
    assert.ok(Date.now() < untilMs, `${left.length} files are left`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
