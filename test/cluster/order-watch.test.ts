import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { after, before, beforeEach, test } from 'node:test';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { deviceAddress } from '../../contracts/addresses.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { brokenRules, checkOrder, installOrderWatch, type Query } from './order-watch.ts';

const MIGRATIONS = new URL('../../adapters/database/migrations/', import.meta.url);
const SHARD = deviceAddress('default', 'd1').shard;
/** Of the message with this sequence: see bench/load/payload.ts. */
const temperatureOf = (sequence: number): number => (10_000_000 + sequence) / 1e6;

let server: PostgresServer;
let client: pg.Client;
let databases = 0;
const query: Query = async (sql, params) => (await client.query(sql, params)).rows;

before(async () => {
  server = await startPostgres({ fsync: false });
  client = new pg.Client(await server.createDatabase('with_schema'));
  await client.connect();
  for (const file of (await readdir(MIGRATIONS)).sort()) await query(await readFile(new URL(file, MIGRATIONS), 'utf8'));
});
after(async () => {
  await client?.end();
  await server?.stop();
});

/** Two instances with an open lane each, one device, all shards held by the first in epoch 1. */
let a: string;
let b: string;
beforeEach(async () => {
  await client?.end();
  client = new pg.Client(await server.createDatabase(`watch_${++databases}`, 'with_schema'));
  await client.connect();
  await query(`INSERT INTO tenant (slug) SELECT 'default' WHERE NOT EXISTS (SELECT FROM tenant)`);
  await query(`INSERT INTO measurement (tenant_id, name) SELECT tenant_id, 'temperature' FROM tenant`);
  await query(`INSERT INTO device (tenant_id, device_id, state) SELECT tenant_id, 'd1', 'active' FROM tenant`);
  await installOrderWatch(query, ['d1']);
  [a, b] = [await openInstance(), await openInstance()];
  await query('UPDATE shard SET holder = $1, epoch = 1', [a]);
});

async function openInstance(): Promise<string> {
  const id = randomUUID();
  await query(
    `INSERT INTO node_session (instance_id, node_id, state, expires_at) VALUES ($1, 'n', 'open', now() + interval '1 h')`,
    [id],
  );
  await query('INSERT INTO node_lane (instance_id, lane, open) VALUES ($1, 0, true)', [id]);
  return id;
}
const give = (holder: string, epoch: number) =>
  query('UPDATE shard SET holder = $1, epoch = $2 WHERE shard_id = $3', [holder, epoch, SHARD]);
const passFence = (instance: string) =>
  query('UPDATE node_lane SET commits = commits + 1 WHERE instance_id = $1', [instance]);
const store = (sequences: readonly number[]) =>
  query(
    `INSERT INTO telemetry (device_uid, measurement_id, ts, value)
     SELECT device_uid, measurement_id, date_trunc('day', now()) + value * interval '1 s', value
     FROM device, measurement, unnest($1::float8[]) AS value ON CONFLICT DO NOTHING`,
    [sequences.map(temperatureOf)],
  );
async function commit(instance: string, ...sequences: number[]): Promise<void> {
  await query('BEGIN');
  await passFence(instance);
  await store(sequences);
  await query('COMMIT');
}
const findings = () => checkOrder(query);

test('commits of the holders in the order of the device break no rule, also when a shard comes back to its first owner', async () => {
  await commit(a, 0);
  await commit(a, 1, 2);
  await give(b, 2);
  await commit(b, 3);
  await give(a, 3);
  await commit(a, 4);
  const found = await findings();
  assert.deepEqual(brokenRules(found), []);
  assert.equal(found.messages, 5);
});

test('what COPY writes is seen like everything else', async () => {
  await query('BEGIN');
  await passFence(a);
  const stream = client.query(copyFrom('COPY telemetry (device_uid, measurement_id, ts, value) FROM STDIN'));
  stream.end(`1\t1\tnow\t${temperatureOf(7)}\n`);
  await finished(stream);
  await query('COMMIT');
  assert.equal((await findings()).messages, 1);
});

test('so is what is copied straight into a partition', async () => {
  const [row] = await query(`SELECT telemetry_partition('telemetry', now()) AS name`);
  await query('BEGIN');
  await passFence(a);
  const stream = client.query(copyFrom(`COPY ${row!.name} (device_uid, measurement_id, ts, value) FROM STDIN`));
  stream.end(`1\t1\tnow\t${temperatureOf(7)}\n`);
  await finished(stream);
  await query('COMMIT');
  assert.equal((await findings()).messages, 1);
});

test('a message that is stored already is not seen again, and one in a transaction that failed never', async () => {
  await commit(a, 0, 1);
  await commit(a, 0, 1, 2);
  await query('BEGIN');
  await passFence(a);
  await store([9]);
  await query('ROLLBACK');
  const found = await findings();
  assert.deepEqual(brokenRules(found), []);
  assert.equal(found.messages, 3);
});

test('two statements of one transaction may come in any order', async () => {
  await query('BEGIN');
  await passFence(a);
  await store([5]);
  await store([4]);
  await query('COMMIT');
  assert.deepEqual(brokenRules(await findings()), []);
});

test('a commit by somebody who does not hold the shard is found', async () => {
  await commit(b, 0);
  const { notHolder } = await findings();
  assert.equal(notHolder.count, 1);
});

test('a commit that did not pass the fence is found, also on a connection that passed it before', async () => {
  await commit(a, 0);
  await store([1]);
  assert.equal((await findings()).notHolder.count, 1);
});

test('an older owner that commits after the takeover is found, even when the record of ownership goes back with it', async () => {
  await commit(a, 0);
  await give(b, 2);
  await commit(b, 1);
  await give(a, 1);
  await commit(a, 2);
  const found = await findings();
  assert.equal(found.interleaved.count, 1);
  assert.equal(found.notHolder.count, 0);
});

test('two owners in one epoch are found', async () => {
  await commit(a, 0);
  await give(b, 1);
  await commit(b, 1);
  assert.equal((await findings()).interleaved.count, 1);
});

test('a message that is stored after a later one of its device is found', async () => {
  await commit(a, 0);
  await commit(a, 2, 3);
  await commit(a, 1);
  await commit(a, 4);
  const { outOfOrder } = await findings();
  assert.equal(outOfOrder.count, 1);
  assert.match(outOfOrder.examples[0]!, /"first_sequence":"1"/);
});

for (const [what, sql] of [
  ['of nobody', 'UPDATE shard SET holder = NULL WHERE shard_id = 3'],
  [
    'of a closed session',
    `UPDATE node_session SET state = 'closed' WHERE instance_id = (SELECT holder FROM shard LIMIT 1)`,
  ],
  [
    'of one that leaves',
    `UPDATE node_session SET state = 'leaving' WHERE instance_id = (SELECT holder FROM shard LIMIT 1)`,
  ],
  ['of one whose lease ran out', `UPDATE node_session SET expires_at = now() - interval '1 s'`],
] as const)
  test(`a shard ${what} is found`, async () => {
    assert.equal((await findings()).unheld.count, 0);
    await query(sql);
    const { unheld } = await findings();
    assert.ok(unheld.count > 0);
    assert.ok(unheld.examples.length > 0);
  });
