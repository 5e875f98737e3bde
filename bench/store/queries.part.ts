/** Questions over REST, beside the same SQL by hand, over more and more datapoints. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../../adapters/database/database.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { startSkein } from '../../test/support/skein.ts';
import { HttpConnection, requestBytes } from '../load/http-connection.ts';
import { COMMAND_LIMITS_RAISED } from '../measure/raised-limits.ts';
import { DAY_MS, DEVICES, type Seeded, seedTelemetry } from './seeding.ts';
import { LIMITS_RAISED, type StoreEngine, serverOf } from './store-home.ts';

/** Milliseconds of one question. */
export type Latency = { readonly p50: number; readonly p99: number };
export type QueryRow = { readonly question: string; readonly sql: Latency; readonly rest: Latency };
export type QueryResult = { readonly datapoints: number; readonly rows: readonly QueryRow[] };

type Question = {
  readonly name: string;
  /** The statement that somebody who knows the tables writes, and its parameters for this time. */
  readonly sql: string;
  params(time: number): unknown[];
  path(time: number): string;
};
const TIMES = 300;
const WARM_UP = 50;

/** Undefined: there is no such engine here, and it was said. */
export async function measureQueries(engine: StoreEngine, datapoints: number): Promise<QueryResult | undefined> {
  const server = await serverOf(engine);
  if (server === undefined) return undefined;
  const dataDir = await mkdtemp(join(tmpdir(), 'skein-bench-queries-'));
  const env = { ...COMMAND_LIMITS_RAISED, ...(server.url !== null && { DATABASE_URL: server.url }) };
  try {
    // The first start makes the organization and its key.
    await (await startSkein({ dataDir, env })).stop();
    const database = await openDatabase({ databaseUrl: server.url ?? undefined, dataDir, limits: LIMITS_RAISED });
    const [tenant] = await database.query<{ tenant_id: number }>(`SELECT tenant_id FROM tenant WHERE slug = 'default'`);
    const seeded = await seedTelemetry(database, engine, tenant!.tenant_id, datapoints);
    const questions = questionsOf(seeded);
    const [stored] = await database.query<{ count: number }>('SELECT count(*)::int8 AS count FROM telemetry');
    const sql: Latency[] = [];
    for (const it of questions) sql.push(await byHand(database, it));
    await database.close();
    const skein = await startSkein({ dataDir, env });
    try {
      const rest: Latency[] = [];
      for (const it of questions) rest.push(await overRest(skein, it));
      const rows = questions.map(({ name }, at) => ({ question: name, sql: sql[at]!, rest: rest[at]! }));
      return { datapoints: stored!.count, rows };
    } finally {
      await skein.stop();
    }
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function questionsOf({ deviceUids, measurementIds, endMs }: Seeded): Question[] {
  const [temperature] = measurementIds;
  const device = (time: number) => (time * 7919) % DEVICES;
  const today = new Date(endMs - DAY_MS);
  const [from, to] = [new Date(endMs - 31 * DAY_MS), new Date(endMs - DAY_MS)];
  const range = `from=${from.toISOString()}&to=${to.toISOString()}`;
  const newest = `SELECT d.device, m.measurement, n.ts, n.value
    FROM unnest($1::int[]) AS d (device) CROSS JOIN unnest($2::int[]) AS m (measurement) CROSS JOIN LATERAL (
      SELECT ts, value FROM telemetry t
      WHERE t.device_uid = d.device AND t.measurement_id = m.measurement AND t.ts >= $3 AND t.ts < $4 ORDER BY ts DESC LIMIT 1) n`;
  return [
    {
      name: 'latest values of one device',
      sql: newest,
      params: time => [[deviceUids[device(time)]], measurementIds, today, new Date(endMs)],
      path: time => `/devices/d${device(time) + 1}/telemetry/latest`,
    },
    {
      name: `latest value of ${DEVICES} devices of a type`,
      sql: `SELECT d.device_id, m.name, dt.measurements -> m.name ->> 'unit' AS unit, n.ts, n.value, n.quality, n.flags, n.value_json
        FROM device d JOIN tenant USING (tenant_id) JOIN device_type dt ON dt.tenant_id = d.tenant_id AND dt.name = d.device_type
        JOIN device_measurement dm USING (device_uid) JOIN measurement m USING (measurement_id)
        CROSS JOIN LATERAL (
          SELECT * FROM telemetry t
          WHERE t.device_uid = d.device_uid AND t.measurement_id = m.measurement_id AND t.ts >= $1 AND t.ts < $2 ORDER BY ts DESC LIMIT 1) n
        WHERE slug = 'default' AND d.device_type = 'bench' AND m.name = 'temperature' ORDER BY d.device_id LIMIT 1000`,
      params: () => [today, new Date(endMs)],
      path: () => `/telemetry/latest?type=bench&measurements=temperature&limit=${DEVICES}`,
    },
    {
      name: '30 days of one measurement, by hour',
      sql: `SELECT bucket, sum / count AS avg, min, max, count FROM telemetry_1h
        WHERE device_uid = $1 AND measurement_id = $2 AND bucket >= $3 AND bucket < $4 ORDER BY bucket`,
      params: time => [deviceUids[device(time)], temperature, from, to],
      path: time =>
        `/devices/d${device(time) + 1}/telemetry?measurements=temperature&${range}&interval=1h&aggregate=avg,min,max,count&limit=1000`,
    },
    {
      name: 'a page of 1,000 readings of a month',
      sql: `SELECT ts, value FROM telemetry WHERE device_uid = $1 AND measurement_id = $2 AND ts >= $3 AND ts < $4 ORDER BY ts LIMIT 1000`,
      params: time => [deviceUids[device(time)], temperature, from, to],
      path: time => `/devices/d${device(time) + 1}/telemetry?measurements=temperature&${range}&limit=1000`,
    },
    {
      name: '30 days by day, over all devices of a type',
      sql: `SELECT bucket, sum(sum) / sum(count) AS avg FROM telemetry_1d
        WHERE device_uid = ANY ($1::int[]) AND measurement_id = $2 AND bucket >= $3 AND bucket < $4 GROUP BY bucket ORDER BY bucket`,
      params: () => [deviceUids, temperature, from, to],
      path: () => `/telemetry/aggregate?type=bench&measurement=temperature&${range}&interval=1d&aggregate=avg`,
    },
  ];
}

const byHand = (database: Database, { sql, params }: Question): Promise<Latency> =>
  timed(time => database.query(sql, params(time)));

async function overRest(
  { httpPort, adminKey }: { httpPort: number; adminKey: string },
  question: Question,
): Promise<Latency> {
  const connection = await HttpConnection.open(httpPort);
  try {
    return await timed(async time => {
      const request = requestBytes('GET', `/api/v1${question.path(time)}`, { Authorization: `Bearer ${adminKey}` }, '');
      const { status, body } = await connection.ask(request);
      if (status !== 200) throw new Error(`${question.name}: ${status} ${body.slice(0, 500)}`);
    });
  } finally {
    connection.close();
  }
}

async function timed(work: (time: number) => Promise<unknown>): Promise<Latency> {
  const took: number[] = [];
  for (let time = 0; time < WARM_UP + TIMES; time++) {
    const began = performance.now();
    await work(time);
    if (time >= WARM_UP) took.push(performance.now() - began);
  }
  took.sort((a, b) => a - b);
  return { p50: took[TIMES / 2]!, p99: took[Math.floor(TIMES * 0.99)]! };
}
