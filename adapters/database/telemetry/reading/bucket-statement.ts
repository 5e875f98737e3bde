/** The statement that makes the buckets of one window: a part of it for each part of the plan, put together by bucket. */
import { HOUR_US, microsOf } from '../days.ts';
import { inRollups } from '../rollups.sql.ts';
import type { SeriesSet } from './marks.ts';
import { moment } from './moments.ts';
import type { Part } from './plan.ts';
import { type Restriction, restrictionSql } from './readings.ts';
import { type Needs, PERCENTILES, type Statistic } from './statistics.ts';

/** How time becomes buckets: of one width from an origin on, or between edges (the first one is where the first bucket begins). */
export type Binning = { readonly widthUs: number; readonly originUs: number } | { readonly edgesUs: readonly number[] };

export type BucketOrder =
  | { readonly by: 'time'; readonly after?: readonly [us: number, measurementId: number] | undefined }
  | { readonly by: Statistic; readonly descending: boolean };

export type BucketQuery = {
  readonly set: SeriesSet;
  /** Whether buckets are by measurement (of one device), of all devices together, or by device. */
  readonly of: 'measurement' | 'all' | 'device';
  readonly binning: Binning;
  readonly needs: Needs;
  readonly restriction: Restriction;
  readonly order: BucketOrder;
  readonly limit: number;
};
export type Statement = { readonly sql: string; readonly params: unknown[] };

export function bucketStatement(query: BucketQuery, parts: readonly Part[]): Statement {
  const params: unknown[] = [query.set.devices, query.set.measurements];
  const bind = (value: unknown, type: string): string => `$${params.push(value)}::${type}`;
  const context: Context = { query, bind, params, bucket: bucketSql(query.binning, bind) };
  const branches = parts.map(part => branchOf(part, context));
  const { needs, order, limit } = query;
  // The mean of the whole bucket, from which the spread between its parts is taken: sums of squares would lose it to rounding.
  const rows = needs.spread
    ? `(SELECT *, sum(s) OVER w / sum(n) OVER w AS mean FROM (${branches.join(' UNION ALL ')}) parts WINDOW w AS (PARTITION BY d, m, b))`
    : `(${branches.join(' UNION ALL ')})`;
  const sql = `SELECT d AS device, m AS measurement_id, ${microsOf('b')} AS us, n AS count, s AS sum, lo AS min, hi AS max, v AS variance,
      f AS first, l AS last, p AS percentiles FROM (
    SELECT d, m, b, sum(n)::int8 AS n, sum(s) AS s, min(lo) AS lo, max(hi) AS hi,
      ${needs.spread ? 'sum(n * v + n * (s / n - mean) ^ 2) / sum(n)' : 'NULL::float8'} AS v,
      ${needs.ends ? 'min(f) AS f, max(l) AS l' : 'NULL::float8[] AS f, NULL::float8[] AS l'},
      ${needs.percentiles.length > 0 ? 'min(p)' : 'NULL::float8[]'} AS p
    FROM ${rows} rows GROUP BY d, m, b) buckets ${orderSql(order, bind)} LIMIT ${bind(limit, 'int8')}`;
  return { sql, params };
}

type Bind = (value: unknown, type: string) => string;
type Context = {
  readonly query: BucketQuery;
  readonly bind: Bind;
  readonly params: unknown[];
  readonly bucket: (ts: string) => string;
};

function bucketSql(binning: Binning, bind: Bind): (ts: string) => string {
  if ('edgesUs' in binning) {
    const edges = bind(binning.edgesUs.map(moment), 'timestamptz[]');
    if (binning.edgesUs.length === 1) return () => `(${edges})[1]`;
    return ts => `(${edges})[width_bucket(${ts}, ${edges})]`;
  }
  const width = bind(binning.widthUs / 1e6, 'float8');
  const origin = bind(moment(binning.originUs), 'timestamptz');
  return ts => `date_bin(make_interval(secs => ${width}), ${ts}, ${origin})`;
}

function branchOf(part: Part, context: Context): string {
  if (part.kind === 'rollup') return rollupBranch(part, context);
  const { bind, bucket, query, params } = context;
  const { needs } = query;
  const marked =
    part.kind === 'marked'
      ? `JOIN telemetry_change c ON c.device_uid = t.device_uid AND c.measurement_id = t.measurement_id
           AND c.hour >= ${bind(moment(Math.floor(part.fromUs / HOUR_US) * HOUR_US), 'timestamptz')}
           AND c.hour < ${bind(moment(part.toUs), 'timestamptz')}
           AND t.ts >= c.hour AND t.ts < c.hour + interval '1 hour'`
      : '';
  const at = `date_part('epoch', t.ts) * 1000000`;
  const shares = needs.percentiles.map(it => PERCENTILES[it]);
  const percentiles =
    shares.length > 0
      ? `percentile_cont(${bind(shares, 'float8[]')}) WITHIN GROUP (ORDER BY t.value)`
      : 'NULL::float8[]';
  return `SELECT ${keysOf('t', query.of)}, ${bucket('t.ts')} AS b, count(*) AS n, sum(t.value) AS s, min(t.value) AS lo, max(t.value) AS hi,
      ${needs.spread ? 'var_pop(t.value)' : 'NULL::float8'} AS v,
      ${needs.ends ? `min(ARRAY[${at}, t.value]) AS f, max(ARRAY[${at}, t.value]) AS l` : 'NULL::float8[] AS f, NULL::float8[] AS l'},
      ${percentiles} AS p
    FROM telemetry t ${marked}
    WHERE ${ofSet('t')} AND t.ts >= ${bind(moment(part.fromUs), 'timestamptz')} AND t.ts < ${bind(moment(part.toUs), 'timestamptz')}
      AND ${inRollups('t.value')} ${restrictionSql(query.restriction, params)}
    GROUP BY 1, 2, 3`;
}

const TABLES = { '1m': 'telemetry_1m', '1h': 'telemetry_1h', '1d': 'telemetry_1d' } as const;

function rollupBranch(part: Extract<Part, { kind: 'rollup' }>, { bind, bucket, query }: Context): string {
  const { needs } = query;
  const at = `date_part('epoch', r.bucket) * 1000000`;
  return `SELECT ${keysOf('r', query.of)}, ${bucket('r.bucket')} AS b, r.count AS n, r.sum AS s, r.min AS lo, r.max AS hi,
      ${needs.spread ? 'r.variance' : 'NULL::float8'} AS v,
      ${needs.ends ? `ARRAY[${at}, r.first] AS f, ARRAY[${at}, r.last] AS l` : 'NULL::float8[] AS f, NULL::float8[] AS l'},
      NULL::float8[] AS p
    FROM ${TABLES[part.source]} r
    WHERE ${ofSet('r')} AND r.bucket >= ${bind(moment(part.fromUs), 'timestamptz')}
      AND r.bucket < ${bind(moment(part.toUs), 'timestamptz')} ${part.hasMarks ? NOT_MARKED : ''}`;
}

/**
 * Where earlier readings of an hour were archived or dropped, the rollup is what is left of them, and the readings that are there have come
 * since: both count.
 */
const NOT_MARKED = `AND NOT EXISTS (SELECT FROM telemetry_change c WHERE c.device_uid = r.device_uid AND c.measurement_id = r.measurement_id
  AND c.hour = date_bin(interval '1 hour', r.bucket, 'epoch') AND NOT telemetry_is_removed(c.device_uid, c.measurement_id, c.hour))`;

const ofSet = (table: string): string =>
  `${table}.device_uid = ANY($1::int4[]) AND ${table}.measurement_id = ANY($2::int4[])`;
const keysOf = (table: string, of: BucketQuery['of']): string =>
  `${of === 'device' ? `${table}.device_uid` : '0'} AS d, ${table}.measurement_id AS m`;

const COLUMN_OF: Readonly<Record<Statistic, string>> = {
  avg: 's / n',
  min: 'lo',
  max: 'hi',
  sum: 's',
  count: 'n',
  first: 'f[2]',
  last: 'l[2]',
  stddev: 'v',
  p50: 'p[1]',
  p95: 'p[1]',
  p99: 'p[1]',
};

function orderSql(order: BucketOrder, bind: Bind): string {
  if (order.by !== 'time') return `ORDER BY ${COLUMN_OF[order.by]} ${order.descending ? 'DESC' : 'ASC'} NULLS LAST, d`;
  if (order.after === undefined) return 'ORDER BY b, m';
  const [us, measurementId] = order.after;
  const at = bind(moment(us), 'timestamptz');
  return `WHERE b > ${at} OR (b = ${at} AND m > ${bind(measurementId, 'int4')}) ORDER BY b, m`;
}
