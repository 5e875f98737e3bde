/** How much a policy would move now: counted day by day, the oldest first, up to a limit. */
import type { Database } from '../../adapters/database/database.ts';
import { dayStart, microsOf } from '../../adapters/database/telemetry/days.ts';
import { listParts } from '../../adapters/database/telemetry/removal-parts.ts';
import { todayOf } from '../../adapters/database/telemetry/today.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { StoragePreview } from '../../contracts/storage-policies.contract.ts';

export type PreviewedPolicy = {
  readonly deviceType: string | null;
  readonly measurement: string | null;
  readonly archiveAfterDays: number | null;
  readonly dropAfterDays: number | null;
};
type Count = { readonly datapoints: number; readonly from: number | null; readonly to: number | null };
type Growing = { -readonly [K in keyof Count]: Count[K] };

export async function preview(database: Database, limits: Limits, tenantId: number, policy: PreviewedPolicy) {
  const today = await todayOf(database);
  const counted = { archive: nothing(), drop: nothing() };
  let left = limits.storagePreviewMaxDatapoints;
  let daysLeft = limits.storagePreviewMaxDays;
  for (const { from_day, to_day } of await listParts(database, 'telemetry'))
    for (let day = from_day; day < to_day; day++) {
      const removal = removalAt(policy, today - day);
      if (removal === undefined) continue;
      if (left <= 0 || daysLeft-- <= 0) return { ...views(counted), isComplete: false };
      const found = await countDay(database, tenantId, policy, day, left);
      left -= found.datapoints;
      add(counted[removal], found);
    }
  return { ...views(counted), isComplete: left > 0 };
}

const removalAt = (
  { archiveAfterDays, dropAfterDays }: PreviewedPolicy,
  ageDays: number,
): 'drop' | 'archive' | undefined =>
  dropAfterDays !== null && ageDays > dropAfterDays
    ? 'drop'
    : archiveAfterDays !== null && ageDays > archiveAfterDays
      ? 'archive'
      : undefined;

/** Of series for which no policy says more than this one. */
async function countDay(
  database: Database,
  tenantId: number,
  policy: PreviewedPolicy,
  day: number,
  most: number,
): Promise<Count> {
  const [row] = await database.query<Count>(
    `SELECT count(*)::int8 AS datapoints, ${microsOf('min(ts)')} AS from, ${microsOf('max(ts)')} AS to FROM (
       SELECT t.ts FROM device d JOIN device_measurement dm ON dm.device_uid = d.device_uid
         JOIN measurement m ON m.measurement_id = dm.measurement_id AND m.tenant_id = d.tenant_id
         JOIN telemetry t ON t.device_uid = dm.device_uid AND t.measurement_id = dm.measurement_id
       WHERE d.tenant_id = $1 AND ($2::text IS NULL OR d.device_type = $2) AND ($3::text IS NULL OR m.name = $3)
         AND t.ts >= ${dayStart('$4')} AND t.ts < ${dayStart('($4::int + 1)')}
         AND NOT EXISTS (
           SELECT FROM storage_policy p
           WHERE p.tenant_id = $1 AND (p.device_type IS NULL OR p.device_type = d.device_type) AND (p.measurement IS NULL OR p.measurement = m.name)
             AND (p.measurement IS NOT NULL)::int * 2 + (p.device_type IS NOT NULL)::int > ($3::text IS NOT NULL)::int * 2 + ($2::text IS NOT NULL)::int)
       LIMIT $5) counted`,
    [tenantId, policy.deviceType, policy.measurement, day, most],
  );
  return row!;
}

const nothing = (): Growing => ({ datapoints: 0, from: null, to: null });

function add(total: Growing, { datapoints, from, to }: Count): void {
  total.datapoints += datapoints;
  total.from ??= from;
  total.to = to ?? total.to;
}

const views = (counted: { readonly archive: Count; readonly drop: Count }) => ({
  archive: view(counted.archive),
  drop: view(counted.drop),
});
const view = ({ datapoints, from, to }: Count): StoragePreview => ({ datapoints, from: timeOf(from), to: timeOf(to) });
const timeOf = (us: number | null): string | null => (us === null ? null : new Date(us / 1_000).toISOString());
