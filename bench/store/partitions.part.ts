/** Whether writing, and finding a few values, takes longer where there are more partitions. */
import { readNewest } from '../../adapters/database/telemetry/newest.ts';
import { Batches } from './batches.ts';
import { DAY_MS } from './seeding.ts';
import { addDevices, type StoreHome } from './store-home.ts';

/** Milliseconds in the middle of many. */
export type PartitionsRow = {
  readonly partitions: number;
  readonly write: number;
  readonly latest: number;
  readonly hours: number;
  /** Of a statement that reads one hour, by itself: planned each time. */
  readonly planning: number;
};

const DEVICES = 300;
const BATCH = 1_000;
const TIMES = 200;

export async function measurePartitions(home: StoreHome, counts: readonly number[]): Promise<PartitionsRow[]> {
  const { database, store } = home;
  const fleet = await addDevices(home, DEVICES);
  const todayMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  // After now, so that every batch is new, and of hours that are not over.
  const batches = new Batches(home.tenantId, fleet, Math.ceil(Date.now() / 3_600_000) * 3_600_000);
  const rows: PartitionsRow[] = [];
  let made = 0;
  for (const count of counts) {
    for (; made < count; made++) await addDay(home, fleet.uids, fleet.measurementIds[0]!, todayMs - made * DAY_MS);
    await database.query('ANALYZE telemetry');
    const device = (time: number) => fleet.uids[(time * 7919) % DEVICES]!;
    const day = todayMs / DAY_MS;
    const measurement = fleet.measurementIds[0]!;
    const range = [new Date(todayMs - DAY_MS), new Date(todayMs)];
    const sql = `SELECT date_trunc('hour', ts, 'UTC'), avg(value) FROM telemetry
      WHERE device_uid = $1 AND measurement_id = $2 AND ts >= $3 AND ts < $4 GROUP BY 1`;
    const made1 = Array.from({ length: TIMES }, () => batches.make(BATCH));
    rows.push({
      partitions: count,
      write: await middle(time => store.commit(0, made1[time]!.effects, false)),
      latest: await middle(time => readNewest(database, [{ device: device(time), measurement, day }])),
      hours: await middle(time => database.query(sql, [device(time), measurement, ...range])),
      planning: await planningMs(home, sql, [device(1), measurement, ...range]),
    });
  }
  return rows;
}

async function addDay(
  { database }: StoreHome,
  devices: readonly number[],
  measurement: number,
  dayMs: number,
): Promise<void> {
  await database.query(`SELECT telemetry_partition('telemetry', to_timestamp($1::float8 / 1000))`, [dayMs]);
  await database.query(
    `INSERT INTO telemetry (device_uid, measurement_id, ts, value)
     SELECT d, $2::int, to_timestamp($3::float8 / 1000) + step * interval '10 min', step FROM unnest($1::int[]) d, generate_series(0, 143) step
     ON CONFLICT DO NOTHING`,
    [devices, measurement, dayMs],
  );
}

async function planningMs({ database }: StoreHome, sql: string, params: unknown[]): Promise<number> {
  const texts = params.map(it => (it instanceof Date ? `'${it.toISOString()}'` : String(it)));
  const plain = sql.replace(/\$(\d)/g, (_, at) => texts[Number(at) - 1]!);
  const took: number[] = [];
  for (let time = 0; time < 50; time++) {
    const [row] = await database.query<{ 'QUERY PLAN': unknown }>(`EXPLAIN (SUMMARY, FORMAT JSON) ${plain}`);
    const plan = row!['QUERY PLAN'];
    const [parsed] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as { 'Planning Time': number }[];
    took.push(parsed!['Planning Time']);
  }
  return took.sort((a, b) => a - b)[25]!;
}

async function middle(work: (time: number) => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    const began = performance.now();
    await work(time);
    took.push(performance.now() - began);
  }
  return took.sort((a, b) => a - b)[TIMES / 2]!;
}
