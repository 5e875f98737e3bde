/** Makes the exports that schedules ask for: for each of their times once, on whichever node looks first. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { Limits } from '../../contracts/limits.ts';
import { appendAudit } from '../../mixins/audit.ts';
import { coveredSpan, latestTime, nextTime } from './cron-times.ts';
import { insertExport, roomFault } from './export-rows.ts';
import type { ScheduleRow } from './schedule-rows.ts';

type DueRow = ScheduleRow & { readonly tenant_id: number; readonly within: string | null; readonly now: Date };

/**
 * False: none was due. Of several times that have passed, because no node was running, only the last one counts. While the tenant has as many
 * exports as it may have, the schedule waits.
 */
export const takeDueSchedule = (database: Database, limits: Limits): Promise<boolean> =>
  database.transaction(async tx => {
    const [row] = await tx.query<DueRow>(
      `SELECT schedule_id, tenant_id, within::text AS within, cron, timezone, covers, request, next_at, requested_by, now() AS now
       FROM telemetry_export_schedule WHERE NOT is_paused AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
    );
    if (row === undefined) return false;
    const isFull = (await roomFault(tx, row.tenant_id, limits)) !== undefined;
    if (isFull) await wait(tx, row, limits.exportRetryMs);
    else await make(tx, row);
    return true;
  });

const wait = (tx: Transaction, { schedule_id }: DueRow, pauseMs: number): Promise<unknown> =>
  tx.query(`UPDATE telemetry_export_schedule SET due_at = now() + $2::int * interval '1 ms' WHERE schedule_id = $1`, [
    schedule_id,
    pauseMs,
  ]);

async function make(tx: Transaction, row: DueRow): Promise<void> {
  const { schedule_id: scheduleId, tenant_id: tenantId, cron, timezone, request, within, now } = row;
  const dueTime = latestTime(cron, timezone, now.getTime()) ?? row.next_at!;
  const span = coveredSpan(row.covers, timezone, dueTime);
  // The time zone of the schedule is that of its buckets too.
  const made = await insertExport(tx, {
    tenantId,
    within,
    request: request.interval === undefined ? request : { ...request, timezone },
    span,
    requestedBy: row.requested_by,
    of: { scheduleId, dueTime },
  });
  await tx.query(
    `UPDATE telemetry_export_schedule SET next_at = $2, due_at = $2, last_due_time = $3, last_export_id = coalesce($4, last_export_id)
     WHERE schedule_id = $1`,
    [scheduleId, nextTime(cron, timezone, now.getTime()), dueTime, made?.export_id ?? null],
  );
  if (made === undefined) return;
  await appendAudit(tx, {
    tenantId,
    actor: row.requested_by,
    act: 'export.created',
    target: `export ${made.export_id}`,
    address: null,
    result: 'done',
    data: { schedule: scheduleId, dueTime: dueTime.toISOString(), format: request.format },
  });
}
