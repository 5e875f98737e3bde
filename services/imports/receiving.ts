/** An import whose lines are coming: it is none for anybody else until all of them are there. */
import { uuidv7 } from 'uuidv7';
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ImportFormat } from '../../contracts/imports.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import { COLUMNS, type ImportRow, type Querying } from './import-rows.ts';
import type { CheckedLine } from './line-devices.ts';

export type NewImport = {
  readonly tenantId: number;
  readonly format: ImportFormat;
  readonly dryRun: boolean;
  readonly requestedBy: string;
};
const WAIT_MS = 10_000;

/** Rejects with `rate_limited` when the tenant has too many that have not ended. */
export const openImport = (
  database: Database,
  { tenantId, format, dryRun, requestedBy }: NewImport,
  { importsUnderWay }: Limits,
): Promise<string> =>
  database.transaction(async tx => {
    // Whoever opens one at the same time waits, so that the number of them is exact.
    await tx.query('SELECT FROM tenant WHERE tenant_id = $1 FOR NO KEY UPDATE', [tenantId]);
    const [open] = await tx.query<{ imports: number }>(
      'SELECT count(*)::int AS imports FROM device_import WHERE tenant_id = $1 AND ended_at IS NULL',
      [tenantId],
    );
    if (open!.imports >= importsUnderWay)
      throw new SkeinError('rate_limited', `${importsUnderWay} imports are under way; wait until one has ended`, {
        retryAfterMs: WAIT_MS,
      });
    const id = uuidv7();
    await tx.query(
      `INSERT INTO device_import (import_id, tenant_id, format, state, dry_run, requested_by) VALUES ($1, $2, $3, 'receiving', $4, $5)`,
      [id, tenantId, format, dryRun, requestedBy],
    );
    return id;
  });

/** Its format. Rejects with `not_found`. */
export async function receivingFormat(db: Querying, tenantId: number, id: string): Promise<ImportFormat> {
  const [row] = await db.query<{ format: ImportFormat }>(
    `SELECT format FROM device_import WHERE tenant_id = $1 AND import_id = $2 AND state = 'receiving'`,
    [tenantId, id],
  );
  if (row === undefined) throw new SkeinError('not_found', 'No lines are expected for such an import');
  return row.format;
}

/** The import was found by its tenant. Rejects with `too_large` when it has more lines than one may have. */
export async function addLines(
  tx: Transaction,
  id: string,
  lines: readonly CheckedLine[],
  { importMaxLines }: Limits,
): Promise<void> {
  await tx.query(
    `INSERT INTO device_import_line (import_id, line, device_id, content, state, reason, detail)
     SELECT $1::uuid, line, device_id, NULLIF(content, 'null'), CASE WHEN reason IS NULL THEN 'pending' ELSE 'refused' END, reason, detail
     FROM jsonb_to_recordset($2::text::jsonb) AS it (line int, device_id text, content jsonb, reason text, detail text)`,
    [id, JSON.stringify(lines.map(rowOf))],
  );
  const [row] = await tx.query<{ total: number }>(
    'UPDATE device_import SET total = total + $2::int WHERE import_id = $1 RETURNING total',
    [id, lines.length],
  );
  if (row!.total > importMaxLines) throw new SkeinError('too_large', `An import has at most ${importMaxLines} lines`);
}

const rowOf = (it: CheckedLine) => ({
  line: it.line,
  device_id: it.deviceId,
  ...('device' in it ? { content: it.device } : { reason: it.reason, detail: it.detail }),
});

export async function discardImport(db: Querying, tenantId: number, id: string): Promise<void> {
  await db.query(`DELETE FROM device_import WHERE tenant_id = $1 AND import_id = $2 AND state = 'receiving'`, [
    tenantId,
    id,
  ]);
}

/** From now on it is worked off. Of lines with the same id the first one counts. Rejects with `invalid_request` when there are none. */
export async function startImport(tx: Transaction, tenantId: number, id: string): Promise<ImportRow> {
  await receivingFormat(tx, tenantId, id);
  await tx.query(
    `UPDATE device_import_line AS twin
     SET state = 'refused', content = NULL, reason = 'conflict', detail = 'Line ' || first_line || ' has this id already'
     FROM (
       SELECT line, first_line FROM (
         SELECT line, min(line) OVER (PARTITION BY device_id) AS first_line
         FROM device_import_line WHERE import_id = $1 AND state = 'pending') AS numbered
       WHERE line > first_line) AS again
     WHERE twin.import_id = $1 AND twin.line = again.line`,
    [id],
  );
  const [row] = await tx.query<ImportRow>(
    `UPDATE device_import SET state = 'running', due_at = now(), refused = (
       SELECT count(*) FROM device_import_line WHERE import_id = $1 AND state = 'refused')
     WHERE import_id = $1 RETURNING ${COLUMNS}`,
    [id],
  );
  if (row!.total === 0) throw new SkeinError('invalid_request', 'The file names no device');
  return row!;
}
