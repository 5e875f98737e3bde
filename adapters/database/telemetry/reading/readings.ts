/** Readings as they were stored, the oldest first, page by page. */
import type { ArchivedReading } from '../../../../contracts/archive.ts';
import type { Database, Row } from '../../database.ts';
import { microsOf } from '../days.ts';
import { moment, type Range } from './moments.ts';

/** Of one device: a series for each of these measurements. */
export type DeviceSeries = { readonly deviceUid: number; readonly measurementIds: readonly number[] };
/** Only readings of which this is true. What says no quality has none that is high enough. */
export type Restriction = {
  /** In ten-thousandths, as it is stored. */
  readonly minQuality?: number | undefined;
  readonly flagged?: 'exclude' | 'only' | undefined;
  /** Only what is a number, or a boolean as 0 or 1. */
  readonly numbers?: boolean | undefined;
};
/** The last one of the page before: its time, and its measurement among those of that time. */
export type After = readonly [us: number, measurementId: number];
export type StoredReading = {
  readonly us: number;
  readonly measurement_id: number;
  readonly value: number | null;
  readonly quality: number | null;
  readonly flags: number | null;
  readonly value_json: unknown;
};

/** One that is archived, as the database would have it. */
export const storedOf = (it: ArchivedReading): StoredReading => ({
  us: it.us,
  measurement_id: it.measurementId,
  value: it.value,
  quality: it.quality,
  flags: it.flags,
  value_json: it.valueJson,
});

export const isRestricted = ({ minQuality, flagged }: Restriction): boolean =>
  minQuality !== undefined || flagged !== undefined;

/** SQL of a restriction on rows `t`, whose parameter goes into `params`. */
export function restrictionSql({ minQuality, flagged, numbers }: Restriction, params: unknown[]): string {
  const parts: string[] = [];
  if (minQuality !== undefined) parts.push(`AND t.quality >= $${params.push(minQuality)}::int4`);
  if (flagged === 'exclude') parts.push('AND coalesce(t.flags, 0) = 0');
  if (flagged === 'only') parts.push('AND t.flags <> 0');
  if (numbers) parts.push('AND t.value IS NOT NULL');
  return parts.join(' ');
}

/** The statement for one window. Each measurement gives at most `limit` rows, so a page never sorts a whole history. */
export function readingsStatement(
  { deviceUid, measurementIds }: DeviceSeries,
  { fromUs, toUs }: Range,
  after: After | undefined,
  limit: number,
  restriction: Restriction,
): { sql: string; params: unknown[] } {
  const begin = Math.max(fromUs, after?.[0] ?? fromUs);
  const params: unknown[] = [deviceUid, measurementIds, moment(begin), moment(toUs), limit];
  const later =
    after === undefined
      ? ''
      : `AND (t.ts > $${params.push(moment(after[0]))}::timestamptz OR m.id > $${params.push(after[1])}::int4)`;
  const sql = `SELECT ${microsOf('r.ts')} AS us, m.id AS measurement_id, r.value, r.quality, r.flags, r.value_json
    FROM unnest($2::int4[]) AS m (id) CROSS JOIN LATERAL (
      SELECT t.ts, t.value, t.quality, t.flags, t.value_json FROM telemetry t
      WHERE t.device_uid = $1::int4 AND t.measurement_id = m.id AND t.ts >= $3::timestamptz AND t.ts < $4::timestamptz
        ${later} ${restrictionSql(restriction, params)}
      ORDER BY t.ts LIMIT $5::int8
    ) r ORDER BY r.ts, m.id LIMIT $5::int8`;
  return { sql, params };
}

/** At most `limit` readings after `after`, from as few windows as are needed. */
export async function readReadings(
  database: Database,
  source: DeviceSeries,
  windows: Iterable<Range>,
  after: After | undefined,
  limit: number,
  restriction: Restriction,
): Promise<StoredReading[]> {
  const rows: StoredReading[] = [];
  if (source.measurementIds.length === 0) return rows;
  for (const window of windows) {
    const { sql, params } = readingsStatement(source, window, after, limit - rows.length, restriction);
    for (const row of await database.query<StoredReading & Row>(sql, params)) rows.push(row);
    if (rows.length >= limit) break;
  }
  return rows;
}
