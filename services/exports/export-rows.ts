/** Rows of exports, and how they look outside. Each statement names its tenant, and which devices its caller may see. */
import { uuidv7 } from 'uuidv7';
import type { Transaction } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ExportFault, ExportRequest, ExportState, ExportView } from '../../contracts/exports.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Span } from './request.ts';

export type Querying = Pick<Transaction, 'query'>;
/** Who sees some devices only sees exports that were made under the same limit, for those devices: `within` as `limitOf` says it. */
export type Seen = { readonly tenantId: number; readonly within: string | null };

export type ExportRow = {
  export_id: string;
  schedule_id: string | null;
  due_time: Date | null;
  request: ExportRequest;
  from_at: Date;
  to_at: Date;
  state: ExportState;
  series_total: number;
  series_done: number;
  series_share: number;
  rows: number;
  bytes: number;
  reason: ExportFault | null;
  detail: string | null;
  requested_by: string;
  created_at: Date;
  ended_at: Date | null;
  expires_at: Date | null;
};
const COLUMNS = `export_id, schedule_id, due_time, request, from_at, to_at, state, series_total, series_done, series_share, rows, bytes, reason,
  detail, requested_by, created_at, ended_at, expires_at`;
/** In lists, of devices that were named one by one only how many there are. */
export const LISTED_REQUEST = `CASE WHEN request ? 'deviceIds'
  THEN request || jsonb_build_object('deviceIds', jsonb_array_length(request -> 'deviceIds')) ELSE request END AS request`;
const LISTED = COLUMNS.replace('request,', `${LISTED_REQUEST},`);
const SEEN = `($2::text IS NULL OR within = $2::text::jsonb) AND removed_at IS NULL
  AND (expires_at IS NULL OR expires_at > now())`;

export const exportView = (row: ExportRow): ExportView => ({
  id: row.export_id,
  state: row.state,
  ...row.request,
  from: row.from_at.toISOString(),
  to: row.to_at.toISOString(),
  progress: { rows: row.rows, share: shareOf(row) },
  bytes: row.bytes,
  reason: row.reason,
  detail: row.detail,
  scheduleId: row.schedule_id,
  dueTime: row.due_time?.toISOString() ?? null,
  requestedBy: row.requested_by,
  createdAt: row.created_at.toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
  expiresAt: row.expires_at?.toISOString() ?? null,
});

function shareOf({ state, series_total: total, series_done: done, series_share: share }: ExportRow): number {
  if (state === 'completed') return 1;
  return total === 0 ? 0 : Math.min(0.999, Math.round(((done + share) / total) * 1000) / 1000);
}

export async function readExport(db: Querying, { tenantId, within }: Seen, id: string): Promise<ExportRow | undefined> {
  const [row] = await db.query<ExportRow>(
    `SELECT ${COLUMNS} FROM telemetry_export WHERE tenant_id = $1 AND ${SEEN} AND export_id = $3`,
    [tenantId, within, id],
  );
  return row;
}

type Filter = { readonly state: ExportState | undefined; readonly scheduleId: string | undefined };
export const listExports = (
  db: Querying,
  { tenantId, within }: Seen,
  { state, scheduleId }: Filter,
  before: string | undefined,
  limit: number,
): Promise<ExportRow[]> =>
  db.query<ExportRow>(
    `SELECT ${LISTED} FROM telemetry_export WHERE tenant_id = $1 AND ${SEEN} AND ($3::text IS NULL OR state = $3) AND ($4::uuid IS NULL OR schedule_id = $4)
       AND ($5::uuid IS NULL OR export_id < $5) ORDER BY export_id DESC LIMIT $6`,
    [tenantId, within, state ?? null, scheduleId ?? null, before ?? null, limit],
  );

export type NewExport = Seen & {
  readonly request: ExportRequest;
  readonly span: Span;
  readonly requestedBy: string;
  readonly of?: { readonly scheduleId: string; readonly dueTime: Date };
};

/** Undefined: its schedule has made it for this time before. */
export async function insertExport(
  tx: Querying,
  { tenantId, within, request, span, requestedBy, of }: NewExport,
): Promise<ExportRow | undefined> {
  const [row] = await tx.query<ExportRow>(
    `INSERT INTO telemetry_export (export_id, tenant_id, within, request, from_at, to_at, state, requested_by, schedule_id, due_time)
     VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb, $5, $6, 'queued', $7, $8, $9)
     ON CONFLICT (schedule_id, due_time) DO NOTHING RETURNING ${COLUMNS}`,
    [
      uuidv7(),
      tenantId,
      within,
      JSON.stringify(request),
      new Date(span.fromMs),
      new Date(span.toMs),
      requestedBy,
      of?.scheduleId ?? null,
      of?.dueTime ?? null,
    ],
  );
  return row;
}

/** What is wrong with one export more; undefined: there is room. Until the transaction ends, no other one is made in this tenant. */
export async function roomFault(
  tx: Querying,
  tenantId: number,
  { exportsUnderWayMax, exportsKeptMax }: Limits,
): Promise<SkeinError | undefined> {
  await tx.query('SELECT FROM tenant WHERE tenant_id = $1 FOR NO KEY UPDATE', [tenantId]);
  const [counts] = await tx.query<{ under_way: number; kept: number }>(
    `SELECT count(*) FILTER (WHERE ended_at IS NULL)::int AS under_way, count(*)::int AS kept
     FROM telemetry_export WHERE tenant_id = $1 AND removed_at IS NULL`,
    [tenantId],
  );
  if (counts!.under_way >= exportsUnderWayMax)
    return new SkeinError(
      'quota_exceeded',
      `${counts!.under_way} exports are under way, as many as an organization may have: wait until one has ended`,
    );
  if (counts!.kept >= exportsKeptMax)
    return new SkeinError('quota_exceeded', `An organization keeps at most ${exportsKeptMax} exports: remove some`);
  return undefined;
}

/** False: it had ended. Whoever makes a part of it just now will find out, and what there is of the file is removed then. */
export async function cancelExport(tx: Querying, tenantId: number, id: string, keepDays: number): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE telemetry_export SET state = 'cancelled', ended_at = now(), expires_at = now() + make_interval(days => $3::int),
       due_at = CASE WHEN instance_id IS NULL THEN now() ELSE due_at END
     WHERE tenant_id = $1 AND export_id = $2 AND ended_at IS NULL RETURNING 1 AS one`,
    [tenantId, id, keepDays],
  );
  return rows.length > 0;
}

/** Nobody sees it from now on; its files go with its next turn. */
export async function hideExport(tx: Querying, tenantId: number, id: string): Promise<void> {
  await tx.query(
    `UPDATE telemetry_export SET removed_at = now(), ended_at = coalesce(ended_at, now()),
       due_at = CASE WHEN instance_id IS NULL THEN now() ELSE due_at END
     WHERE tenant_id = $1 AND export_id = $2`,
    [tenantId, id],
  );
}
