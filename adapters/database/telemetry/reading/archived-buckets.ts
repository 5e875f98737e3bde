/** Buckets of which some readings are no longer in the database: those are added to what the database says. */
import type { ArchivedReading } from '../../../../contracts/archive.ts';
import type { Database, Row } from '../../database.ts';
import { microsOf } from '../days.ts';
import { inRollups, ROLLUP_MAX } from '../rollups.sql.ts';
import type { BucketQuery } from './bucket-statement.ts';
import { moment, type Range } from './moments.ts';
import type { Part } from './plan.ts';
import { type Restriction, restrictionSql } from './readings.ts';
import { type BucketRow, PERCENTILES, together } from './statistics.ts';
import type { Steps } from './steps.ts';

export type ArchivedPart = {
  /** What is archived, in the order of time. */
  readonly ranges: readonly Range[];
  read(range: Range): AsyncGenerator<readonly ArchivedReading[]>;
  /** Values that may be in memory at once, for percentiles. Rejects when there are more. */
  readonly check: (values: number) => void;
};

/** @param read what the database says of the window */
export async function withArchived(
  database: Database,
  archived: ArchivedPart,
  query: BucketQuery,
  parts: readonly Part[],
  steps: Steps,
  read: () => Promise<BucketRow[]>,
): Promise<{ rows: BucketRow[]; archived: boolean }> {
  const gone = parts.filter(it => it.kind === 'readings').flatMap(part => overlaps(archived.ranges, part));
  if (gone.length === 0) return { rows: await read(), archived: false };
  const gathered = new Gathered(query, steps, archived.check);
  const ofDatabase =
    query.needs.percentiles.length > 0 ? await addReadings(database, query, parts, gathered) : await read();
  for (const range of gone)
    for await (const batch of archived.read(range))
      for (const it of batch)
        if (isWanted(it, query.restriction)) gathered.add(it.deviceUid, it.measurementId, it.us, it.value!);
  return { rows: ordered(merged([...ofDatabase, ...gathered.rows()]), query), archived: true };
}

export const overlaps = (ranges: readonly Range[], { fromUs, toUs }: Range): Range[] =>
  ranges
    .map(it => ({ fromUs: Math.max(it.fromUs, fromUs), toUs: Math.min(it.toUs, toUs) }))
    .filter(it => it.fromUs < it.toUs);

/** As SQL says it: readings.ts. */
export function isWanted(it: ArchivedReading, { minQuality, flagged, numbers = true }: Restriction): boolean {
  if (numbers && (it.value === null || Math.abs(it.value) > ROLLUP_MAX)) return false;
  if (minQuality !== undefined && (it.quality === null || it.quality < minQuality)) return false;
  const isFlagged = it.flags !== null && it.flags !== 0;
  return flagged === undefined || isFlagged === (flagged === 'only');
}

/** Readings by their buckets. They come in the order of time, so the bucket of one is mostly that of the one before. */
class Gathered {
  readonly #query: BucketQuery;
  readonly #steps: Steps;
  readonly #check: (values: number) => void;
  readonly #rows = new Map<string, BucketRow>();
  readonly #values = new Map<string, number[]>();
  #count = 0;
  #fromUs = Number.NaN;
  #toUs = Number.NaN;

  constructor(query: BucketQuery, steps: Steps, check: (values: number) => void) {
    this.#query = query;
    this.#steps = steps;
    this.#check = check;
  }

  add(deviceUid: number, measurementId: number, us: number, value: number): void {
    if (!(us >= this.#fromUs && us < this.#toUs)) {
      this.#fromUs = this.#steps.floor(us);
      this.#toUs = this.#steps.next(this.#fromUs);
    }
    const { of, needs } = this.#query;
    const device = of === 'device' ? deviceUid : 0;
    const key = `${device} ${measurementId} ${this.#fromUs}`;
    const row: BucketRow = {
      device,
      measurement_id: measurementId,
      us: this.#fromUs,
      count: 1,
      sum: value,
      min: value,
      max: value,
      variance: needs.spread ? 0 : null,
      first: needs.ends ? [us, value] : null,
      last: needs.ends ? [us, value] : null,
      percentiles: null,
    };
    const before = this.#rows.get(key);
    this.#rows.set(key, before === undefined ? row : together(before, row));
    if (needs.percentiles.length === 0) return;
    this.#check(++this.#count);
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, [value]);
    else values.push(value);
  }

  *rows(): Generator<BucketRow> {
    const shares = this.#query.needs.percentiles.map(it => PERCENTILES[it]);
    for (const [key, row] of this.#rows) {
      const values = this.#values.get(key)?.sort((a, b) => a - b);
      yield values === undefined ? row : { ...row, percentiles: shares.map(share => percentile(values, share)) };
    }
  }
}

/** As `percentile_cont` of PostgreSQL: between two values in proportion. */
export function percentile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)]!;
  const high = sorted[Math.ceil(place)]!;
  return low + (high - low) * (place - Math.floor(place));
}

const BATCH = 10_000;

/** For percentiles, which can't be put together: all values, of the database too. */
async function addReadings(
  database: Database,
  query: BucketQuery,
  parts: readonly Part[],
  gathered: Gathered,
): Promise<[]> {
  for (const part of parts) {
    let after: { us: number; device: number; measurement: number } | undefined;
    for (;;) {
      const rows = await valuesAfter(database, query, part, after);
      for (const row of rows) gathered.add(row.device, row.measurement, row.us, row.value);
      if (rows.length < BATCH) break;
      after = rows.at(-1)!;
    }
  }
  return [];
}

type ValueRow = { us: number; device: number; measurement: number; value: number };

function valuesAfter(
  database: Database,
  { set, restriction }: BucketQuery,
  { fromUs, toUs }: Range,
  after: Omit<ValueRow, 'value'> | undefined,
): Promise<ValueRow[]> {
  const params: unknown[] = [set.devices, set.measurements, moment(after?.us ?? fromUs), moment(toUs), BATCH];
  const later =
    after === undefined
      ? ''
      : `AND (t.ts, t.device_uid, t.measurement_id) > ($3::timestamptz, $${params.push(after.device)}::int4, $${params.push(after.measurement)}::int4)`;
  return database.query<ValueRow & Row>(
    `SELECT ${microsOf('t.ts')} AS us, t.device_uid AS device, t.measurement_id AS measurement, t.value FROM telemetry t
     WHERE t.device_uid = ANY($1::int4[]) AND t.measurement_id = ANY($2::int4[]) AND t.ts >= $3::timestamptz AND t.ts < $4::timestamptz
       AND ${inRollups('t.value')} ${restrictionSql(restriction, params)} ${later}
     ORDER BY t.ts, t.device_uid, t.measurement_id LIMIT $5::int8`,
    params,
  );
}

function merged(rows: readonly BucketRow[]): BucketRow[] {
  const byKey = new Map<string, BucketRow>();
  for (const row of rows) {
    const key = `${row.device} ${row.measurement_id} ${row.us}`;
    const other = byKey.get(key);
    byKey.set(key, other === undefined ? row : together(other, row));
  }
  return [...byKey.values()];
}

/** In the order of time, as a page has it. Others are put in order by whoever asked. */
function ordered(rows: BucketRow[], { order, limit }: BucketQuery): BucketRow[] {
  if (order.by !== 'time') return rows;
  const [us, measurementId] = order.after ?? [Number.NEGATIVE_INFINITY, 0];
  return rows
    .filter(it => it.us > us || (it.us === us && it.measurement_id > measurementId))
    .sort((a, b) => a.us - b.us || a.measurement_id - b.measurement_id)
    .slice(0, limit);
}
