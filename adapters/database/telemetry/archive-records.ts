/** The records of archived files: `writing` until the rows are in the file and nowhere else, `removing` when it counts no more. */
import { randomUUID } from 'node:crypto';
import type { Database, Transaction } from '../database.ts';
import { DAY_US, dayStart, microsOf, momentOf } from './days.ts';
import { isHeld } from './removal-rules.ts';

type Querying = Pick<Transaction, 'query'>;
export type ArchiveRecord = {
  readonly archiveId: number;
  readonly tenantId: number;
  readonly day: number;
  readonly key: string;
  readonly policy: string | null;
  readonly rows: number;
  readonly bytes: number;
  readonly fromUs: number;
  readonly toUs: number;
};
export type NewArchive = { readonly tenantId: number; readonly day: number; readonly policy: string | null };
export type FileContent = {
  readonly rows: number;
  readonly bytes: number;
  readonly checksum: Uint8Array;
  /** Its series: at each place of both lists one. */
  readonly deviceUids: readonly number[];
  readonly measurementIds: readonly number[];
  readonly firstUs: number;
  readonly lastUs: number;
};

/** A file that is going to be written: whatever becomes of us, it is known that it may be there. */
export async function beginArchive(
  db: Querying,
  { tenantId, day, policy }: NewArchive,
): Promise<{ archiveId: number; key: string }> {
  const date = new Date((day * DAY_US) / 1_000).toISOString().slice(0, 10);
  const key = `archive/t${tenantId}/${date.replaceAll('-', '/')}/${randomUUID()}.parquet`;
  const [row] = await db.query<{ archive_id: number }>(
    `INSERT INTO telemetry_archive (tenant_id, day, state, key, policy) VALUES ($1, $2, 'writing', $3, $4) RETURNING archive_id`,
    [tenantId, day, key, policy],
  );
  return { archiveId: row!.archive_id, key };
}

/** False: somebody thought that we were dead, and is removing it. */
export async function endArchive(tx: Transaction, archiveId: number, it: FileContent): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE telemetry_archive SET state = 'valid', rows = $2, bytes = $3, checksum = $4, device_uids = $5::int4[], measurement_ids = $6::int4[],
       first_device = (SELECT min(it) FROM unnest($5::int4[]) it), last_device = (SELECT max(it) FROM unnest($5::int4[]) it),
       first_ts = ${momentOf('$7')}, last_ts = ${momentOf('$8')}, changed_at = now()
     WHERE archive_id = $1 AND state = 'writing' AND tenant_id IS NOT NULL RETURNING 1 AS one`,
    [archiveId, it.rows, it.bytes, it.checksum, it.deviceUids, it.measurementIds, it.firstUs, it.lastUs],
  );
  return rows.length > 0;
}

/** False: it was no longer what it was. */
export async function retireArchive(db: Querying, archiveId: number, state: 'writing' | 'valid'): Promise<boolean> {
  const rows = await db.query(
    `UPDATE telemetry_archive SET state = 'removing', changed_at = now()
     WHERE archive_id = $1 AND state = $2 AND tenant_id IS NOT NULL RETURNING 1 AS one`,
    [archiveId, state],
  );
  return rows.length > 0;
}

const COLUMNS = `archive_id AS "archiveId", tenant_id AS "tenantId", day, key, policy, rows, bytes,
  ${microsOf('first_ts')} AS "fromUs", ${microsOf('last_ts')} + 1 AS "toUs"`;

export type RecordFilter = {
  readonly deviceUids: readonly number[] | null;
  readonly measurementIds?: readonly number[] | null | undefined;
  readonly fromUs: number;
  readonly toUs: number;
};

/** Files that may have something of these, in the order of their days, then in the order in which they were made. */
export const listArchives = (
  db: Querying,
  tenantId: number,
  { deviceUids, measurementIds = null, fromUs, toUs }: RecordFilter,
): Promise<ArchiveRecord[]> =>
  db.query<ArchiveRecord>(
    `SELECT ${COLUMNS} FROM telemetry_archive
     WHERE tenant_id = $1 AND state = 'valid' AND day >= $2::int AND day <= $3::int
       AND first_ts < ${momentOf('$4')} AND last_ts >= ${momentOf('$5')}
       AND ($6::int4[] IS NULL OR EXISTS (SELECT FROM unnest($6::int4[]) AS it (device) WHERE it.device BETWEEN first_device AND last_device))
       AND ($7::int4[] IS NULL OR measurement_ids && $7::int4[])
     ORDER BY day, archive_id`,
    [tenantId, dayWithin(fromUs), dayWithin(toUs - 1), toUs, fromUs, deviceUids, measurementIds],
  );

/** Files that have something of a device, of whatever time. */
export const archivesOf = (db: Querying, tenantId: number, deviceUid: number): Promise<ArchiveRecord[]> =>
  db.query<ArchiveRecord>(
    `SELECT ${COLUMNS} FROM telemetry_archive
     WHERE tenant_id = $1 AND state = 'valid' AND $2::int4 BETWEEN first_device AND last_device AND $2::int4 = ANY(device_uids)
     ORDER BY day, archive_id`,
    [tenantId, deviceUid],
  );

/** Whether a file is being written, or was when its process ended, that may have something that was there at this moment. */
export async function isBeingWritten(db: Querying, tenantId: number, moment: Date): Promise<boolean> {
  const rows = await db.query(
    `SELECT 1 AS one FROM telemetry_archive WHERE tenant_id = $1 AND state = 'writing' AND changed_at <= $2 LIMIT 1`,
    [tenantId, moment],
  );
  return rows.length > 0;
}

/** Timestamps lie between the years 0 and 10,000: the rest is as good. */
const dayWithin = (us: number): number => Math.max(-1_000_000, Math.min(10_000_000, Math.floor(us / DAY_US)));

/** Files of a day that are older than all policies of what is in them let them be, and that no hold covers. */
export const expiredArchives = (
  db: Querying,
  rule: string,
  defaults: readonly number[],
  { tenantId, day, today }: { readonly tenantId: number; readonly day: number; readonly today: number },
): Promise<{ archive_id: number }[]> =>
  db.query<{ archive_id: number }>(
    `SELECT archive_id FROM telemetry_archive a
     WHERE a.tenant_id = $1 AND a.day = $2 AND a.state = 'valid' AND NOT EXISTS (
       SELECT FROM unnest(a.device_uids, a.measurement_ids) AS series (device_uid, measurement_id)
         JOIN device d ON d.device_uid = series.device_uid AND d.tenant_id = a.tenant_id
         JOIN measurement m ON m.measurement_id = series.measurement_id ${rule}
       WHERE ($3::int - $2::int <= rule.drop_after OR ${isHeld(dayStart('$2'), dayStart('($2::int + 1)'))}))`,
    [tenantId, day, today, ...defaults],
  );

/** Of those that a process left which is gone, or that count no more. */
export const discardedArchives = (
  database: Database,
  afterMinutes: number,
): Promise<{ archive_id: number; key: string; is_old: boolean }[]> =>
  database.query(
    `WITH abandoned AS (
       UPDATE telemetry_archive SET state = 'removing', changed_at = now()
       WHERE tenant_id IS NOT NULL AND state = 'writing' AND changed_at < now() - make_interval(mins => $1::int) RETURNING archive_id)
     SELECT archive_id, key, changed_at < now() - make_interval(mins => $1::int) AS is_old
     FROM telemetry_archive WHERE tenant_id IS NOT NULL AND state = 'removing' ORDER BY changed_at LIMIT 1000`,
    [afterMinutes],
  );

export const forgetArchive = (database: Database, archiveId: number): Promise<unknown> =>
  database.query(
    `DELETE FROM telemetry_archive WHERE archive_id = $1 AND state = 'removing' AND tenant_id IS NOT NULL`,
    [archiveId],
  );
