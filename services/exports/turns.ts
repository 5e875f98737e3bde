/**
 * A turn of an export on a node: it is taken for a while, a part of its file is made, and that this part belongs to it is stored together with
 * the place that the next turn begins at. A turn that took longer than the export was its own stores nothing: then another node has it, and
 * makes the same part again, as another blob.
 */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { ExportFault, ExportRequest, ExportState } from '../../contracts/exports.contract.ts';
import type { StoredPart, Written } from './parts.ts';
import type { Place } from './series.ts';

export type TakenExport = {
  readonly export_id: string;
  readonly tenant_id: number;
  readonly request: ExportRequest;
  readonly within: string | null;
  readonly from_at: Date;
  readonly to_at: Date;
  readonly state: ExportState;
  readonly place: Place | null;
  readonly series_share: number;
  readonly rows: number;
  readonly bytes: number;
  readonly parts: number;
  readonly failures: number;
  readonly is_gone: boolean;
  readonly requested_by: string;
};
export type Taker = { readonly database: Database; readonly instanceId: string };

/** The export that is due the longest and that nobody has; undefined: there is none. */
export async function takeExport(
  { database, instanceId }: Taker,
  leaseSeconds: number,
): Promise<TakenExport | undefined> {
  const [row] = await database.query<TakenExport>(
    `UPDATE telemetry_export SET instance_id = $1, due_at = now() + make_interval(secs => $2::int),
       state = CASE WHEN state = 'queued' AND removed_at IS NULL THEN 'running' ELSE state END
     WHERE export_id = (
       SELECT export_id FROM telemetry_export
       WHERE due_at <= now() AND (state <> 'completed' OR removed_at IS NOT NULL OR expires_at <= now())
       ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING export_id, tenant_id, request, within::text AS within, from_at, to_at, state, place, series_share, rows, bytes, parts, failures,
       requested_by, removed_at IS NOT NULL OR coalesce(expires_at <= now(), false) AS is_gone`,
    [instanceId, leaseSeconds],
  );
  return row;
}

/** Keeps an export for longer. */
export async function keepExport({ database, instanceId }: Taker, id: string, leaseSeconds: number): Promise<void> {
  await database.query(
    'UPDATE telemetry_export SET due_at = now() + make_interval(secs => $3::int) WHERE export_id = $1 AND instance_id = $2',
    [id, instanceId, leaseSeconds],
  );
}

/** How many series there will be: for the progress, before the first part. */
export const noteSeries = ({ database }: Taker, id: string, total: number): Promise<unknown> =>
  database.query('UPDATE telemetry_export SET series_total = $2 WHERE export_id = $1', [id, total]);

export const partsOf = ({ database }: Taker, id: string): Promise<StoredPart[]> =>
  database.query<StoredPart>(
    'SELECT key, skip_bytes, start_byte FROM telemetry_export_part WHERE export_id = $1 ORDER BY part',
    [id],
  );

export type TurnEnd =
  | { readonly kind: 'written'; readonly written: Written; readonly isComplete: boolean; readonly keepDays: number }
  | { readonly kind: 'again'; readonly pauseMs: number }
  | { readonly kind: 'failed'; readonly reason: ExportFault; readonly detail: string; readonly keepDays: number };

/** Stores what came of a turn, and gives the export back. `lost`: it was another node's, or had ended meanwhile: then the part is nobody's. */
export const endTurn = (
  { database, instanceId }: Taker,
  job: TakenExport,
  end: TurnEnd,
  told: (tx: Transaction, state: ExportState) => Promise<void>,
): Promise<'stored' | 'lost'> =>
  database.transaction(async tx => {
    const [held] = await tx.query<{ state: ExportState; is_removed: boolean }>(
      `SELECT state, removed_at IS NOT NULL AS is_removed FROM telemetry_export WHERE export_id = $1 AND instance_id = $2 FOR UPDATE`,
      [job.export_id, instanceId],
    );
    if (held === undefined) return 'lost';
    if (held.state !== 'running' || held.is_removed) {
      await tx.query('UPDATE telemetry_export SET instance_id = NULL, due_at = now() WHERE export_id = $1', [
        job.export_id,
      ]);
      return 'lost';
    }
    if (end.kind === 'written') await storeWritten(tx, job, end);
    else if (end.kind === 'again') await storeAgain(tx, job, end.pauseMs);
    else await storeFailed(tx, job, end);
    const ended = end.kind === 'failed' ? 'failed' : end.kind === 'written' && end.isComplete ? 'completed' : undefined;
    if (ended !== undefined) await told(tx, ended);
    return 'stored';
  });

async function storeWritten(
  tx: Transaction,
  job: TakenExport,
  { written, isComplete, keepDays }: Extract<TurnEnd, { kind: 'written' }>,
): Promise<void> {
  const { part, place, rows, seriesDone, seriesShare } = written;
  if (part !== undefined)
    await tx.query(
      `INSERT INTO telemetry_export_part (export_id, part, key, skip_bytes, bytes, start_byte) VALUES ($1, $2, $3, $4, $5, $6)`,
      [job.export_id, job.parts, part.key, part.skipBytes, part.bytes, job.bytes],
    );
  await tx.query(
    `UPDATE telemetry_export SET place = $2::text::jsonb, rows = rows + $3::int8, series_done = series_done + $4::int, series_share = $5::float8,
       parts = parts + $6::int, bytes = bytes + $7::int8, failures = 0, instance_id = NULL,
       state = CASE WHEN $8::bool THEN 'completed' ELSE state END, ended_at = CASE WHEN $8::bool THEN now() END,
       expires_at = CASE WHEN $8::bool THEN now() + make_interval(days => $9::int) END,
       due_at = CASE WHEN $8::bool THEN now() + make_interval(days => $9::int) ELSE now() END
     WHERE export_id = $1`,
    [
      job.export_id,
      place === null ? null : JSON.stringify(place),
      rows,
      seriesDone,
      seriesShare,
      part === undefined ? 0 : 1,
      part?.bytes ?? 0,
      isComplete,
      keepDays,
    ],
  );
}

const storeAgain = (tx: Transaction, { export_id }: TakenExport, pauseMs: number): Promise<unknown> =>
  tx.query(
    `UPDATE telemetry_export SET failures = failures + 1, instance_id = NULL, due_at = now() + $2::int * interval '1 ms' WHERE export_id = $1`,
    [export_id, pauseMs],
  );

const storeFailed = (
  tx: Transaction,
  { export_id }: TakenExport,
  { reason, detail, keepDays }: Extract<TurnEnd, { kind: 'failed' }>,
): Promise<unknown> =>
  tx.query(
    `UPDATE telemetry_export SET state = 'failed', reason = $2, detail = $3, ended_at = now(), instance_id = NULL, due_at = now(),
       expires_at = now() + make_interval(days => $4::int)
     WHERE export_id = $1`,
    [export_id, reason, detail, keepDays],
  );

/** Its files are removed: it goes as well when its time is over, else it waits for that. */
export async function endRemoval({ database, instanceId }: Taker, { export_id, is_gone }: TakenExport): Promise<void> {
  if (is_gone) {
    await database.query('DELETE FROM telemetry_export WHERE export_id = $1 AND instance_id = $2', [
      export_id,
      instanceId,
    ]);
    return;
  }
  await database.transaction(async tx => {
    const [held] = await tx.query(
      `UPDATE telemetry_export SET bytes = 0, instance_id = NULL,
         due_at = CASE WHEN removed_at IS NULL THEN coalesce(expires_at, now()) ELSE now() END
       WHERE export_id = $1 AND instance_id = $2 RETURNING 1 AS held`,
      [export_id, instanceId],
    );
    if (held !== undefined) await tx.query('DELETE FROM telemetry_export_part WHERE export_id = $1', [export_id]);
  });
}
