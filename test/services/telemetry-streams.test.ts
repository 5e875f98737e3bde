import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type RestNode, register, startRestNode } from './rest-node.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const ROWS = 300_000;
const PAGE = 5_000;
const MEBIBYTE = 1024 * 1024;

describe('a streamed series', () => {
  let node: RestNode;
  /** Pages that were asked for after the first one of an answer. */
  let pages = 0;
  before(async () => {
    node = await startRestNode({ engine: 'postgres' });
    await register(node, 'long');
    await node.database.query(`SELECT telemetry_partition('telemetry', '2026-11-01')`);
    await node.database.query(`INSERT INTO measurement (tenant_id, name) SELECT tenant_id, 'value' FROM tenant`);
    await node.database.query(
      `INSERT INTO telemetry (device_uid, measurement_id, ts, value)
       SELECT device_uid, measurement_id, timestamptz '2026-11-01' + n * interval '200 milliseconds', n
       FROM device, measurement, generate_series(0, ${ROWS - 1}) AS n`,
    );
    await node.database.query(
      `INSERT INTO device_measurement SELECT device_uid, measurement_id, date '2026-11-01' - date '1970-01-01' FROM device, measurement`,
    );
    await node.database.query(
      `INSERT INTO telemetry_change SELECT DISTINCT device_uid, measurement_id, date_bin('1 hour', ts, 'epoch') FROM telemetry`,
    );
    const { broker } = node;
    const call = broker.call.bind(broker);
    broker.call = ((name: string, ...rest: unknown[]) => {
      if (name === 'telemetry.series') pages++;
      return (call as (...args: unknown[]) => unknown)(name, ...rest);
    }) as typeof broker.call;
  });
  after(() => node.stop());

  async function open(query = '', accept = 'application/x-ndjson'): Promise<IncomingMessage> {
    pages = 0;
    const request = get(`${node.url}/api/v1/devices/long/telemetry?${query}`, {
      headers: { authorization: `Bearer ${node.adminKey}`, accept },
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  }
  /** When the server has stopped asking for pages. */
  async function settled(): Promise<number> {
    for (let before = -1; before !== pages; ) {
      before = pages;
      await sleep(300);
    }
    return pages;
  }

  test('has all rows in their order, and only some of them are in memory at once', async () => {
    const response = await open();
    assert.equal(response.headers['content-type'], 'application/x-ndjson');
    collectGarbage();
    const base = process.memoryUsage();
    let lines = 0;
    let most = 0;
    let last = -1;
    for await (const line of createInterface({ input: response })) {
      const { value } = JSON.parse(line);
      assert.equal(value, last + 1);
      last = value;
      if (++lines % 25_000 !== 0) continue;
      collectGarbage();
      const now = process.memoryUsage();
      most = Math.max(most, now.heapUsed + now.external - base.heapUsed - base.external);
    }
    assert.equal(lines, ROWS);
    assert.equal(pages, ROWS / PAGE);
    // As text alone all of it would be 40 MiB.
    assert.ok(most < 15 * MEBIBYTE, `${most / MEBIBYTE} MiB`);
  });

  test('waits for a client that does not read, and ends with a client that leaves', async () => {
    const response = await open('stream=true', '*/*');
    await once(response, 'readable');
    const waiting = await settled();
    assert.ok(waiting < ROWS / PAGE / 2, `${waiting} pages`);
    response.destroy();
    assert.ok((await settled()) <= waiting + 1);
  });

  test('of buckets goes on to the last of them', async () => {
    const response = await open('interval=1s&aggregate=count');
    let count = 0;
    let lines = 0;
    for await (const line of createInterface({ input: response })) {
      count += JSON.parse(line).count;
      lines++;
    }
    assert.deepEqual([count, lines], [ROWS, ROWS / 5]);
  });

  test('that fails on its way ends the connection, so that a part is not taken for the whole', async () => {
    const response = await open();
    await once(response, 'readable');
    await settled();
    await node.database.query(`UPDATE device SET device_id = 'renamed' WHERE device_id = 'long'`);
    await assert.rejects(async () => {
      for await (const _chunk of response);
    }, /aborted|ECONNRESET/);
    await node.database.query(`UPDATE device SET device_id = 'long' WHERE device_id = 'renamed'`);
  });
});
