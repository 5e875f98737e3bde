import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { writeTelemetryParquet } from '../../adapters/parquet/write-telemetry.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { FLAGS } from '../../contracts/validation.ts';
import {
  historyEnded,
  importHistory,
  NDJSON,
  PARQUET,
  refusedLines,
  sendHistory,
  startHistoryNode,
  storedOf,
} from './history-node.ts';
import { addTenant, ask, ENGINES, type RestNode, register } from './rest-node.ts';

const T0 = Date.UTC(2024, 2, 1);
const iso = (minutes: number) => new Date(T0 + minutes * 60_000).toISOString();

for (const engine of ENGINES)
  describe(`history on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startHistoryNode({ engine, env: { SKEIN_LIMIT_HISTORY_IMPORTS_UNDER_WAY: '100' } });
    });
    after(() => node?.stop());

    test('a CSV file in the long form becomes datapoints, with their quality', async () => {
      await register(node, 'long-1');
      const ended = await importHistory(
        node,
        '\ufeffdevice_id,metric,Time,value,quality,unit\r\n' +
          `long-1,temperature,${iso(0)},21.5,,Cel\r\n` +
          `long-1,"state ""x"", of it",${T0 + 60_000},"on\r\nand on",0.5,\r\n\r\n` +
          `long-1,open,${iso(2)},true,good,\r\n` +
          `long-1,where,${iso(3)},"{""lat"": 1.5}",,\r\n`,
      );
      assert.partialDeepStrictEqual(ended, {
        ...{ format: 'csv', form: 'long', state: 'completed', dryRun: false, donePercent: 100, lines: 4, refused: 0 },
        ...{ stored: 4, duplicates: 0, flagged: 0, failure: null, reasons: {} },
      });
      assert.deepEqual(await storedOf(node, 'long-1'), [
        { name: 'temperature', ms: T0, value: 21.5, json: null, quality: null, flags: null },
        { name: 'state "x", of it', ms: T0 + 60_000, value: null, json: 'on\r\nand on', quality: 5000, flags: null },
        { name: 'open', ms: T0 + 120_000, value: 1, json: true, quality: 10_000, flags: null },
        { name: 'where', ms: T0 + 180_000, value: null, json: { lat: 1.5 }, quality: null, flags: null },
      ]);
      const { body } = await ask(node, 'GET /api/v1/devices/long-1/telemetry/latest');
      assert.equal(body.values.temperature.value, 21.5);
    });

    test('a CSV file in the wide form has a column for each measurement, whatever stands between its cells', async () => {
      await register(node, 'wide-1');
      const lines = [`wide-1;${iso(0)};1.5;`, `wide-1;${iso(1)};2.5;7`, `wide-1;${iso(2)};;`];
      const ended = await importHistory(node, `device;ts;a;b\n${lines.join('\n')}`, { query: '?form=wide' });
      assert.partialDeepStrictEqual(ended, { form: 'wide', lines: 3, stored: 3, refused: 1 });
      assert.deepEqual(
        (await refusedLines(node, ended.id)).map(it => [it.line, it.reason]),
        [[4, 'no_values']],
      );
    });

    test('NDJSON has the items of POST /telemetry, or one value in each line', async () => {
      await register(node, 'nd-1');
      const items = [
        { deviceId: 'nd-1', timestamp: iso(0), temperature: 1, open: false },
        { device_id: 'nd-1', ts: T0 + 60_000, values: { temperature: 2 }, quality: { temperature: 0.25 } },
        { deviceId: 'nd-1', timestamp: iso(2), sensorType: 'temperature', value: 3, unit: 'Cel', quality: 'bad' },
        { device: 'nd-1', timestamp: iso(3), measurement: 'temperature', value: 4 },
        { deviceId: 'nd-1', temperature: 5 },
      ];
      const ended = await importHistory(node, items.map(it => JSON.stringify(it)).join('\n'), { type: NDJSON });
      assert.partialDeepStrictEqual(ended, { lines: 5, stored: 5, refused: 1, reasons: { invalid_timestamp: 1 } });
      const stored = await storedOf(node, 'nd-1');
      assert.deepEqual(
        stored.map(it => [it.name, it.value, it.quality]),
        [
          ['open', 0, null],
          ['temperature', 1, null],
          ['temperature', 2, 2500],
          ['temperature', 3, 0],
          ['temperature', 4, null],
        ],
      );
    });

    test('a Parquet file that was exported comes back as it was, also when its type says nothing', async () => {
      await register(node, 'pq-1');
      const rows = Array.from({ length: 2_500 }, (_, i) => ({
        ...{ device: 'pq-1', measurement: i % 2 === 0 ? 'temperature' : 'open', tsUs: (T0 + i * 1000) * 1000 + 1 },
        ...(i % 2 === 0 ? { value: i / 2, text: null } : { value: 1, text: 'true' }),
        ...{ quality: null, flags: null },
      }));
      const chunks: Uint8Array[] = [];
      for await (const it of writeTelemetryParquet([rows] as never, LIMITS)) chunks.push(it);
      const file = Buffer.concat(chunks);
      for (const type of [PARQUET, 'application/octet-stream']) {
        const ended = await importHistory(node, file, { type, query: '?format=parquet' });
        const isFirst = type === PARQUET;
        assert.partialDeepStrictEqual(ended, { format: 'parquet', lines: 2_500, refused: 0, donePercent: 100 });
        assert.deepEqual([ended.stored, ended.duplicates], isFirst ? [2_500, 0] : [0, 2_500]);
      }
      const [first, second] = await storedOf(node, 'pq-1');
      assert.deepEqual([first!.ms, first!.value, second!.json], [T0 + 0.001, 0, true]);
    });

    test('the same file again stores nothing, and a line that the file has twice counts once: the first', async () => {
      await register(node, 'twice-1');
      const file = `device,measurement,ts,value\ntwice-1,a,${iso(0)},1\ntwice-1,a,${iso(0)},2\ntwice-1,a,${iso(1)},3\n`;
      assert.partialDeepStrictEqual(await importHistory(node, file), { stored: 2, duplicates: 1 });
      assert.deepEqual(
        (await storedOf(node, 'twice-1')).map(it => it.value),
        [1, 3],
      );
      const before = await node.database.query('SELECT * FROM telemetry_change ORDER BY 1, 2, 3');
      assert.partialDeepStrictEqual(await importHistory(node, file), { stored: 0, duplicates: 3 });
      assert.deepEqual(await node.database.query('SELECT * FROM telemetry_change ORDER BY 1, 2, 3'), before);
    });

    test('what a message could not have said is refused line by line, and the rest is stored', async () => {
      await register(node, 'strict-1');
      const rows = [
        `strict-1,a,${iso(0)},1`,
        `nobody,a,${iso(0)},1`,
        `,a,${iso(0)},1`,
        `strict-1,a,1709251200,1`,
        `strict-1,a,2024-02-30T00:00:00Z,1`,
        `strict-1,a,${new Date(Date.now() + 9e8).toISOString()},1`,
        `strict-1,a,,1`,
        `strict-1,a,${iso(1)},NaN`,
        `strict-1,a,${iso(1)},1e999`,
        `strict-1,a,${iso(1)},`,
        `strict-1,__proto__,${iso(1)},1`,
        `strict-1,a,${iso(2)}`,
        `strict-1,a,${iso(2)},"1`,
        `strict-1,a,${iso(3)},"x"y`,
        `strict-1,a,${iso(4)},2`,
      ];
      const ended = await importHistory(node, ['device,measurement,ts,value', ...rows].join('\n'));
      assert.partialDeepStrictEqual(ended, { state: 'completed', lines: 15, stored: 2, refused: 13, reported: 13 });
      assert.deepEqual(
        (await refusedLines(node, ended.id)).map(it => `${it.line} ${it.reason}`),
        [
          ...['3 device_unknown', '4 invalid_shape', '5 invalid_timestamp', '6 invalid_timestamp'],
          ...['7 invalid_timestamp', '8 invalid_timestamp', '9 invalid_value', '10 invalid_value', '11 no_values'],
          ...['12 invalid_name', '13 invalid_line', '14 invalid_line', '15 invalid_line'],
        ],
      );
      assert.deepEqual(ended.reasons, {
        ...{ device_unknown: 1, invalid_shape: 1, invalid_timestamp: 4, invalid_value: 2, no_values: 1 },
        ...{ invalid_name: 1, invalid_line: 3 },
      });
    });

    test('text that can not be stored is refused, be it no UTF-8, half of a character, or U+0000', async () => {
      await register(node, 'text-1');
      const line = (value: string) => `{"deviceId":"text-1","ts":${T0},"values":{"a":${value}}}\n`;
      const file = Buffer.concat([
        Buffer.from(line('"\\ud800"') + line('{"x":"\\\\ud800 is text"}') + line('"\\u0000"')),
        Buffer.from([0xff, 0xfe, 0x0a]),
        Buffer.from(line('[1,') + line(`${'{"x":'.repeat(40)}1${'}'.repeat(40)}`)),
        Buffer.from('{"deviceId":"\\u0000","ts":1}\n'),
      ]);
      const ended = await importHistory(node, file, { type: NDJSON });
      assert.partialDeepStrictEqual(ended, { state: 'completed', lines: 7, stored: 1, refused: 6 });
    });

    test('what the type of the device says counts, but for how old a value may be', async () => {
      const type = {
        measurements: {
          temperature: { type: 'number', unit: 'Cel', min: 0, max: 100 },
          pressure: { type: 'number', max: 10, outOfRange: 'flag' },
        },
        validation: {
          outOfRange: 'refuse',
          wrongUnit: 'flag',
          wrongType: 'refuse',
          tooOld: 'refuse',
          tooOldSeconds: 60,
        },
      };
      const made = await ask(node, 'PUT /api/v1/device-types/press', { body: type });
      assert.ok(made.status < 300, JSON.stringify(made.body));
      await register(node, 'typed-1', { type: 'press' });
      const rows = [
        `typed-1,temperature,${iso(0)},50,`,
        `typed-1,temperature,${iso(1)},500,`,
        `typed-1,temperature,${iso(2)},60,degF`,
        `typed-1,temperature,${iso(3)},warm,`,
        `typed-1,pressure,${iso(4)},11,`,
      ];
      const ended = await importHistory(node, ['device,measurement,ts,value,unit', ...rows].join('\n'));
      assert.partialDeepStrictEqual(ended, {
        ...{ stored: 3, flagged: 2, refused: 2 },
        reasons: { out_of_range: 1, wrong_type: 1 },
      });
      assert.deepEqual(
        (await storedOf(node, 'typed-1')).map(it => it.flags),
        [null, FLAGS.wrongUnit, FLAGS.outOfRange],
      );
    });

    test('a dry run says what would be, and changes nothing', async () => {
      await register(node, 'dry-1');
      const file = `device,measurement,ts,value\ndry-1,only-dry,${iso(0)},1\ndry-1,only-dry,x,1\n`;
      const ended = await importHistory(node, file, { query: '?dryRun=true' });
      assert.partialDeepStrictEqual(ended, { dryRun: true, state: 'completed', stored: 1, refused: 1, lines: 2 });
      assert.deepEqual(await storedOf(node, 'dry-1'), []);
      assert.deepEqual(await node.database.query(`SELECT FROM measurement WHERE name = 'only-dry'`), []);
    });

    test('devices that have ended, and measurements beyond the limit, are refused', async () => {
      for (const id of ['ended-1', 'full-1', 'off-1']) await register(node, id);
      await ask(node, 'DELETE /api/v1/devices/ended-1');
      await ask(node, 'POST /api/v1/devices/off-1/suspend', { body: {} });
      const max = node.config.limits.deviceMaxMeasurements;
      const many = Array.from({ length: max + 2 }, (_, i) => `full-1,m${i},${iso(0)},1`);
      const rows = [`ended-1,a,${iso(0)},1`, `off-1,a,${iso(0)},1`, ...many];
      const ended = await importHistory(node, ['device,measurement,ts,value', ...rows].join('\n'));
      assert.partialDeepStrictEqual(ended, {
        stored: max + 1,
        reasons: { device_inactive: 1, too_many_measurements: 2 },
      });
      const [known] = await node.database.query<{ it: number }>(
        `SELECT count(*)::int AS it FROM device_measurement JOIN device USING (device_uid) WHERE device_id = 'full-1'`,
      );
      assert.equal(known!.it, max);
    });

    test('another organization sees nothing of it, and its devices are none of ours', async () => {
      const key = await addTenant(node, `other-${engine}`);
      await register(node, 'theirs-1', {}, key);
      const ours = await importHistory(node, `device,measurement,ts,value\ntheirs-1,a,${iso(0)},1\n`);
      assert.deepEqual(ours.reasons, { device_unknown: 1 });
      const [refused] = await refusedLines(node, ours.id);
      const unknown = await importHistory(node, `device,measurement,ts,value\nnobody-1,a,${iso(0)},1\n`);
      const [nobody] = await refusedLines(node, unknown.id);
      assert.equal(refused!.detail.replace('theirs', 'nobody'), nobody!.detail);
      for (const line of ['GET /', 'GET /report', 'POST /cancel', 'DELETE /']) {
        const [method, path] = line.split(' /') as [string, string];
        const place = `/api/v1/telemetry/imports/${ours.id}${path === '' ? '' : `/${path}`}`;
        assert.equal((await ask(node, `${method} ${place}`, { key })).status, 404, line);
      }
      assert.deepEqual((await ask(node, 'GET /api/v1/telemetry/imports', { key })).body.items, []);
    });

    test('an import is listed, cancelled and removed, and its file goes with its end', async () => {
      await register(node, 'listed-1');
      const ended = await importHistory(node, `device,measurement,ts,value\nlisted-1,a,x,1\n`);
      const path = `/api/v1/telemetry/imports/${ended.id}`;
      assert.equal((await ask(node, 'GET /api/v1/telemetry/imports?limit=1')).body.items[0].id, ended.id);
      assert.equal((await ask(node, `POST ${path}/cancel`)).body.state, 'completed');
      const text = await fetch(`${node.url}${path}/report?format=ndjson`, {
        headers: { authorization: `Bearer ${node.adminKey}` },
      });
      assert.equal(JSON.parse(await text.text()).line, 2);
      const removed = await ask(node, `DELETE ${path}`);
      assert.deepEqual([removed.status, removed.body.id], [200, ended.id]);
      assert.equal((await ask(node, `GET ${path}`)).status, 404);
      for (let left = 1; left > 0; ) {
        const rows = await node.database.query(`SELECT FROM telemetry_import WHERE has_file OR state = 'removing'`);
        left = rows.length;
      }
    });

    test('the same file with the same Idempotency-Key is one import', async () => {
      await register(node, 'once-1');
      const headers = { 'idempotency-key': 'history-once' };
      const file = `device,measurement,ts,value\nonce-1,a,${iso(0)},1\n`;
      const first = await sendHistory(node, file, { headers });
      const second = await sendHistory(node, file, { headers });
      assert.deepEqual([first.status, second.status, second.body.id], [202, 202, first.body.id]);
      assert.equal((await historyEnded(node, first.body.id)).stored, 1);
      const other = await sendHistory(node, `${file}once-1,a,${iso(1)},1\n`, { headers });
      assert.equal(other.status, 409);
    });
  });
