/** Telemetry as files, asked for or by schedules. The tenant is the caller's. */
import type { Context, ServiceSchema } from 'moleculer';
import type { Transaction } from '../adapters/database/database.ts';
import { TelemetrySpans } from '../adapters/database/telemetry/reading/spans.ts';
import { isUuid } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { ExportScheduleSummary, ExportSummary } from '../contracts/exports.contract.ts';
import { telemetryExports } from '../contracts/exports.contract.ts';
import { audited } from '../mixins/audit.ts';
import { limitOf, memberOf, nameOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION, UUID_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { once } from '../mixins/idempotency.ts';
import { pieceOf } from './exports/downloads.ts';
import {
  cancelExport,
  type ExportRow,
  exportView,
  hideExport,
  insertExport,
  listExports,
  readExport,
  roomFault,
  type Seen,
} from './exports/export-rows.ts';
import { newSchedule } from './exports/new-schedules.ts';
import { checkSpan, requestOf } from './exports/request.ts';
import { ExportRunner } from './exports/runner.ts';
import {
  insertSchedule,
  listSchedules,
  readSchedule,
  removeSchedule,
  type ScheduleRow,
  scheduleView,
  setPaused,
} from './exports/schedule-rows.ts';
import { checkChoice } from './exports/series.ts';
import type { Node } from './node.ts';

type Parts = Pick<Node, 'config' | 'database' | 'blobs' | 'archive' | 'log' | 'sealer' | 'instanceId'>;
type Called = Context<{ id: string }, Meta>;

const seenBy = (ctx: { readonly meta: Meta; readonly locals?: Record<string, unknown> }): Seen => ({
  tenantId: memberOf(ctx).tenantId,
  within: limitOf(ctx),
});

export function exportsService({ config, database, blobs, archive, log, sealer, instanceId }: Parts): ServiceSchema {
  const { limits } = config;
  const kept = { database, sealer, idempotencyKeepHours: limits.idempotencyKeepHours };
  const spans = new TelemetrySpans(database);
  const runner = new ExportRunner({ database, blobs, archive: archive.readings, spans, limits, instanceId, log });

  /** Rejects with `not_found`. */
  const find = async (ctx: Called, db: Pick<Transaction, 'query'> = database): Promise<ExportRow> => {
    const { id } = ctx.params;
    const seen = seenBy(ctx);
    const row = isUuid(id) ? await readExport(db, seen, id) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no export "${id.slice(0, 100)}"`);
    return row;
  };
  const findSchedule = async (ctx: Called, db: Pick<Transaction, 'query'> = database): Promise<ScheduleRow> => {
    const { id } = ctx.params;
    const seen = seenBy(ctx);
    const row = isUuid(id) ? await readSchedule(db, seen, id) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no schedule of exports "${id.slice(0, 100)}"`);
    return row;
  };
  const pausing = (ctx: Called, isPaused: boolean) =>
    database.transaction(async tx => {
      const before = await findSchedule(ctx, tx);
      if (before.is_paused === isPaused) return scheduleView(before);
      const row = await setPaused(tx, memberOf(ctx).tenantId, before, isPaused);
      await audited(
        tx,
        ctx,
        isPaused ? 'export-schedule.paused' : 'export-schedule.resumed',
        `export-schedule ${row.schedule_id}`,
      );
      return scheduleView(row);
    });

  return implement(
    telemetryExports,
    {
      async create(ctx) {
        const seen = seenBy(ctx);
        const { from, to, ...said } = ctx.params;
        const request = requestOf(said, limits);
        const span = { fromMs: from, toMs: to };
        checkSpan(span, request, limits);
        const view = await once(kept, ctx, ['exports.create', ctx.params], async tx => {
          await checkChoice(tx, { ...seen, request });
          const fault = await roomFault(tx, seen.tenantId, limits);
          if (fault !== undefined) throw fault;
          const row = await insertExport(tx, { ...seen, request, span, requestedBy: nameOf(memberOf(ctx)) });
          const made = exportView(row!);
          const { format, from: first, to: last } = made;
          await audited(tx, ctx, 'export.created', `export ${made.id}`, { format, from: first, to: last });
          return made;
        });
        runner.wake();
        return view;
      },

      async list(ctx) {
        const seen = seenBy(ctx);
        const { limit, cursor, state, scheduleId } = ctx.params;
        const list = ['exports', seen.tenantId, state, scheduleId];
        const size = pageSize(limit, limits);
        const [before] = positionOf<[string]>(list, cursor, UUID_POSITION) ?? [];
        if (scheduleId !== undefined && !isUuid(scheduleId)) return { items: [], nextCursor: null };
        const rows = await listExports(database, seen, { state, scheduleId }, before, size + 1);
        return pageOf(
          list,
          rows,
          size,
          row => exportView(row) as unknown as ExportSummary,
          row => [row.export_id],
        );
      },

      async get(ctx) {
        return exportView(await find(ctx));
      },

      cancel(ctx) {
        return database.transaction(async tx => {
          const { tenantId } = memberOf(ctx);
          const { export_id: id } = await find(ctx, tx);
          const isCancelled = await cancelExport(tx, tenantId, id, limits.exportKeepDays);
          const now = exportView(await find(ctx, tx));
          if (isCancelled) await audited(tx, ctx, 'export.ended', `export ${id}`, { state: 'cancelled' });
          return now;
        });
      },

      async remove(ctx) {
        const view = await database.transaction(async tx => {
          const row = await find(ctx, tx);
          await hideExport(tx, memberOf(ctx).tenantId, row.export_id);
          await audited(tx, ctx, 'export.removed', `export ${row.export_id}`);
          return exportView(row);
        });
        runner.wake();
        return view;
      },

      async file(ctx) {
        const { id: _id, ...wanted } = ctx.params;
        const row = await find(ctx);
        const piece = await pieceOf({ database, blobs, limits }, row, wanted);
        if (wanted.start === undefined)
          await database.transaction(tx =>
            audited(tx, ctx, 'export.downloaded', `export ${row.export_id}`, { from: piece.start, to: piece.end }),
          );
        return piece;
      },

      async createSchedule(ctx) {
        const schedule = newSchedule(ctx.params, { ...seenBy(ctx), requestedBy: nameOf(memberOf(ctx)) }, limits);
        return once(kept, ctx, ['exports.createSchedule', ctx.params], async tx => {
          await checkChoice(tx, schedule);
          const row = await insertSchedule(tx, schedule, limits);
          const { name, cron, timezone, covers } = schedule;
          await audited(tx, ctx, 'export-schedule.created', `export-schedule ${row.schedule_id}`, {
            name,
            cron,
            timezone,
            window: covers,
          });
          return scheduleView(row);
        });
      },

      async schedules(ctx) {
        const seen = seenBy(ctx);
        const { limit, cursor } = ctx.params;
        const list = ['exports.schedules', seen.tenantId];
        const size = pageSize(limit, limits);
        const [after] = positionOf<[string]>(list, cursor, TEXT_POSITION) ?? [];
        const rows = await listSchedules(database, seen, after, size + 1);
        return pageOf(
          list,
          rows,
          size,
          row => scheduleView(row) as unknown as ExportScheduleSummary,
          row => [row.name],
        );
      },

      async schedule(ctx) {
        return scheduleView(await findSchedule(ctx));
      },

      pauseSchedule: ctx => pausing(ctx, true),
      resumeSchedule: ctx => pausing(ctx, false),

      removeSchedule(ctx) {
        return database.transaction(async tx => {
          const row = await findSchedule(ctx, tx);
          await removeSchedule(tx, memberOf(ctx).tenantId, row.schedule_id);
          await audited(tx, ctx, 'export-schedule.removed', `export-schedule ${row.schedule_id}`, { name: row.name });
          return scheduleView(row);
        });
      },
    },
    {
      ...databaseErrors,
      started: () => runner.start(),
      stopped: () => runner.stop(),
    },
  );
}
