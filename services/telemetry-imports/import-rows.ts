/** Rows of imports of history, and how they look outside. Each statement names its tenant, or an import that was found by it. */
import type { Transaction } from '../../adapters/database/database.ts';
import type {
  HistoryForm,
  HistoryFormat,
  HistoryImportView,
  HistoryState,
  LineReason,
  RefusedLineView,
} from '../../contracts/telemetry-imports.contract.ts';
import type { CsvColumns } from './csv-columns.ts';

export type Querying = Pick<Transaction, 'query'>;
export type ImportRow = {
  import_id: string;
  tenant_id: number;
  format: HistoryFormat;
  form: HistoryForm;
  state: HistoryState;
  dry_run: boolean;
  within: object | null;
  columns: CsvColumns | null;
  bytes: number;
  place: { readonly offset?: number };
  pieces: number;
  lines: number;
  stored: number;
  duplicates: number;
  flagged: number;
  refused: number;
  reported: number;
  reasons: { [reason in LineReason]?: number };
  failure: string | null;
  requested_by: string;
  created_at: Date;
  ended_at: Date | null;
  tries: number;
};
export const COLUMNS = `import_id, tenant_id, format, form, state, dry_run, within, columns, bytes, place, pieces, lines, stored, duplicates, flagged,
  refused, reported, reasons, failure, requested_by, created_at, ended_at, tries`;

export const importView = (row: ImportRow): HistoryImportView => ({
  id: row.import_id,
  format: row.format,
  form: row.form,
  state: row.state,
  dryRun: row.dry_run,
  bytes: row.bytes,
  donePercent: donePercent(row),
  lines: row.lines,
  refused: row.refused,
  reasons: row.reasons,
  reported: row.reported,
  stored: row.stored,
  flagged: row.flagged,
  duplicates: row.duplicates,
  failure: row.failure,
  requestedBy: row.requested_by,
  createdAt: row.created_at.toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
});

/** Whole ones, and 100 only when nothing is left. */
function donePercent({ state, format, place, bytes }: ImportRow): number | null {
  if (state === 'completed') return 100;
  if (format === 'parquet') return null;
  return Math.min(99, Math.floor((100 * (place.offset ?? 0)) / Math.max(1, bytes)));
}

/** Who is limited to some devices sees the imports of those who are limited in the same way. */
const SEEN = `state NOT IN ('receiving', 'removing') AND ($2::text IS NULL OR within = $2::text::jsonb)`;
export type Viewer = { readonly tenantId: number; readonly within: string | null };

/** One whose file is still coming is none yet. */
export async function readImport(db: Querying, viewer: Viewer, id: string): Promise<ImportRow | undefined> {
  const [row] = await db.query<ImportRow>(
    `SELECT ${COLUMNS} FROM telemetry_import WHERE tenant_id = $1 AND ${SEEN} AND import_id = $3`,
    [viewer.tenantId, viewer.within, id],
  );
  return row;
}

export const listImports = (
  db: Querying,
  { tenantId, within }: Viewer,
  state: string | undefined,
  before: string | undefined,
  limit: number,
): Promise<ImportRow[]> =>
  db.query<ImportRow>(
    `SELECT ${COLUMNS} FROM telemetry_import
     WHERE tenant_id = $1 AND ${SEEN} AND ($3::text IS NULL OR state = $3) AND ($4::uuid IS NULL OR import_id < $4)
     ORDER BY import_id DESC LIMIT $5`,
    [tenantId, within, state ?? null, before ?? null, limit],
  );

export type RefusedRow = { line: number; device_id: string | null; reason: LineReason; detail: string | null };
export const refusedView = ({ line, device_id, reason, detail }: RefusedRow): RefusedLineView => ({
  line,
  deviceId: device_id,
  reason,
  detail,
});

export const listRefused = (
  db: Querying,
  { import_id }: ImportRow,
  after: number,
  limit: number,
): Promise<RefusedRow[]> =>
  db.query<RefusedRow>(
    `SELECT line, device_id, reason, detail FROM telemetry_import_refusal WHERE import_id = $1 AND line > $2 ORDER BY line LIMIT $3`,
    [import_id, after, limit],
  );

/** Undefined: it had ended already. */
export async function endImport(
  tx: Querying,
  { import_id }: Pick<ImportRow, 'import_id'>,
  state: HistoryState,
  failure: string | null = null,
): Promise<ImportRow | undefined> {
  const [row] = await tx.query<ImportRow>(
    `UPDATE telemetry_import SET state = $2, failure = $3, ended_at = now(), due_at = now() WHERE import_id = $1 AND state = 'running' RETURNING ${COLUMNS}`,
    [import_id, state, failure],
  );
  return row;
}

/** It is none any more; its file and its row go later. */
export const beginRemoval = async (tx: Querying, { import_id }: ImportRow): Promise<void> => {
  await tx.query(
    `UPDATE telemetry_import SET state = 'removing', ended_at = coalesce(ended_at, now()), due_at = now() WHERE import_id = $1`,
    [import_id],
  );
};

/** For the audit log. */
export const summaryOf = ({ state, dry_run: dryRun, lines, refused, stored, duplicates }: ImportRow) => ({
  ...{ state, dryRun, lines, refused, stored, duplicates },
});
