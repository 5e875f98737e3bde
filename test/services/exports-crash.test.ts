/** Nodes that die in the middle of an export, and readings that move to the archive meanwhile. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openBlobStore } from '../../adapters/blobs/open-blob-store.ts';
import type { Database } from '../../adapters/database/database.ts';
import { TelemetrySpans } from '../../adapters/database/telemetry/reading/spans.ts';
import type { ArchivedReading, ArchivedReadings } from '../../contracts/archive.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import { ExportRunner } from '../../services/exports/runner.ts';
import {
  download,
  exportWhen,
  fill,
  ndjsonRows,
  RANGE,
  SMALL_EXPORTS,
  startExportsNode,
  storedRows,
} from './exports-node.ts';
import { ask, ENGINES, type RestNode, startRestNode } from './rest-node.ts';

const NOTHING: ArchivedReadings = { ranges: async () => [], async *read() {} };

type Helping = { readonly database?: Database; readonly blobs?: BlobStore; readonly archive?: ArchivedReadings };

for (const engine of ENGINES)
  describe(`an export on ${engine}`, () => {
    let node: RestNode & { blobs: BlobStore };
    const runners: ExportRunner[] = [];
    before(async () => {
      // Its own runner has nobody's exports: those of the test are the only ones that look often.
      node = await startExportsNode({ engine, env: { SKEIN_LIMIT_EXPORT_POLL_MS: '600000' } });
      await fill(node, ['a', 'b'], 120);
    });
    after(() => node?.stop());
    afterEach(async () => {
      for (const it of runners.splice(0)) await it.stop();
    });

    const start = ({ database = node.database, blobs = node.blobs, archive = NOTHING }: Helping = {}) => {
      const limits = { ...node.config.limits, exportPollMs: 20 };
      const runner = new ExportRunner({
        database,
        blobs,
        archive,
        limits,
        log: node.log,
        instanceId: randomUUID(),
        spans: new TelemetrySpans(database),
      });
      runners.push(runner);
      runner.start();
      return runner;
    };
    /** The request is stored, and no node has begun with it. */
    const ordered = async (request: object = {}): Promise<string> => {
      const [{ tenant_id }] = (await node.database.query<{ tenant_id: number }>(
        `SELECT tenant_id FROM tenant WHERE slug = 'default'`,
      )) as [{ tenant_id: number }];
      const id = randomUUID();
      await node.database.query(
        `INSERT INTO telemetry_export (export_id, tenant_id, request, from_at, to_at, state, requested_by) VALUES ($1, $2, $3::text::jsonb, $4, $5, 'queued', 'test')`,
        [id, tenant_id, JSON.stringify({ format: 'ndjson', ...request }), RANGE.from, RANGE.to],
      );
      return id;
    };
    const ended = (id: string) => exportWhen(node, id, it => it.endedAt !== null);
    const rowsOf = async (id: string) => ndjsonRows((await download(node, id)).bytes);
    const blobsOf = async (id: string) => (await Array.fromAsync(node.blobs.list(`exports/${id}/`))).map(it => it.key);
    const partsOf = (id: string) =>
      node.database.query<{ key: string }>('SELECT key FROM telemetry_export_part WHERE export_id = $1 ORDER BY part', [
        id,
      ]);
    const overdue = (id: string) =>
      node.database.query(`UPDATE telemetry_export SET due_at = now() - interval '1 second' WHERE export_id = $1`, [
        id,
      ]);

    test('of a node that dies after it has written a part, before that is stored, goes on with another', async () => {
      const id = await ordered();
      let isDead = false;
      const died = Promise.withResolvers<void>();
      const dead = async () => {
        throw new Error('this node is dead');
      };
      const database = new Proxy(node.database, {
        get: (real, name) => {
          const value = Reflect.get(real, name);
          if (isDead && ['query', 'transaction'].includes(String(name))) return dead;
          return typeof value === 'function' ? value.bind(real) : value;
        },
      });
      let puts = 0;
      const blobs = between(node.blobs, async (put, key, body) => {
        const result = await put(key, body);
        if (++puts === 3) {
          isDead = true;
          died.resolve();
        }
        return result;
      });
      start({ database, blobs });
      await died.promise;
      assert.equal((await blobsOf(id)).length, 3);
      assert.equal((await partsOf(id)).length, 2);
      await overdue(id);
      start();
      assert.equal((await ended(id)).state, 'completed');
      assert.deepEqual(await rowsOf(id), await storedRows(node));
      assert.deepEqual(
        await blobsOf(id),
        (await partsOf(id)).map(it => it.key),
        'what the dead node wrote is removed',
      );
    });

    test('that another node has taken meanwhile gets nothing of the one that lost it', async () => {
      const id = await ordered();
      const isWriting = Promise.withResolvers<void>();
      const mayEnd = Promise.withResolvers<void>();
      let puts = 0;
      const blobs = between(node.blobs, async (put, key, body) => {
        const result = await put(key, body);
        if (++puts === 2) {
          isWriting.resolve();
          await mayEnd.promise;
        }
        return result;
      });
      const slow = start({ blobs });
      await isWriting.promise;
      await overdue(id);
      const isAhead = Promise.withResolvers<void>();
      const mayGoOn = Promise.withResolvers<void>();
      let others = 0;
      const ofOther = between(node.blobs, async (put, key, body) => {
        if (++others === 2) {
          isAhead.resolve();
          await mayGoOn.promise;
        }
        return put(key, body);
      });
      start({ blobs: ofOther });
      await isAhead.promise;
      const parts = (await partsOf(id)).map(it => it.key);
      mayEnd.resolve();
      await slow.stop();
      assert.equal(parts.length, 2);
      assert.deepEqual(await blobsOf(id), parts, 'it removes what it has written');
      mayGoOn.resolve();
      await ended(id);
      assert.deepEqual(
        (await partsOf(id)).slice(0, 2).map(it => it.key),
        parts,
      );
      assert.deepEqual(await rowsOf(id), await storedRows(node));
    });

    test('has each reading once when they are archived meanwhile', async () => {
      const expected = await storedRows(node);
      const archived: ArchivedReading[] = [];
      const move = async (where: string) => {
        const rows = await node.database.query<{
          device: number;
          measurement: number;
          us: number;
          value: number;
          quality: number;
          flags: number;
          json: unknown;
        }>(
          `DELETE FROM telemetry WHERE ${where} RETURNING device_uid AS device, measurement_id AS measurement,
             (extract(epoch FROM ts) * 1000000)::int8 AS us, value, quality, flags, value_json AS json`,
        );
        for (const it of rows)
          archived.push({
            deviceUid: it.device,
            measurementId: it.measurement,
            us: it.us,
            value: it.value,
            quality: it.quality,
            flags: it.flags,
            valueJson: it.json,
          });
        archived.sort((a, b) => a.us - b.us || a.measurementId - b.measurementId);
      };
      await move(`extract(minute FROM ts)::int % 7 = 3 AND ts < '2026-10-06' AND ts >= '2026-10-05'`);
      let asked = 0;
      const fits = (it: ArchivedReading, uids: readonly number[] | null, from: number, to: number) =>
        (uids?.includes(it.deviceUid) ?? true) && it.us >= from && it.us < to;
      const archive: ArchivedReadings = {
        async ranges(_tenant, uids, from, to) {
          // Between the question to the database and the one to the archive.
          if (++asked === 4)
            await move(`extract(minute FROM ts)::int % 2 = 1 AND ts < '2026-10-06' AND ts >= '2026-10-05'`);
          const its = archived.filter(it => fits(it, uids, from, to));
          return its.length === 0 ? [] : [{ fromUs: its[0]!.us, toUs: its.at(-1)!.us + 1 }];
        },
        async *read({ deviceUids, measurementIds, fromUs, toUs }) {
          const its = archived.filter(
            it => fits(it, deviceUids, fromUs, toUs) && measurementIds.includes(it.measurementId),
          );
          for (let i = 0; i < its.length; i += 7) yield its.slice(i, i + 7);
        },
      };
      const id = await ordered();
      start({ archive });
      await ended(id);
      assert.ok(asked > 4 && archived.length > 20);
      assert.deepEqual(await rowsOf(id), expected);
    });

    test('fails with a reason when its store has no room, however often it is tried', async () => {
      const id = await ordered();
      const { BlobError } = await import('../../contracts/blobs.ts');
      start({ blobs: between(node.blobs, async () => Promise.reject(new BlobError('full', 'no room'))) });
      const { state, reason, detail } = await ended(id);
      assert.deepEqual([state, reason, detail], ['failed', 'storage_full', 'There was no room for the file']);
      const { body } = await ask(node, `GET /api/v1/exports/${id}/file`);
      assert.equal(body.type, 'export_not_ready');
    });
  });

test('an export of many readings never has them in memory', async t => {
  const node = await startRestNode({ engine: 'postgres', env: SMALL_EXPORTS });
  t.after(() => node.stop());
  const rows = 400_000;
  await fill(node, ['big'], 1);
  await node.database.query(`SELECT telemetry_partition('telemetry', '2026-10-05'::timestamptz)`);
  await node.database.query(
    `INSERT INTO telemetry (device_uid, measurement_id, ts, value)
     SELECT device_uid, measurement_id, '2026-10-05'::timestamptz + n * interval '100 ms', n
     FROM generate_series(1, $1::int) n, device_measurement JOIN measurement m USING (measurement_id) WHERE m.name = 't' ON CONFLICT DO NOTHING`,
    [rows],
  );
  const blobs = await openBlobStore(node.config);
  let most = 0;
  let bytes = 0;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  let chunks = 0;
  const base = process.memoryUsage();
  const counting = between(blobs, (put, key, body) =>
    put(
      key,
      (async function* () {
        for await (const chunk of body) {
          bytes += chunk.byteLength;
          if (chunks++ % 20 === 0) {
            collect();
            const now = process.memoryUsage();
            most = Math.max(most, now.heapUsed + now.external - base.heapUsed - base.external);
          }
          yield chunk;
        }
      })(),
    ),
  );
  const limits = { ...node.config.limits, exportPageRows: 2_000, exportPartMaxRows: 500_000, exportTurnMs: 60_000 };
  const { exportsService } = await import('../../services/exports.service.ts');
  node.broker.createService(
    exportsService({ ...node, config: { ...node.config, limits }, blobs: counting, instanceId: randomUUID() }),
  );
  await node.broker.waitForServices(['exports']);
  const { body } = await ask(node, 'POST /api/v1/exports', {
    body: { ...RANGE, format: 'ndjson', measurements: ['t'] },
  });
  const made = await exportWhen(node, body.id, it => it.endedAt !== null);
  assert.equal(made.progress.rows, rows + 1);
  assert.ok(bytes > 40_000_000, `${bytes}`);
  assert.ok(most < 20_000_000, `${most} bytes more than before, of ${bytes}`);
});

type Put = BlobStore['put'];
/** The store, with something around what is put into it. */
function between(
  real: BlobStore,
  around: (put: Put, key: string, body: Parameters<Put>[1]) => ReturnType<Put>,
): BlobStore {
  return {
    put: (key, body) => around((...args) => real.put(...args), key, body),
    get: (...args) => real.get(...args),
    read: (...args) => real.read(...args),
    size: key => real.size(key),
    remove: key => real.remove(key),
    list: prefix => real.list(prefix),
    close: () => real.close(),
  };
}
