/** Rows of imports, and how they look outside. Each statement names its tenant, or an import that was found by it. */
import type { Transaction } from '../../adapters/database/database.ts';
import type {
  ImportFormat,
  ImportLineView,
  ImportState,
  ImportView,
  LineState,
} from '../../contracts/imports.contract.ts';

export type Querying = Pick<Transaction, 'query'>;

export const COLUMNS =
  'import_id, tenant_id, format, state, dry_run, total, created, refused, requested_by, created_at, ended_at';

export type ImportRow = {
  import_id: string;
  tenant_id: number;
  format: ImportFormat;
  state: ImportState;
  dry_run: boolean;
  total: number;
  created: number;
  refused: number;
  requested_by: string;
  created_at: Date;
  ended_at: Date | null;
};

export const importView = (row: ImportRow): ImportView => {
  const done = row.created + row.refused;
  return {
    id: row.import_id,
    format: row.format,
    state: row.state,
    dryRun: row.dry_run,
    total: row.total,
    created: row.created,
    refused: row.refused,
    pending: row.total - done,
    // Whole ones, and 100 only when nothing is left.
    donePercent: Math.floor((100 * done) / row.total),
    requestedBy: row.requested_by,
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  };
};

/** One whose lines are still coming is none yet. */
export async function readImport(db: Querying, tenantId: number, id: string): Promise<ImportRow | undefined> {
  const [row] = await db.query<ImportRow>(
    `SELECT ${COLUMNS} FROM device_import WHERE tenant_id = $1 AND import_id = $2 AND state <> 'receiving'`,
    [tenantId, id],
  );
  return row;
}

export const listImports = (
  db: Querying,
  tenantId: number,
  state: string | undefined,
  before: string | undefined,
  limit: number,
): Promise<ImportRow[]> =>
  db.query<ImportRow>(
    `SELECT ${COLUMNS} FROM device_import
     WHERE tenant_id = $1 AND state <> 'receiving' AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR import_id < $3)
     ORDER BY import_id DESC LIMIT $4`,
    [tenantId, state ?? null, before ?? null, limit],
  );

export type LineRow = {
  line: number;
  device_id: string | null;
  state: LineState;
  reason: string | null;
  detail: string | null;
};

export const lineView = (row: LineRow): ImportLineView => ({
  line: row.line,
  deviceId: row.device_id,
  state: row.state,
  reason: row.reason,
  detail: row.detail,
});

export const listLines = (
  db: Querying,
  { import_id }: ImportRow,
  state: string | undefined,
  after: number,
  limit: number,
): Promise<LineRow[]> =>
  db.query<LineRow>(
    `SELECT line, device_id, state, reason, detail FROM device_import_line
     WHERE import_id = $1 AND ($2::text IS NULL OR state = $2) AND line > $3 ORDER BY line LIMIT $4`,
    [import_id, state ?? null, after, limit],
  );

/** What is pending stays undone. False: it had ended already. */
export async function cancelImport(tx: Querying, { import_id }: ImportRow): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE device_import SET state = 'cancelled', ended_at = now() WHERE import_id = $1 AND state = 'running' RETURNING 1 AS done`,
    [import_id],
  );
  return rows.length > 0;
}
