/** Many devices from one file, line by line. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import type { Transaction } from '../adapters/database/database.ts';
import { isUuid } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { type ImportCredential, type ImportLineView, imports } from '../contracts/imports.contract.ts';
import { audited } from '../mixins/audit.ts';
import { memberOf, nameOf } from '../mixins/callers.ts';
import { NUMBER_POSITION, pageOf, pageSize, positionOf, UUID_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { once } from '../mixins/idempotency.ts';
import { checkColumns } from './imports/csv-columns.ts';
import {
  cancelImport,
  importView,
  type LineRow,
  lineView,
  listImports,
  listLines,
  readImport,
} from './imports/import-rows.ts';
import { checkLine } from './imports/line-devices.ts';
import { forgetKeys, type KeyRow, listKeys, openKey } from './imports/new-keys.ts';
import { addLines, discardImport, openImport, receivingFormat, startImport } from './imports/receiving.ts';
import { ImportRunner } from './imports/runner.ts';
import type { Node } from './node.ts';

type Called = { readonly meta: Meta; readonly params: { readonly id: string } };

export function importsService({
  config,
  database,
  log,
  sealer,
}: Pick<Node, 'config' | 'database' | 'log' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const { idempotencyKeepHours } = limits;
  const runner = new ImportRunner({ database, sealer, limits, log });

  /** Of the caller's tenant. Rejects with `not_found`. */
  const find = async (ctx: Called, db: Pick<Transaction, 'query'> = database) => {
    const { id } = ctx.params;
    const row = isUuid(id) ? await readImport(db, memberOf(ctx).tenantId, id) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no import "${id.slice(0, 100)}"`);
    return row;
  };

  return implement(
    imports,
    {
      async open(ctx) {
        const caller = memberOf(ctx);
        const { format, dryRun, columns } = ctx.params;
        if (columns != null) checkColumns(columns);
        const made = { tenantId: caller.tenantId, format, dryRun, requestedBy: nameOf(caller) };
        return { id: await openImport(database, made, limits) };
      },

      async add(ctx) {
        const { tenantId } = memberOf(ctx);
        const { id, lines } = ctx.params;
        const format = await receivingFormat(database, tenantId, id);
        const checked = lines.map(it => checkLine(format, it, limits));
        await database.transaction(tx => addLines(tx, id, checked, limits));
      },

      async discard(ctx) {
        await discardImport(database, memberOf(ctx).tenantId, ctx.params.id);
      },

      async start(ctx) {
        const { tenantId } = memberOf(ctx);
        const { id, sha256 } = ctx.params;
        const [opened] = await database.query<{ dry_run: boolean }>(
          'SELECT dry_run FROM device_import WHERE tenant_id = $1 AND import_id = $2',
          [tenantId, id],
        );
        const make = async (tx: Transaction) => {
          const row = await startImport(tx, tenantId, id);
          const { format, dry_run: dryRun, total, refused } = row;
          await audited(tx, ctx, 'import.started', `import ${id}`, { format, dryRun, total, refused, sha256 });
          return importView(row);
        };
        const request = ['imports.start', sha256, opened?.dry_run ?? false];
        const started =
          ctx.meta.idempotency === undefined
            ? database.transaction(make)
            : once({ database, sealer, idempotencyKeepHours }, ctx, request, make);
        const view = await started.catch(async error => {
          await discardImport(database, tenantId, id);
          throw error;
        });
        // The same file with the same key was started before: what came now is not needed.
        if (view.id !== id) await discardImport(database, tenantId, id);
        runner.wake();
        return view;
      },

      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, state } = ctx.params;
        const list = ['imports', tenantId, state];
        const size = pageSize(limit, limits);
        const [before] = positionOf<[string]>(list, cursor, UUID_POSITION) ?? [];
        const rows = await listImports(database, tenantId, state, before, size + 1);
        return pageOf(list, rows, size, importView, row => [row.import_id]);
      },

      async get(ctx) {
        return importView(await find(ctx));
      },

      async lines(ctx) {
        const { limit, cursor, state } = ctx.params;
        const row = await find(ctx);
        const list = ['imports.lines', row.import_id, state];
        const size = pageSize(limit, limits);
        const [after = 0] = positionOf<[number]>(list, cursor, NUMBER_POSITION) ?? [];
        const rows = await listLines(database, row, state, after, size + 1);
        return pageOf<LineRow, ImportLineView>(list, rows, size, lineView, it => [it.line]);
      },

      async credentials(ctx) {
        const { limit, cursor, format } = ctx.params;
        const row = await find(ctx);
        const list = ['imports.credentials', row.import_id];
        const size = pageSize(limit, limits);
        const [after = 0] = positionOf<[number]>(list, cursor, NUMBER_POSITION) ?? [];
        const rows = await listKeys(database, row, after, size + 1);
        // Once for each reading, whose first page it is.
        if (cursor === undefined)
          await database.transaction(tx => audited(tx, ctx, 'import.keys-read', `import ${row.import_id}`));
        const page = pageOf<KeyRow, ImportCredential>(
          list,
          rows,
          size,
          it => openKey(sealer, row, it),
          it => [it.line],
        );
        return { ...page, format: format ?? row.format };
      },

      async forgetCredentials(ctx) {
        return database.transaction(async tx => {
          const row = await find(ctx, tx);
          const forgotten = await forgetKeys(tx, row);
          await audited(tx, ctx, 'import.keys-forgotten', `import ${row.import_id}`, { forgotten });
          return { forgotten };
        });
      },

      async cancel(ctx) {
        return database.transaction(async tx => {
          const row = await find(ctx, tx);
          const isCancelled = await cancelImport(tx, row);
          const now = await find(ctx, tx);
          const { created, refused, dry_run: dryRun } = now;
          const data = { state: 'cancelled', created, refused, dryRun };
          if (isCancelled) await audited(tx, ctx, 'import.ended', `import ${row.import_id}`, data);
          return importView(now);
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
