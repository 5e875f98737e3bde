/** Readings that were archived, out of their files: only files, and row groups of them, that may have some of those that are asked for. */
import type { ArchivedQuery, ArchivedRange, ArchivedReading, ArchivedReadings } from '../../../contracts/archive.ts';
import { BlobError } from '../../../contracts/blobs.ts';
import type { Limits } from '../../../contracts/limits.ts';
import type { TelemetryRow } from '../../parquet/telemetry-rows.ts';
import type { Database } from '../database.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { type ArchiveRecord, listArchives } from './archive-records.ts';
import { storedQuality } from './copy-encoder.ts';
import { DAY_US, dayStart, microsOf, momentOf } from './days.ts';

type Parts = {
  readonly database: Database;
  readonly files: ArchiveFiles;
  readonly limits: Pick<Limits, 'archiveReadMaxRows' | 'parquetBatchRows'>;
};
/** The numbers of names, of one question. */
type Numbers = { readonly devices: ReadonlyMap<string, number>; readonly measurements: ReadonlyMap<string, number> };

/** A file may be replaced by another while it is read: then the day is read again, so often. */
const ATTEMPTS = 3;

export class ArchiveReader implements ArchivedReadings {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async ranges(
    tenantId: number,
    deviceUids: readonly number[] | null,
    fromUs: number,
    toUs: number,
  ): Promise<ArchivedRange[]> {
    const records = await listArchives(this.#parts.database, tenantId, { deviceUids, fromUs, toUs });
    const ranges: { fromUs: number; toUs: number; files: string }[] = [];
    const clips = records.map(it => ({ ...clipped(it, fromUs, toUs), files: `${it.archiveId}` }));
    for (const range of clips.sort((a, b) => a.fromUs - b.fromUs)) {
      const before = ranges.at(-1);
      if (before !== undefined && range.fromUs <= before.toUs) {
        before.toUs = Math.max(before.toUs, range.toUs);
        before.files += ` ${range.files}`;
      } else ranges.push(range);
    }
    return ranges;
  }

  async *read(query: ArchivedQuery): AsyncGenerator<readonly ArchivedReading[]> {
    const records = await this.#records(query);
    if (records.length === 0) return;
    const numbers = await this.#numbersOf(query);
    for (const day of new Set(records.map(it => it.day))) {
      const from = Math.max(query.fromUs, day * DAY_US);
      const to = Math.min(query.toUs, (day + 1) * DAY_US);
      yield* this.#readRange({ ...query, fromUs: from, toUs: to }, numbers);
    }
  }

  #records(query: ArchivedQuery): Promise<ArchiveRecord[]> {
    return listArchives(this.#parts.database, query.tenantId, query);
  }

  /** Within a day. What is too much for the memory is read in parts, from the files again for each. */
  async *#readRange(query: ArchivedQuery, numbers: Numbers): AsyncGenerator<ArchivedReading[]> {
    const rows = await this.#gather(query, numbers);
    const { fromUs, toUs } = query;
    if (rows === undefined) {
      const middle = Math.floor((fromUs + toUs) / 2);
      yield* this.#readRange({ ...query, toUs: middle }, numbers);
      yield* this.#readRange({ ...query, fromUs: middle }, numbers);
      return;
    }
    const inOrder = distinct(rows.sort(byTime));
    const isMixed = inOrder.length > 0 && (await this.#hasRows(query));
    const { parquetBatchRows } = this.#parts.limits;
    for (let at = 0; at < inOrder.length; at += parquetBatchRows) {
      const batch = inOrder.slice(at, at + parquetBatchRows);
      const gone = isMixed ? await this.#goneFromDatabase(batch, query) : batch;
      if (gone.length > 0) yield gone;
    }
  }

  /** Undefined: too many. */
  async #gather(query: ArchivedQuery, numbers: Numbers): Promise<ArchivedReading[] | undefined> {
    const { archiveReadMaxRows } = this.#parts.limits;
    const isDivisible = query.toUs - query.fromUs > 1;
    for (let attempt = 1; ; attempt++)
      try {
        const rows: ArchivedReading[] = [];
        for (const record of await this.#records(query))
          for await (const batch of this.#parts.files.read(record, filterOf(query, numbers))) {
            for (const row of batch) rows.push(readingOf(row, numbers));
            if (rows.length > archiveReadMaxRows && isDivisible) return undefined;
          }
        return rows;
      } catch (error) {
        const isGone = error instanceof BlobError && error.kind === 'not_found';
        if (!isGone || attempt === ATTEMPTS) throw error;
      }
  }

  async #numbersOf({ tenantId, deviceUids, measurementIds }: ArchivedQuery): Promise<Numbers> {
    const [devices, measurements] = await Promise.all([
      this.#parts.database.query<{ name: string; number: number }>(
        'SELECT device_id AS name, device_uid AS number FROM device WHERE tenant_id = $1 AND device_uid = ANY($2::bigint[])',
        [tenantId, deviceUids],
      ),
      this.#parts.database.query<{ name: string; number: number }>(
        'SELECT name, measurement_id AS number FROM measurement WHERE tenant_id = $1 AND measurement_id = ANY($2::int4[])',
        [tenantId, measurementIds],
      ),
    ]);
    return {
      devices: new Map(devices.map(it => [it.name, it.number])),
      measurements: new Map(measurements.map(it => [it.name, it.number])),
    };
  }

  /** Whether some rows of these series are still, or again, in the database. */
  async #hasRows({ deviceUids, measurementIds, fromUs, toUs }: ArchivedQuery): Promise<boolean> {
    const rows = await this.#parts.database.query(
      `SELECT 1 AS one FROM telemetry t WHERE t.device_uid = ANY($1::int4[]) AND t.measurement_id = ANY($2::int4[])
         AND t.ts >= ${momentOf('$3')} AND t.ts < ${momentOf('$4')} LIMIT 1`,
      [deviceUids, measurementIds, fromUs, toUs],
    );
    return rows.length > 0;
  }

  /** Without those that came again, and are in the database. */
  async #goneFromDatabase(batch: readonly ArchivedReading[], { fromUs }: ArchivedQuery): Promise<ArchivedReading[]> {
    const day = Math.floor(fromUs / DAY_US);
    const again = await this.#parts.database.query<{ device: number; measurement: number; us: number }>(
      `SELECT t.device_uid AS device, t.measurement_id AS measurement, ${microsOf('t.ts')} AS us
       FROM unnest($1::int4[], $2::int4[], $3::int8[]) AS it (device, measurement, us)
       JOIN telemetry t ON t.device_uid = it.device AND t.measurement_id = it.measurement AND t.ts = ${momentOf('it.us')}
       WHERE t.ts >= ${dayStart('$4')} AND t.ts < ${dayStart('($4::int + 1)')}`,
      [batch.map(it => it.deviceUid), batch.map(it => it.measurementId), batch.map(it => it.us), day],
    );
    const keys = new Set(again.map(it => `${it.device} ${it.measurement} ${it.us}`));
    return batch.filter(it => !keys.has(`${it.deviceUid} ${it.measurementId} ${it.us}`));
  }
}

const clipped = (it: ArchivedRange, fromUs: number, toUs: number) => ({
  fromUs: Math.max(it.fromUs, fromUs),
  toUs: Math.min(it.toUs, toUs),
});

const filterOf = ({ fromUs, toUs }: ArchivedRange, { devices, measurements }: Numbers) => ({
  devices: new Set(devices.keys()),
  measurements: new Set(measurements.keys()),
  fromUs,
  toUs,
});

const readingOf = (row: TelemetryRow, { devices, measurements }: Numbers): ArchivedReading => ({
  deviceUid: devices.get(row.device)!,
  measurementId: measurements.get(row.measurement)!,
  us: row.tsUs,
  value: row.value,
  quality: storedQuality(row.quality),
  flags: row.flags,
  valueJson: row.text === null ? null : JSON.parse(row.text),
});

const byTime = (a: ArchivedReading, b: ArchivedReading): number =>
  a.us - b.us || a.measurementId - b.measurementId || a.deviceUid - b.deviceUid;

/** Of an order in which the same ones stand together. */
const distinct = (rows: readonly ArchivedReading[]): ArchivedReading[] =>
  rows.filter((it, at) => at === 0 || byTime(it, rows[at - 1]!) !== 0);
