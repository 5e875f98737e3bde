/**
 * A turn of an import: some of its lines become devices. One transaction that holds the row of the import: what it made and what it says of the
 * lines are stored together, once, and a node that dies, or hangs for longer than the database waits, gives the import back as it was.
 */
import { newKey } from '../../adapters/access/keys.ts';
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { type ErrorType, SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import { appendAudit } from '../../mixins/audit.ts';
import { insertDevices, type NewDevice } from '../../mixins/device-registration.ts';
import { withinQuota } from '../../mixins/quotas.ts';
import { COLUMNS, type ImportRow } from './import-rows.ts';
import type { LineDevice } from './line-devices.ts';

export type Working = { readonly database: Database; readonly sealer: Sealer; readonly limits: Limits };

type PendingLine = { readonly line: number; readonly device_id: string; readonly content: LineDevice };
type LineEnd = {
  readonly line: number;
  readonly reason: ErrorType | null;
  readonly detail: string | null;
  readonly sealed?: Uint8Array;
};

/** What the sealed key of a line is about: it does not open in another one. */
export const aboutKey = (importId: string, line: number): string => `import ${importId} line ${line}`;

/** False: no import was due. `most`: lines at once. */
export const takeTurn = (working: Working, most: number): Promise<boolean> =>
  working.database.transaction(async tx => {
    const [row] = await tx.query<ImportRow>(
      `SELECT ${COLUMNS} FROM device_import WHERE state = 'running' AND due_at <= now()
       ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
    );
    if (row === undefined) return false;
    const lines = await tx.query<PendingLine>(
      `SELECT line, device_id, content FROM device_import_line WHERE import_id = $1 AND state = 'pending' ORDER BY line LIMIT $2`,
      [row.import_id, most],
    );
    const ends = await work(tx, working, row, lines);
    await storeEnds(tx, row, ends);
    return true;
  });

/** Ends the next pending line of the import that is due with a refusal: the database does not take it, whoever tries. */
export const refuseNext = ({ database }: Working): Promise<void> =>
  database.transaction(async tx => {
    const [row] = await tx.query<ImportRow & { line: number }>(
      `SELECT ${COLUMNS}, (SELECT min(line) FROM device_import_line l WHERE l.import_id = i.import_id AND l.state = 'pending') AS line
       FROM device_import i WHERE state = 'running' AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
    );
    if (row === undefined || row.line === null) return;
    await storeEnds(tx, row, [{ line: row.line, reason: 'invalid_request', detail: 'The content can not be stored' }]);
  });

async function work(
  tx: Transaction,
  { sealer, limits }: Working,
  row: ImportRow,
  lines: readonly PendingLine[],
): Promise<LineEnd[]> {
  const { tenant_id, import_id, dry_run, requested_by } = row;
  const { known, ends } = await inKnownGroups(tx, tenant_id, lines);
  // In a dry run those that would have been made before count as well, as they would have.
  const room = await roomFor(tx, limits, tenant_id, known.length, dry_run ? row.created : 0);
  const wanted = known.slice(0, room).map(({ line, device_id, content }) => {
    const key = newKey('device');
    return { line, key, device: { id: device_id, ...content, key } satisfies NewDevice };
  });
  // Of those beyond the quota, which may be raised meanwhile, the next turn refuses the first ones.
  if (room === 0)
    ends.push(...known.map(it => refused(it, 'quota_exceeded', 'The organization has as many devices as it may have')));
  if (dry_run) await tx.query('SAVEPOINT before_devices');
  const registration = { tenantId: tenant_id, state: 'registered', by: requested_by } as const;
  const made = await insertDevices(
    tx,
    registration,
    wanted.map(it => it.device),
  );
  if (dry_run) await tx.query('ROLLBACK TO SAVEPOINT before_devices');
  for (const { line, device, key } of wanted)
    if (!made.has(device.id)) ends.push(refused({ line }, 'conflict', `A device "${device.id}" exists already`));
    else if (dry_run) ends.push({ line, reason: null, detail: null });
    else {
      const sealed = sealer.seal(Buffer.from(key.text), aboutKey(import_id, line));
      ends.push({ line, reason: null, detail: null, sealed });
    }
  return ends;
}

const refused = ({ line }: { readonly line: number }, reason: ErrorType, detail: string): LineEnd => ({
  line,
  reason,
  detail,
});

/** Splits off those that name a group that is not there. */
async function inKnownGroups(
  tx: Transaction,
  tenantId: number,
  lines: readonly PendingLine[],
): Promise<{ known: PendingLine[]; ends: LineEnd[] }> {
  const named = [...new Set(lines.flatMap(it => it.content.groups))];
  const rows =
    named.length === 0
      ? []
      : await tx.query<{ name: string }>('SELECT name FROM device_group WHERE tenant_id = $1 AND name = ANY ($2)', [
          tenantId,
          named,
        ]);
  const groups = new Set(rows.map(it => it.name));
  const known: PendingLine[] = [];
  const ends: LineEnd[] = [];
  for (const it of lines) {
    const missing = it.content.groups.find(name => !groups.has(name));
    if (missing === undefined) known.push(it);
    else ends.push(refused(it, 'not_found', `There is no group "${missing}"`));
  }
  return { known, ends };
}

/** How many of so many devices the quota of the tenant has room for. */
async function roomFor(
  tx: Transaction,
  limits: Limits,
  tenantId: number,
  wanted: number,
  before: number,
): Promise<number> {
  if (wanted === 0) return 0;
  try {
    await withinQuota(tx, limits, tenantId, 'devices', before + wanted);
    return wanted;
  } catch (error) {
    if (!(error instanceof SkeinError) || error.type !== 'quota_exceeded') throw error;
    const { size, used } = error.data as { size: number; used: number };
    return Math.max(0, Math.min(wanted, size - used - before));
  }
}

/** Stores what became of the lines, and ends the import when none is left. */
async function storeEnds(tx: Transaction, row: ImportRow, ends: readonly LineEnd[]): Promise<void> {
  const { import_id, tenant_id, requested_by } = row;
  await tx.query(
    `UPDATE device_import_line AS l SET state = CASE WHEN it.reason IS NULL THEN 'created' ELSE 'refused' END, content = NULL,
       reason = it.reason, detail = it.detail, sealed = it.sealed
     FROM unnest($2::int[], $3::text[], $4::text[], $5::bytea[]) AS it (line, reason, detail, sealed)
     WHERE l.import_id = $1 AND l.line = it.line AND l.state = 'pending'`,
    [
      import_id,
      ends.map(it => it.line),
      ends.map(it => it.reason),
      ends.map(it => it.detail),
      ends.map(it => it.sealed ?? null),
    ],
  );
  const refusals = ends.filter(it => it.reason !== null).length;
  const [now] = await tx.query<ImportRow>(
    `UPDATE device_import SET created = created + $2::int, refused = refused + $3::int, due_at = clock_timestamp(),
       state = CASE WHEN created + refused + $2::int + $3::int = total THEN 'completed' ELSE state END,
       ended_at = CASE WHEN created + refused + $2::int + $3::int = total THEN now() END
     WHERE import_id = $1 RETURNING ${COLUMNS}`,
    [import_id, ends.length - refusals, refusals],
  );
  if (now!.state === 'completed') {
    const { created, refused: notMade, dry_run: dryRun } = now!;
    await appendAudit(tx, {
      tenantId: tenant_id,
      actor: requested_by,
      act: 'import.ended',
      target: `import ${import_id}`,
      address: null,
      result: 'done',
      data: { state: 'completed', created, refused: notMade, dryRun },
    });
  }
}
