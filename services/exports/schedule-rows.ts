/** Rows of schedules, and how they look outside. Each statement names its tenant, and which devices its caller may see. */
import { uuidv7 } from 'uuidv7';
import { SkeinError } from '../../contracts/errors.ts';
import type { Covered, ExportRequest, ExportScheduleView } from '../../contracts/exports.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import { nextTime } from './cron-times.ts';
import { LISTED_REQUEST, type Querying, type Seen } from './export-rows.ts';

export type ScheduleRow = {
  schedule_id: string;
  name: string;
  cron: string;
  timezone: string;
  covers: Covered;
  request: ExportRequest;
  is_paused: boolean;
  next_at: Date | null;
  last_due_time: Date | null;
  last_export_id: string | null;
  requested_by: string;
  created_at: Date;
};
const COLUMNS =
  'schedule_id, name, cron, timezone, covers, request, is_paused, next_at, last_due_time, last_export_id, requested_by, created_at';
const LISTED = COLUMNS.replace('request,', `${LISTED_REQUEST},`);
const SEEN = '($2::text IS NULL OR within = $2::text::jsonb)';

export const scheduleView = (row: ScheduleRow): ExportScheduleView => ({
  id: row.schedule_id,
  name: row.name,
  cron: row.cron,
  ...row.request,
  timezone: row.timezone,
  window: row.covers,
  paused: row.is_paused,
  nextAt: row.is_paused ? null : (row.next_at?.toISOString() ?? null),
  lastDueTime: row.last_due_time?.toISOString() ?? null,
  lastExportId: row.last_export_id,
  requestedBy: row.requested_by,
  createdAt: row.created_at.toISOString(),
});

export async function readSchedule(
  db: Querying,
  { tenantId, within }: Seen,
  id: string,
): Promise<ScheduleRow | undefined> {
  const [row] = await db.query<ScheduleRow>(
    `SELECT ${COLUMNS} FROM telemetry_export_schedule WHERE tenant_id = $1 AND ${SEEN} AND schedule_id = $3`,
    [tenantId, within, id],
  );
  return row;
}

export const listSchedules = (
  db: Querying,
  { tenantId, within }: Seen,
  after: string | undefined,
  limit: number,
): Promise<ScheduleRow[]> =>
  db.query<ScheduleRow>(
    `SELECT ${LISTED} FROM telemetry_export_schedule WHERE tenant_id = $1 AND ${SEEN} AND ($3::text IS NULL OR name COLLATE "C" > $3) ORDER BY name COLLATE "C" LIMIT $4`,
    [tenantId, within, after ?? null, limit],
  );

export type NewSchedule = Seen & {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly covers: Covered;
  readonly request: ExportRequest;
  readonly requestedBy: string;
};

/** Rejects with `conflict` and `quota_exceeded`. */
export async function insertSchedule(
  tx: Querying,
  it: NewSchedule,
  { exportSchedulesMax }: Limits,
): Promise<ScheduleRow> {
  await tx.query('SELECT FROM tenant WHERE tenant_id = $1 FOR NO KEY UPDATE', [it.tenantId]);
  const [counted] = await tx.query<{ count: number; now: Date }>(
    'SELECT count(*)::int AS count, now() AS now FROM telemetry_export_schedule WHERE tenant_id = $1',
    [it.tenantId],
  );
  if (counted!.count >= exportSchedulesMax)
    throw new SkeinError(
      'quota_exceeded',
      `An organization has at most ${exportSchedulesMax} schedules of exports: remove some`,
    );
  const next = nextTime(it.cron, it.timezone, counted!.now.getTime());
  if (next === null) throw new SkeinError('invalid_request', 'cron names no time that comes');
  const [row] = await tx.query<ScheduleRow>(
    `INSERT INTO telemetry_export_schedule (schedule_id, tenant_id, within, name, cron, timezone, covers, request, next_at, due_at, requested_by)
     VALUES ($1, $2, $3::text::jsonb, $4, $5, $6, $7, $8::text::jsonb, $9, $9, $10)
     ON CONFLICT (tenant_id, name) DO NOTHING RETURNING ${COLUMNS}`,
    [
      uuidv7(),
      it.tenantId,
      it.within,
      it.name,
      it.cron,
      it.timezone,
      it.covers,
      JSON.stringify(it.request),
      next,
      it.requestedBy,
    ],
  );
  if (row === undefined) throw new SkeinError('conflict', `There is a schedule "${it.name}" already`);
  return row;
}

/** What was due in the pause is left out. */
export async function setPaused(
  tx: Querying,
  tenantId: number,
  row: ScheduleRow,
  isPaused: boolean,
): Promise<ScheduleRow> {
  const [{ now }] = (await tx.query<{ now: Date }>('SELECT now() AS now')) as [{ now: Date }];
  const next = isPaused ? row.next_at : nextTime(row.cron, row.timezone, now.getTime());
  const [changed] = await tx.query<ScheduleRow>(
    `UPDATE telemetry_export_schedule SET is_paused = $3, next_at = $4, due_at = $4
     WHERE tenant_id = $1 AND schedule_id = $2 RETURNING ${COLUMNS}`,
    [tenantId, row.schedule_id, isPaused, next],
  );
  return changed ?? row;
}

export async function removeSchedule(tx: Querying, tenantId: number, id: string): Promise<void> {
  await tx.query('DELETE FROM telemetry_export_schedule WHERE tenant_id = $1 AND schedule_id = $2', [tenantId, id]);
}
