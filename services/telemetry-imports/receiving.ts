/** An import whose file is coming: it is none for anybody else until all of it is there. */
import { uuidv7 } from 'uuidv7';
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import { type HistoryForm, type HistoryFormat, historyFileKey } from '../../contracts/telemetry-imports.contract.ts';
import { RecordCutter } from '../../mixins/record-cutter.ts';
import { type CsvColumns, columnsOf } from './csv-columns.ts';
import { COLUMNS, type ImportRow } from './import-rows.ts';

export type NewImport = {
  readonly tenantId: number;
  readonly within: string | null;
  readonly format: HistoryFormat;
  readonly form: HistoryForm;
  readonly dryRun: boolean;
  readonly requestedBy: string;
};
export type Received = {
  readonly import_id: string;
  readonly format: HistoryFormat;
  readonly form: HistoryForm;
  readonly dry_run: boolean;
};
const WAIT_MS = 10_000;

/** Rejects with `rate_limited` when the tenant has too many that have not ended. */
export const openImport = (database: Database, it: NewImport, { historyImportsUnderWay }: Limits): Promise<string> =>
  database.transaction(async tx => {
    // Whoever opens one at the same time waits, so that the number of them is exact.
    await tx.query('SELECT FROM tenant WHERE tenant_id = $1 FOR NO KEY UPDATE', [it.tenantId]);
    const [open] = await tx.query<{ imports: number }>(
      'SELECT count(*)::int AS imports FROM telemetry_import WHERE tenant_id = $1 AND ended_at IS NULL',
      [it.tenantId],
    );
    if (open!.imports >= historyImportsUnderWay)
      throw new SkeinError(
        'rate_limited',
        `${historyImportsUnderWay} imports are under way; wait until one has ended`,
        {
          retryAfterMs: WAIT_MS,
        },
      );
    const id = uuidv7();
    await tx.query(
      `INSERT INTO telemetry_import (import_id, tenant_id, format, form, state, dry_run, within, requested_by)
       VALUES ($1, $2, $3, $4, 'receiving', $5, $6::text::jsonb, $7)`,
      [id, it.tenantId, it.format, it.form, it.dryRun, it.within, it.requestedBy],
    );
    return id;
  });

/** Rejects with `not_found`. */
export async function readReceived(db: Pick<Transaction, 'query'>, tenantId: number, id: string): Promise<Received> {
  const [row] = await db.query<Received>(
    `SELECT import_id, format, form, dry_run FROM telemetry_import WHERE tenant_id = $1 AND import_id = $2 AND state = 'receiving'`,
    [tenantId, id],
  );
  if (row === undefined) throw new SkeinError('not_found', 'No file is expected for such an import');
  return row;
}

/** Its file goes later. */
export async function discardImport(database: Database, tenantId: number, id: string): Promise<void> {
  await database.query(
    `UPDATE telemetry_import SET state = 'removing', ended_at = now() WHERE tenant_id = $1 AND import_id = $2 AND state = 'receiving'`,
    [tenantId, id],
  );
}

/** What the beginning of the file says of the rest; null: nothing. Rejects with `invalid_request`. */
export async function readColumns(
  blobs: BlobStore,
  { import_id, format, form }: Received,
  { historyLineMaxBytes }: Limits,
): Promise<CsvColumns | null> {
  if (format !== 'csv') return null;
  const bytes = await blobs.read(historyFileKey(import_id), 0, 2 * historyLineMaxBytes);
  let columns: CsvColumns | undefined;
  const decode = (text: string): undefined => {
    columns ??= columnsOf(text, form);
  };
  const cutter = new RecordCutter({ isQuoted: true, recordMaxBytes: historyLineMaxBytes, decode });
  const [first] = cutter.push(Buffer.from(bytes), bytes.length < 2 * historyLineMaxBytes);
  const isBroken = columns === undefined || (first !== undefined && first.line === 1);
  if (isBroken) throw new SkeinError('invalid_request', 'The first line does not name the columns');
  return columns!;
}

/** From now on it is worked off. */
export async function startImport(
  tx: Transaction,
  tenantId: number,
  it: { readonly id: string; readonly bytes: number; readonly columns: CsvColumns | null },
): Promise<ImportRow> {
  await readReceived(tx, tenantId, it.id);
  const [row] = await tx.query<ImportRow>(
    `UPDATE telemetry_import SET state = 'running', due_at = now(), bytes = $2, columns = $3::text::jsonb
     WHERE import_id = $1 AND state = 'receiving' RETURNING ${COLUMNS}`,
    [it.id, it.bytes, it.columns === null ? null : JSON.stringify(it.columns)],
  );
  if (row === undefined) throw new SkeinError('not_found', 'No file is expected for such an import');
  return row;
}
