/** Files of history that can't be taken, and what is said of them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { importHistory, NDJSON, PARQUET, sendHistory, startHistoryNode } from './history-node.ts';
import { ask, type RestNode, register } from './rest-node.ts';

const T0 = Date.UTC(2024, 2, 1);
const iso = (minutes: number) => new Date(T0 + minutes * 60_000).toISOString();

let node: RestNode;
before(async () => {
  node = await startHistoryNode({ env: { SKEIN_LIMIT_HISTORY_IMPORTS_UNDER_WAY: '100' } });
});
after(() => node?.stop());

test('gzip is taken, and a broken one or one that grows too much is not', async () => {
  await register(node, 'gz-1');
  const file = `device,measurement,ts,value\ngz-1,a,${iso(0)},1\n`;
  const headers = { 'content-encoding': 'gzip' };
  assert.partialDeepStrictEqual(await importHistory(node, gzipSync(file), { headers }), { stored: 1 });
  const broken = await sendHistory(node, gzipSync(file).subarray(0, 30), { headers });
  assert.deepEqual([broken.status, broken.body.type], [400, 'invalid_request']);
  const none = await sendHistory(node, file, { headers });
  assert.deepEqual([none.status, none.body.type], [400, 'invalid_request']);
  const bomb = await sendHistory(node, gzipSync(Buffer.alloc(200 * 1024 * 1024, 'a')), { headers });
  assert.deepEqual([bomb.status, bomb.body.type], [413, 'too_large']);
  const other = await sendHistory(node, file, { headers: { 'content-encoding': 'br' } });
  assert.equal(other.status, 415);
});

test('a request that is no import at all is refused at once, and nothing of it stays', async () => {
  const cases: [file: string, sending: Parameters<typeof sendHistory>[2], status: number][] = [
    ['', {}, 400],
    ['\n\n', {}, 400],
    ['press-1,temperature,1,2\n', {}, 400],
    ['device,measurement,ts\n', {}, 400],
    ['device,measurement,ts,value,extra\n', {}, 400],
    ['device,deviceId,measurement,ts,value\n', {}, 400],
    ['device,ts\n', { query: '?form=wide' }, 400],
    ['"device,ts\n', {}, 400],
    ['{}', { type: 'application/json' }, 415],
    ['{}', { type: 'text/csv; charset=latin1' }, 415],
    ['{}', { type: 'application/octet-stream' }, 400],
    ['{}', { type: NDJSON, query: '?format=csv' }, 400],
    ['{}', { type: NDJSON, query: '?form=wide' }, 400],
    ['{}', { type: NDJSON, query: '?tenant=other' }, 400],
    ['{}', { type: NDJSON, query: '?dryRun=perhaps' }, 400],
  ];
  for (const [file, sending, status] of cases) {
    const answer = await sendHistory(node, file, sending);
    assert.equal(answer.status, status, `${JSON.stringify([file, sending])}: ${JSON.stringify(answer.body)}`);
  }
  const list = await ask(node, 'GET /api/v1/telemetry/imports?limit=1000');
  assert.ok(list.body.items.every((it: { state: string }) => it.state === 'completed'));
});

test('a file that is no Parquet, or a part of one, fails with a reason', async () => {
  for (const [file, reason] of [
    ['this is not Parquet at all', /not a Parquet file/],
    ['PAR1 and then nothing more of it', /end is missing/],
  ] as const) {
    const ended = await importHistory(node, file, { type: PARQUET });
    assert.equal(ended.state, 'failed');
    assert.match(ended.failure, reason);
  }
});
