/** Telemetry of former times from files. The tenant is the caller's. */
import type { Context, ServiceSchema } from 'moleculer';
import type { Transaction } from '../adapters/database/database.ts';
import { isUuid } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { telemetryImports } from '../contracts/telemetry-imports.contract.ts';
import { audited } from '../mixins/audit.ts';
import { limitOf, memberOf, nameOf } from '../mixins/callers.ts';
import { NUMBER_POSITION, pageOf, pageSize, positionOf, UUID_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { once } from '../mixins/idempotency.ts';
import type { Node } from './node.ts';
import {
  beginRemoval,
  endImport,
  importView,
  listImports,
  listRefused,
  type Querying,
  readImport,
  refusedView,
  summaryOf,
} from './telemetry-imports/import-rows.ts';
import { discardImport, openImport, readColumns, readReceived, startImport } from './telemetry-imports/receiving.ts';
import { HistoryRunner } from './telemetry-imports/runner.ts';

type Called = Context<{ id: string }, Meta>;
type Parts = Pick<Node, 'config' | 'database' | 'blobs' | 'log' | 'sealer'>;

export function telemetryImportsService({ config, database, blobs, log, sealer }: Parts): ServiceSchema {
  const { limits } = config;
  const { idempotencyKeepHours } = limits;
  const runner = new HistoryRunner({ database, blobs, limits, log });
  const viewerOf = (ctx: Context<object, Meta>) => ({ tenantId: memberOf(ctx).tenantId, within: limitOf(ctx) });

  /** Of the caller's tenant. Rejects with `not_found`. */
  const find = async (ctx: Called, db: Querying = database) => {
    const { id } = ctx.params;
    const viewer = viewerOf(ctx);
    const row = isUuid(id) ? await readImport(db, viewer, id) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no import "${id.slice(0, 100)}"`);
    return row;
  };
  const target = (id: string) => `telemetry import ${id}`;

  return implement(
    telemetryImports,
    {
      async open(ctx) {
        const { format, form, dryRun } = ctx.params;
        if (form === 'wide' && format !== 'csv')
          throw new SkeinError('invalid_request', 'Only CSV has a wide form: an item of NDJSON has many values anyway');
        const requestedBy = nameOf(memberOf(ctx));
        return { id: await openImport(database, { ...viewerOf(ctx), format, form, dryRun, requestedBy }, limits) };
      },

      async discard(ctx) {
        const { tenantId } = viewerOf(ctx);
        await discardImport(database, tenantId, ctx.params.id);
        runner.wake();
      },

      async start(ctx) {
        const { tenantId } = viewerOf(ctx);
        const { id, bytes, sha256 } = ctx.params;
        const received = await readReceived(database, tenantId, id);
        const { format, form, dry_run: dryRun } = received;
        const make = async (tx: Transaction) => {
          const row = await startImport(tx, tenantId, { id, bytes, columns });
          await audited(tx, ctx, 'telemetry-import.started', target(id), { format, dryRun, bytes, sha256 });
          return importView(row);
        };
        const discard = async (error: unknown): Promise<never> => {
          await discardImport(database, tenantId, id);
          throw error;
        };
        const columns = await readColumns(blobs, received, limits).catch(discard);
        const request = ['telemetry-imports.start', sha256, format, form, dryRun];
        const started =
          ctx.meta.idempotency === undefined
            ? database.transaction(make)
            : once({ database, sealer, idempotencyKeepHours }, ctx, request, make);
        const view = await started.catch(discard);
        // The same file with the same key was started before: what came now is not needed.
        if (view.id !== id) await discardImport(database, tenantId, id);
        runner.wake();
        return view;
      },

      async list(ctx) {
        const viewer = viewerOf(ctx);
        const { limit, cursor, state } = ctx.params;
        const list = ['telemetry-imports', viewer, state];
        const size = pageSize(limit, limits);
        const [before] = positionOf<[string]>(list, cursor, UUID_POSITION) ?? [];
        const rows = await listImports(database, viewer, state, before, size + 1);
        return pageOf(list, rows, size, importView, row => [row.import_id]);
      },

      async get(ctx) {
        return importView(await find(ctx));
      },

      async report(ctx) {
        const { limit, cursor, format = 'json' } = ctx.params;
        const row = await find(ctx as Called);
        const list = ['telemetry-imports.report', row.import_id];
        const size = pageSize(limit, limits);
        const [after = 0] = positionOf<[number]>(list, cursor, NUMBER_POSITION) ?? [];
        const rows = await listRefused(database, row, after, size + 1);
        return { ...pageOf(list, rows, size, refusedView, it => [it.line]), format };
      },

      async cancel(ctx) {
        return database.transaction(async tx => {
          const row = await find(ctx, tx);
          const ended = await endImport(tx, row, 'cancelled');
          if (ended === undefined) return importView(await find(ctx, tx));
          await audited(tx, ctx, 'telemetry-import.ended', target(row.import_id), summaryOf(ended));
          return importView(ended);
        });
      },

      async remove(ctx) {
        const view = await database.transaction(async tx => {
          const found = await find(ctx, tx);
          const row = (await endImport(tx, found, 'cancelled')) ?? found;
          await beginRemoval(tx, row);
          await audited(tx, ctx, 'telemetry-import.removed', target(row.import_id), summaryOf(row));
          return importView(row);
        });
        runner.wake();
        return view;
      },
    },
    {
      ...databaseErrors,
      started: () => runner.start(),
      stopped: () => runner.stop(),
    },
  );
}
