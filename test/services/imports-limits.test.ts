import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditOf, importEnded, linesOf, sendFile, startProvisioningNode } from './provisioning-node.ts';
import { ask, type RestNode } from './rest-node.ts';

describe('limits of imports', () => {
  const limited = async (env: Record<string, string>, work: (node: RestNode) => Promise<void>) => {
    const node = await startProvisioningNode({ env });
    try {
      await work(node);
    } finally {
      await node.stop();
    }
  };

  test('a file that is too large, or has too many lines, is refused as a whole', () =>
    limited({ SKEIN_LIMIT_IMPORT_MAX_LINES: '600', SKEIN_LIMIT_IMPORT_MAX_BYTES: '100000' }, async node => {
      const lines = (count: number) => `id\n${Array.from({ length: count }, (_, i) => `l-${i}\n`).join('')}`;
      assert.equal((await sendFile(node, lines(601))).body.type, 'too_large');
      assert.equal((await sendFile(node, `id\n${'a'.repeat(100_000)}`)).body.type, 'too_large');
      let pieces = 100;
      const chunked = new ReadableStream({
        pull(controller) {
          controller.enqueue(Buffer.from('id\n'.repeat(20_000)));
          if (--pieces === 0) controller.close();
        },
      });
      const init = {
        method: 'POST',
        body: chunked,
        duplex: 'half',
        headers: { authorization: `Bearer ${node.adminKey}`, 'content-type': 'text/csv' },
      };
      const response = await fetch(`${node.url}/api/v1/devices/imports`, init as RequestInit);
      assert.equal(response.status, 413);
      await response.body?.cancel();
      assert.deepEqual(await node.database.query('SELECT FROM device_import'), []);
      assert.equal((await importEnded(node, await sendFile(node, lines(600)))).created, 600);
    }));

  test('beyond the quota of the organization nothing more is made, in a dry run neither', () =>
    limited({ SKEIN_LIMIT_TENANT_DEVICES: '5', SKEIN_LIMIT_IMPORT_PIECE_LINES: '3' }, async node => {
      const file = `id\n${Array.from({ length: 8 }, (_, i) => `q-${i}\n`).join('')}`;
      for (const query of ['?dryRun=true', '']) {
        const ended = await importEnded(node, await sendFile(node, file, { query }));
        assert.deepEqual([ended.created, ended.refused], [5, 3]);
        const lines = await linesOf(node, ended.id, '&state=refused');
        assert.deepEqual(
          lines.map(it => [it.line, it.reason]),
          [
            [7, 'quota_exceeded'],
            [8, 'quota_exceeded'],
            [9, 'quota_exceeded'],
          ],
        );
      }
    }));

  test('an import that is cancelled leaves what is pending, and others can be opened again', () =>
    limited({ SKEIN_LIMIT_IMPORTS_UNDER_WAY: '1', SKEIN_LIMIT_IMPORT_PIECE_LINES: '1' }, async node => {
      const file = `id\n${Array.from({ length: 2_000 }, (_, i) => `c-${i}\n`).join('')}`;
      const { body } = await sendFile(node, file);
      assert.equal((await sendFile(node, 'id\nother\n')).body.type, 'rate_limited');
      const cancelled = await ask(node, `POST /api/v1/devices/imports/${body.id}/cancel`);
      const { state, pending, created, endedAt } = cancelled.body;
      assert.equal(state, 'cancelled');
      assert.ok(pending > 0 && created + pending === 2_000 && endedAt !== null);
      const again = await ask(node, `POST /api/v1/devices/imports/${body.id}/cancel`);
      assert.deepEqual(again.body, cancelled.body);
      assert.equal((await importEnded(node, await sendFile(node, 'id\nother\n'))).created, 1);
      const [row] = await node.database.query<{ made: number }>(
        `SELECT count(*)::int AS made FROM device WHERE device_id LIKE 'c-%'`,
      );
      assert.equal(row!.made, created);
      const [ended] = await auditOf(node, 'import.ended');
      assert.partialDeepStrictEqual(ended!.data, { state: 'cancelled', created });
    }));
});
