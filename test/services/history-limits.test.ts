import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { newKey } from '../../adapters/access/keys.ts';
import type { DeviceLimit } from '../../contracts/access.contract.ts';
import type { Permission } from '../../contracts/permissions.ts';
import { historyEnded, importHistory, refusedLines, sendHistory, startHistoryNode, storedOf } from './history-node.ts';
import { ask, ENGINES, type RestNode, register } from './rest-node.ts';

const T0 = Date.UTC(2024, 2, 1);
const HEADER = 'device,measurement,ts,value\n';
const ENV = {
  SKEIN_LIMIT_HISTORY_MAX_BYTES: '3000000',
  SKEIN_LIMIT_HISTORY_REPORT_MAX_LINES: '50',
  SKEIN_LIMIT_HISTORY_LINE_MAX_BYTES: '2000',
  SKEIN_LIMIT_HISTORY_IMPORTS_UNDER_WAY: '2',
};

for (const engine of ENGINES)
  describe(`limits of history on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startHistoryNode({ engine, env: ENV });
    });
    after(() => node?.stop());

    const keyWith = async (role: string, permissions: readonly Permission[], limit: DeviceLimit) => {
      const key = newKey('application');
      await node.database.query(
        `INSERT INTO role (tenant_id, name, permissions, device_limit)
         SELECT tenant_id, $1, $2, $3::text::jsonb FROM tenant WHERE slug = 'default'`,
        [role, permissions, JSON.stringify(limit)],
      );
      await node.database.query(
        `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
         SELECT $1, tenant_id, $2, 'test', $3 FROM tenant WHERE slug = 'default'`,
        [key.id, [role], key.hash],
      );
      return key.text;
    };

    test('a million bad lines are counted, and the first ones reported', async () => {
      await register(node, 'bad-1');
      const file = `${HEADER}${'x\n'.repeat(1_000_000)}bad-1,a,${T0},1\n`;
      const ended = await importHistory(node, file);
      assert.partialDeepStrictEqual(ended, {
        ...{ state: 'completed', lines: 1_000_001, refused: 1_000_000, stored: 1, reported: 50 },
        reasons: { invalid_line: 1_000_000 },
      });
      const first = await refusedLines(node, ended.id, '?limit=30');
      assert.deepEqual([first.length, first[0]!.line, first[29]!.line], [30, 2, 31]);
      const path = `/api/v1/telemetry/imports/${ended.id}/report`;
      const page = await ask(node, `GET ${path}?limit=30`);
      const rest = await ask(node, `GET ${path}?limit=30&cursor=${page.body.nextCursor}`);
      assert.deepEqual([rest.body.items.length, rest.body.nextCursor], [20, null]);
      assert.equal((await ask(node, `GET ${path}?cursor=x${page.body.nextCursor}`)).status, 400);
    });

    test('a huge line is refused by itself, wherever it stands', async () => {
      await register(node, 'huge-1');
      const huge = 'x'.repeat(400_000);
      const file = `${HEADER}huge-1,a,${T0},1\n${huge}\nhuge-1,a,${T0 + 1},2\nhuge-1,b,${T0},"${huge}"\nhuge-1,a,${T0 + 2},3\n${huge}`;
      const ended = await importHistory(node, file);
      assert.partialDeepStrictEqual(ended, { state: 'completed', lines: 6, stored: 3, refused: 3 });
      assert.deepEqual(
        (await refusedLines(node, ended.id)).map(it => it.line),
        [3, 5, 7],
      );
    });

    test('a file that is too large is refused, however it comes', async () => {
      const large = `${HEADER}${'bad-1,a,1,1\n'.repeat(300_000)}`;
      const plain = await sendHistory(node, large);
      assert.deepEqual([plain.status, plain.body.type], [413, 'too_large']);
      const stream = new Blob([large]).stream();
      const chunked = await fetch(`${node.url}/api/v1/telemetry/imports`, {
        ...{ method: 'POST', body: stream, duplex: 'half' },
        headers: { authorization: `Bearer ${node.adminKey}`, 'content-type': 'text/csv' },
      });
      assert.equal(chunked.status, 413);
      const packed = await sendHistory(node, gzipSync(large), { headers: { 'content-encoding': 'gzip' } });
      assert.deepEqual([packed.status, packed.body.type], [413, 'too_large']);
      for (let left = 1; left > 0; )
        left = (await node.database.query(`SELECT FROM telemetry_import WHERE state IN ('receiving', 'removing')`))
          .length;
      assert.deepEqual(await Array.fromAsync(node.blobs.list('imports/')), []);
    });

    test('an organization has so many at once and no more', async () => {
      await node.database.query(
        `INSERT INTO telemetry_import (import_id, tenant_id, format, form, state, dry_run, requested_by, due_at)
         SELECT gen_random_uuid(), tenant_id, 'csv', 'long', 'running', false, 'test', 'infinity'
         FROM tenant, generate_series(1, 2) WHERE slug = 'default'`,
      );
      const { status, body, headers } = await sendHistory(node, `${HEADER}bad-1,a,${T0},1\n`);
      assert.deepEqual([status, body.type, headers.has('retry-after')], [429, 'rate_limited', true]);
      await node.database.query(`DELETE FROM telemetry_import WHERE requested_by = 'test'`);
    });

    test('it takes the permission, which programs that send telemetry do not have', async () => {
      const key = newKey('application');
      await node.database.query(
        `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
         SELECT $1, tenant_id, '{integrator,viewer}', 'test', $2 FROM tenant WHERE slug = 'default'`,
        [key.id, key.hash],
      );
      const refused = await sendHistory(node, HEADER, { key: key.text });
      assert.deepEqual([refused.status, refused.body.type], [403, 'forbidden']);
      assert.equal((await ask(node, 'GET /api/v1/telemetry/imports', { key: key.text })).status, 403);
      const device = await register(node, 'own-1');
      assert.equal((await sendHistory(node, HEADER, { key: device })).status, 403);
    });

    test('who is limited to some devices imports theirs only, and sees no imports of others', async () => {
      await register(node, 'sensor-1', { type: 'sensor' });
      await register(node, 'pump-1', { type: 'pump' });
      const key = await keyWith('sensors', ['telemetry:import'], { types: ['sensor'] });
      const file = `${HEADER}sensor-1,a,${T0},1\npump-1,a,${T0},1\n`;
      const { body } = await sendHistory(node, file, { key });
      const ended = await historyEnded(node, body.id, key);
      assert.partialDeepStrictEqual(ended, { stored: 1, reasons: { device_unknown: 1 } });
      assert.deepEqual(await storedOf(node, 'pump-1'), []);
      const ours = await importHistory(node, file);
      assert.equal((await ask(node, `GET /api/v1/telemetry/imports/${ours.id}`, { key })).status, 404);
      assert.equal((await ask(node, `GET /api/v1/telemetry/imports/${ours.id}/report`, { key })).status, 404);
      const seen = (await ask(node, 'GET /api/v1/telemetry/imports', { key })).body.items;
      assert.deepEqual(
        seen.map((it: { id: string }) => it.id),
        [body.id],
      );
    });
  });
