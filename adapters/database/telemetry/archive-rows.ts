/** Rows of telemetry on their way into a file: of hours of series, in the order of the list, page by page. */
import type { TelemetryRow } from '../../parquet/telemetry-rows.ts';
import type { Database, Row } from '../database.ts';
import { qualityOf } from './copy-encoder.ts';
import { dayStart, HOUR_US, hourStart, microsOf, momentOf } from './days.ts';
import { ROW_HASH } from './removal.sql.ts';
import type { ExpectedRows } from './removal.ts';
import type { SeriesHour } from './removal-series.ts';

/** Rows of a statement: some megabytes at most, but for large values. */
const PAGE_ROWS = 5_000;

type PageRow = Row & {
  place: number;
  us: number;
  value: number | null;
  quality: number | null;
  flags: number | null;
  json: string | null;
  hash: number;
};

/** What was read: afterwards it says which rows these were. */
export class HourRows {
  readonly #database: Database;
  readonly #day: number;
  readonly #hours: readonly SeriesHour[];
  #rows = 0;
  #hash = 0;
  firstUs = Number.MAX_SAFE_INTEGER;
  lastUs = Number.MIN_SAFE_INTEGER;

  /** @param hours of one day */
  constructor(database: Database, day: number, hours: readonly SeriesHour[]) {
    this.#database = database;
    this.#day = day;
    this.#hours = hours;
  }

  get seen(): ExpectedRows {
    return { rows: this.#rows, hash: this.#hash };
  }

  async *pages(): AsyncGenerator<TelemetryRow[]> {
    for (const part of partsOf(this.#hours))
      for (let after = Number.MIN_SAFE_INTEGER, isWhole = false; !isWhole; ) {
        const rows = await this.#page(part, after);
        isWhole = part.length > 1 || rows.length < PAGE_ROWS;
        after = rows.at(-1)?.us ?? after;
        if (rows.length > 0) yield rows.map(row => this.#rowOf(row, part[row.place - 1]!));
      }
  }

  #page(part: readonly SeriesHour[], after: number): Promise<PageRow[]> {
    // Of one hour there may be any number of rows, of several so many that all of them fit.
    const isLimited = part.length === 1;
    return this.#database.query<PageRow>(
      `SELECT it.place, r.us, r.value, r.quality, r.flags, r.json, r.hash
       FROM unnest($1::int4[], $2::int4[], $3::int4[]) WITH ORDINALITY AS it (device, measurement, hour, place)
       CROSS JOIN LATERAL (
         SELECT ${microsOf('t.ts')} AS us, t.value, t.quality, t.flags, t.value_json::text AS json, ${ROW_HASH} AS hash
         FROM telemetry t
         WHERE t.device_uid = it.device AND t.measurement_id = it.measurement
           AND t.ts >= ${dayStart('$4')} AND t.ts < ${dayStart('($4::int + 1)')}
           AND t.ts >= ${hourStart('it.hour')} AND t.ts < ${hourStart('(it.hour + 1)')}
           ${isLimited ? `AND t.ts > ${momentOf('$5')} ORDER BY t.ts LIMIT ${PAGE_ROWS}` : ''}
       ) r ORDER BY it.place, r.us`,
      [
        part.map(it => it.device),
        part.map(it => it.measurement),
        part.map(it => it.hour),
        this.#day,
        // Before all that an hour of this day has.
        ...(isLimited ? [Math.max(after, part[0]!.hour * HOUR_US - 1)] : []),
      ],
    );
  }

  #rowOf({ us, value, quality, flags, json, hash }: PageRow, { deviceId, name }: SeriesHour): TelemetryRow {
    this.#rows++;
    this.#hash += hash;
    this.firstUs = Math.min(this.firstUs, us);
    this.lastUs = Math.max(this.lastUs, us);
    return { device: deviceId, measurement: name, tsUs: us, value, text: json, quality: qualityOf(quality), flags };
  }
}

/** Hours that together have rows for a page; one that has more is by itself. */
function* partsOf(hours: readonly SeriesHour[]): Generator<readonly SeriesHour[]> {
  let part: SeriesHour[] = [];
  let rows = 0;
  for (const hour of hours) {
    if (part.length > 0 && rows + hour.rows > PAGE_ROWS) {
      yield part;
      [part, rows] = [[], 0];
    }
    part.push(hour);
    rows += hour.rows;
  }
  if (part.length > 0) yield part;
}
