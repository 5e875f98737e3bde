import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readTelemetryParquet } from '../../adapters/parquet/read-telemetry.ts';
import type { TelemetryRow } from '../../adapters/parquet/telemetry-rows.ts';
import { LIMITS } from '../../contracts/limits.ts';
import {
  at,
  csvRows,
  download,
  type ExportsNode,
  exported,
  exportWhen,
  fill,
  ndjsonRows,
  RANGE,
  type Stored,
  startExportsNode,
  storedRows,
  unzipped,
} from './exports-node.ts';
import { addTenant, ask, ENGINES } from './rest-node.ts';

const asCsv = (it: Stored): Record<string, string> => ({
  device: it.device,
  measurement: it.measurement,
  timestamp: it.timestamp,
  value: typeof it.value === 'object' ? JSON.stringify(it.value) : String(it.value),
  unit: it.unit ?? '',
  quality: it.quality === null ? '' : String(it.quality),
});

async function parquetRows(bytes: Buffer): Promise<TelemetryRow[]> {
  const file = {
    byteLength: bytes.byteLength,
    slice: async (start: number, end: number) => new Uint8Array(bytes.subarray(start, end)).buffer,
  };
  const rows: TelemetryRow[] = [];
  for await (const batch of readTelemetryParquet(file, {}, LIMITS)) rows.push(...batch);
  return rows;
}
const asParquet = ({ device, measurement, timestamp, value, quality }: Stored) => ({
  device,
  measurement,
  tsUs: Date.parse(timestamp) * 1000,
  value: typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : null,
  text: typeof value === 'number' ? null : JSON.stringify(value),
  quality,
  flags: null,
});

for (const engine of ENGINES)
  describe(`exports on ${engine}`, () => {
    let node: ExportsNode;
    before(async () => {
      node = await startExportsNode({ engine });
      await fill(node, ['a', 'b'], 90);
      await fill(node, ['c'], 7, { type: 'press', tags: ['outdoor'] });
      await node.database.query(
        `INSERT INTO device_type (tenant_id, name, measurements) SELECT tenant_id, 'press', '{"t": {"unit": "Cel"}}' FROM tenant WHERE slug = 'default'`,
      );
    });
    after(() => node?.stop());
    const expected = async (where?: string): Promise<Stored[]> =>
      (await storedRows(node, where)).map(it =>
        it.device === 'c' && it.measurement === 't' ? { ...it, unit: 'Cel' } : it,
      );

    test('CSV has the rows that are stored, in several parts', async () => {
      const made = await exported(node, { format: 'csv' });
      const rows = await expected();
      assert.equal(made.state, 'completed', JSON.stringify(made));
      assert.deepEqual(made.progress, { rows: rows.length, share: 1 });
      const [{ parts }] = (await node.database.query<{ parts: number }>(
        'SELECT parts FROM telemetry_export WHERE export_id = $1',
        [made.id],
      )) as [{ parts: number }];
      assert.ok(parts > 3, `${parts} parts`);
      const { status, headers, bytes } = await download(node, made.id);
      assert.equal(status, 200);
      assert.equal(headers.get('content-type'), 'text/csv; charset=utf-8; header=present');
      assert.match(
        headers.get('content-disposition')!,
        /^attachment; filename="telemetry-2026-10-05-[0-9a-f]{12}\.csv"$/,
      );
      assert.equal(Number(headers.get('content-length')), made.bytes);
      assert.deepEqual(csvRows(bytes), rows.map(asCsv));
    });

    test('gzip has the same, as one file', async () => {
      const [plain, small] = [
        await exported(node, { format: 'csv' }),
        await exported(node, { format: 'csv', compression: 'gzip' }),
      ];
      const { headers, bytes } = await download(node, small.id);
      assert.equal(headers.get('content-type'), 'application/gzip');
      assert.equal(headers.get('content-encoding'), null);
      assert.match(headers.get('content-disposition')!, /\.csv\.gz"$/);
      assert.deepEqual(unzipped(bytes), (await download(node, plain.id)).bytes);
    });

    test('NDJSON has values as they are', async () => {
      const made = await exported(node, { format: 'ndjson', compression: 'gzip' });
      assert.deepEqual(ndjsonRows(unzipped((await download(node, made.id)).bytes)), await expected());
    });

    test('Parquet of many parts is one file', async () => {
      const made = await exported(node, { format: 'parquet' });
      const { headers, bytes } = await download(node, made.id);
      assert.equal(headers.get('content-type'), 'application/vnd.apache.parquet');
      assert.deepEqual(await parquetRows(bytes), (await expected()).map(asParquet));
    });

    test('only the range, the measurements and the devices that were asked for', async () => {
      const of = async (request: object) =>
        ndjsonRows((await download(node, (await exported(node, { format: 'ndjson', ...request })).id)).bytes);
      const t = (device: string) => `d.device_id = '${device}' AND m.name = 't'`;
      assert.deepEqual(
        await of({ deviceIds: ['b'], measurements: ['t'], from: at(5), to: at(20) }),
        await expected(`${t('b')} AND t.ts >= '${at(5)}' AND t.ts < '${at(20)}'`),
      );
      assert.deepEqual(await of({ deviceType: 'press' }), await expected(`d.device_id = 'c'`));
      assert.deepEqual(
        await of({ tag: 'outdoor', measurements: ['t', 'on'] }),
        await expected(`d.device_id = 'c' AND m.name IN ('t', 'on')`),
      );
      assert.deepEqual(await of({ tag: 'nowhere' }), []);
    });

    test('what has nothing in it is a file all the same', async () => {
      const none = { from: at(-100), to: at(-50) };
      for (const [format, check] of [
        [
          'csv',
          async (bytes: Buffer) =>
            assert.equal(bytes.toString(), 'device,measurement,timestamp,value,unit,quality\r\n'),
        ],
        ['ndjson', async (bytes: Buffer) => assert.equal(bytes.length, 0)],
        ['parquet', async (bytes: Buffer) => assert.deepEqual(await parquetRows(bytes), [])],
      ] as const) {
        const made = await exported(node, { format, ...none });
        assert.equal(made.state, 'completed', JSON.stringify(made));
        await check((await download(node, made.id)).bytes);
      }
    });

    test('buckets are those of REST', async () => {
      const aggregate = ['avg', 'min', 'max', 'count', 'stddev', 'p50', 'first'];
      const made = await exported(node, {
        format: 'ndjson',
        deviceIds: ['a'],
        measurements: ['t'],
        interval: '7m',
        aggregate,
        timezone: 'Europe/Berlin',
      });
      const rows = ndjsonRows((await download(node, made.id)).bytes);
      const query = `from=${RANGE.from}&to=${RANGE.to}&interval=7m&aggregate=${aggregate.join(',')}&timezone=Europe/Berlin&measurements=t&limit=1000`;
      const { body } = await ask(node, `GET /api/v1/devices/a/telemetry?${query}`);
      assert.ok(rows.length > 10);
      assert.deepEqual(
        rows,
        body.items.map(({ timestamp, measurement, ...rest }: Record<string, unknown>) => ({
          device: 'a',
          measurement,
          timestamp,
          unit: null,
          ...rest,
        })),
      );
      const parquet = await exported(node, { format: 'parquet', interval: '1h', aggregate: ['avg'] });
      assert.equal(parquet.state, 'completed', JSON.stringify(parquet));
      assert.equal((await download(node, parquet.id)).bytes.subarray(-4).toString(), 'PAR1');
    });

    test('formulas are kept as they are, or become texts when that is asked for', async () => {
      await ask(node, 'POST /api/v1/devices', { body: { id: 'evil' } });
      await ask(node, 'POST /api/v1/telemetry', {
        body: { deviceId: 'evil', timestamp: at(1), values: { cmd: '=HYPERLINK("x")', t: -1.5 } },
      });
      const of = async (more: object) =>
        csvRows(
          (await download(node, (await exported(node, { format: 'csv', deviceIds: ['evil'], ...more })).id)).bytes,
        ).map(it => it.value);
      assert.deepEqual((await of({})).sort(), ['-1.5', '=HYPERLINK("x")']);
      assert.deepEqual((await of({ escapeFormulas: true })).sort(), ['\'=HYPERLINK("x")', '-1.5']);
      await ask(node, 'POST /api/v1/devices/evil/decommission');
    });

    test('what makes no sense is refused', async () => {
      const refused = async (body: object, status: number, type: string) => {
        const answer = await ask(node, 'POST /api/v1/exports', { body: { ...RANGE, format: 'csv', ...body } });
        assert.deepEqual([answer.status, answer.body.type], [status, type], JSON.stringify([body, answer.body]));
      };
      await refused({ from: RANGE.to, to: RANGE.from }, 400, 'invalid_request');
      await refused({ from: RANGE.to }, 400, 'invalid_request');
      await refused({ format: 'xlsx' }, 400, 'invalid_request');
      await refused({ from: undefined }, 400, 'invalid_request');
      await refused({ group: 'g', tag: 't' }, 400, 'invalid_request');
      await refused({ group: 'nowhere' }, 404, 'not_found');
      await refused({ deviceIds: ['a', 'nobody'] }, 404, 'not_found');
      await refused({ deviceIds: [] }, 400, 'invalid_request');
      await refused({ deviceIds: Array.from({ length: 1001 }, (_, n) => `d${n}`) }, 413, 'too_large');
      await refused({ interval: '0s' }, 400, 'invalid_request');
      await refused({ interval: '1s', from: '2016-01-01', to: '2026-01-01' }, 422, 'too_many_buckets');
      await refused({ aggregate: ['avg'] }, 400, 'invalid_request');
      await refused({ format: 'parquet', compression: 'gzip' }, 400, 'invalid_request');
      await refused({ compression: 'zip' }, 400, 'invalid_request');
      await refused({ state: 'completed' }, 400, 'invalid_request');
      await refused({ measurements: ["x'); DROP TABLE telemetry; --\0"] }, 400, 'invalid_request');
    });

    test('an Idempotency-Key makes one export of two requests', async () => {
      const headers = { 'idempotency-key': `once-${engine}` };
      const body = { ...RANGE, format: 'csv' };
      const [one, two] = [
        await ask(node, 'POST /api/v1/exports', { body, headers }),
        await ask(node, 'POST /api/v1/exports', { body, headers }),
      ];
      assert.equal(one.status, 202);
      assert.equal(one.headers.get('location'), `/api/v1/exports/${one.body.id}`);
      assert.equal(two.body.id, one.body.id);
      await exportWhen(node, one.body.id, it => it.endedAt !== null);
    });

    test('another organization finds none of it', async () => {
      const made = await exported(node, { format: 'csv' });
      const key = await addTenant(node, `other-${engine}`);
      for (const line of [
        `GET /api/v1/exports/${made.id}`,
        `GET /api/v1/exports/${made.id}/file`,
        `DELETE /api/v1/exports/${made.id}`,
        `POST /api/v1/exports/${made.id}/cancel`,
      ])
        assert.equal((await ask(node, line, { key })).status, 404, line);
      assert.deepEqual((await ask(node, 'GET /api/v1/exports', { key })).body.items, []);
      const own = await exported(node, { format: 'ndjson' }, key);
      assert.equal(own.progress.rows, 0);
    });
  });
