/** Which hours of which series of a tenant's day are to be archived, dropped, or lose their rollups. */
import type { Transaction } from '../database.ts';
import { dayStart, hoursOf } from './days.ts';
import { defaultsOf, isHeld, type RuleDefaults, ruleOf } from './removal-rules.ts';

type Querying = Pick<Transaction, 'query'>;
export type TenantDay = { readonly tenantId: number; readonly day: number; readonly today: number };
export type Series = { readonly device: number; readonly measurement: number };
/** The rows of one hour of a series. `hour` is counted from 1970. */
export type SeriesHour = Series & {
  readonly deviceId: string;
  readonly name: string;
  readonly hour: number;
  readonly rows: number;
};

const AGE = '($2::int - $3::int)';
const FROM = dayStart('$3');
const TO = dayStart('($3::int + 1)');
/** What becomes of a day of this age. To drop goes before to archive. */
const DUE = {
  archive: `${AGE} > rule.archive_after AND ${AGE} <= rule.drop_after`,
  drop: `${AGE} > rule.drop_after`,
} as const;
export type RowRemoval = keyof typeof DUE;

const SERIES = `device d JOIN device_measurement dm ON dm.device_uid = d.device_uid
  JOIN measurement m ON m.measurement_id = dm.measurement_id AND m.tenant_id = d.tenant_id
  ${ruleOf('$4', '$5', '$6')}`;
const ROWS = `t.device_uid = dm.device_uid AND t.measurement_id = dm.measurement_id AND t.ts >= ${FROM} AND t.ts < ${TO}`;

/** Hours whose rollups do not say yet what their rows say are left for later. `late`: those whose earlier rows are gone already. */
const unfolded = (late: string): string => `EXISTS (
  SELECT FROM telemetry_change c WHERE c.device_uid = dm.device_uid AND c.measurement_id = dm.measurement_id
    AND c.hour >= ${FROM} AND c.hour < ${TO} AND (${late} OR NOT telemetry_is_late(c.device_uid, c.measurement_id, c.hour)))`;

export type DueAsked = TenantDay & {
  readonly removal: RowRemoval;
  readonly policy: string | null;
  /** From this series on, in the order of their numbers. */
  readonly from: Series;
  readonly seriesMax: number;
  /** Leaves out what came late into hours that were removed before. */
  readonly isLateKept: boolean;
};

/** Their hours that have rows, in the order of series and time. */
export const dueHours = (db: Querying, defaults: RuleDefaults, asked: DueAsked): Promise<SeriesHour[]> =>
  db.query<SeriesHour>(
    `WITH due AS MATERIALIZED (
       SELECT dm.device_uid, dm.measurement_id, d.device_id, m.name FROM ${SERIES}
       WHERE d.tenant_id = $1 AND d.erasure_started_at IS NULL AND rule.policy IS NOT DISTINCT FROM $7 AND ${DUE[asked.removal]}
         AND (dm.device_uid, dm.measurement_id) >= ($8::bigint, $9::int)
         AND NOT ${isHeld(FROM, TO)} AND NOT ${unfolded('$11::bool')}
         AND EXISTS (SELECT FROM telemetry t WHERE ${ROWS})
       ORDER BY 1, 2 LIMIT $10)
     SELECT dm.device_uid AS device, dm.measurement_id AS measurement, dm.device_id AS "deviceId", dm.name, hours.hour, hours.rows
     FROM due dm CROSS JOIN LATERAL (
       SELECT ${hoursOf('t.ts')} AS hour, count(*)::int AS rows
       FROM telemetry t WHERE ${ROWS} GROUP BY 1) hours
     ORDER BY 1, 2, 5`,
    [
      asked.tenantId,
      asked.today,
      asked.day,
      ...defaultsOf(defaults),
      asked.policy,
      asked.from.device,
      asked.from.measurement,
      asked.seriesMax,
      asked.isLateKept,
    ],
  );

/** Policies, and perhaps null for none, by which something of this day is to be removed now. */
export async function duePolicies(
  db: Querying,
  defaults: RuleDefaults,
  { tenantId, day, today }: TenantDay,
  removal: RowRemoval,
): Promise<(string | null)[]> {
  const column = removal === 'drop' ? 'drop_after_days' : 'archive_after_days';
  const rows = await db.query<{ name: string }>(
    `SELECT name FROM storage_policy WHERE tenant_id = $1 AND ${column} < $2 ORDER BY name`,
    [tenantId, today - day],
  );
  const usual = removal === 'drop' ? defaults.telemetryDropAfterDays : defaults.telemetryArchiveAfterDays;
  return [...rows.map(it => it.name), ...(usual < today - day ? [null] : [])];
}

/** Whether something between these days, of any tenant, is to be kept as rows: `rule` says so, a hold, or rollups that are not made yet. */
export async function hasRowsToKeep(
  db: Querying,
  defaults: RuleDefaults,
  { fromDay, toDay, today }: { readonly fromDay: number; readonly toDay: number; readonly today: number },
): Promise<boolean> {
  const [from, to] = [dayStart('$1'), dayStart('$2')];
  const rows = await db.query(
    `SELECT 1 AS one FROM telemetry_change c WHERE c.hour >= ${from} AND c.hour < ${to}
     UNION ALL
     SELECT 1 FROM device d JOIN device_measurement dm ON dm.device_uid = d.device_uid
       JOIN measurement m ON m.measurement_id = dm.measurement_id AND m.tenant_id = d.tenant_id ${ruleOf('$4', '$5', '$6')}
     WHERE (SELECT EXISTS (SELECT FROM telemetry t WHERE t.ts >= ${from} AND t.ts < ${to}))
       AND ($3::int - $2::int + 1 <= rule.drop_after OR ${isHeld(from, to)})
       AND EXISTS (SELECT FROM telemetry t WHERE t.device_uid = dm.device_uid AND t.measurement_id = dm.measurement_id
                     AND t.ts >= ${from} AND t.ts < ${to})
     LIMIT 1`,
    [fromDay, toDay, today, ...defaultsOf(defaults)],
  );
  return rows.length > 0;
}
