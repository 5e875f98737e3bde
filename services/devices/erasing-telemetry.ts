/** Erasing the telemetry of a device: its rows, its rollups, what says of it what was removed, and its rows in files of the archive. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { eraseFromArchive } from '../../adapters/database/telemetry/archive-erasing.ts';
import type { ArchiveFiles } from '../../adapters/database/telemetry/archive-files.ts';
import { dayStart } from '../../adapters/database/telemetry/days.ts';
import { waitForHolds } from '../../adapters/database/telemetry/removal-locks.ts';
import { listParts, type Part } from '../../adapters/database/telemetry/removal-parts.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Erased } from './erasing.ts';

/** Rejects with `legal_hold` when something of the device must be kept. Until the transaction ends nobody makes a hold. */
export async function refuseHeld(tx: Transaction, tenantId: number, deviceUid: number): Promise<void> {
  await waitForHolds(tx, tenantId);
  const [hold] = await tx.query<{ hold_id: string }>(
    `SELECT h.hold_id FROM device d JOIN legal_hold h ON h.tenant_id = d.tenant_id AND h.released_at IS NULL
     WHERE d.tenant_id = $1 AND d.device_uid = $2
       AND (h.device_id IS NULL OR h.device_id = d.device_id)
       AND (h.device_type IS NULL OR h.device_type = d.device_type
         OR EXISTS (SELECT FROM legal_hold_device k WHERE k.hold_id = h.hold_id AND k.device_uid = d.device_uid))
       AND (h.measurement IS NULL OR EXISTS (
         SELECT FROM device_measurement dm JOIN measurement m ON m.measurement_id = dm.measurement_id
         WHERE dm.device_uid = d.device_uid AND m.name = h.measurement))
     ORDER BY h.hold_id LIMIT 1`,
    [tenantId, deviceUid],
  );
  if (hold !== undefined)
    throw new SkeinError('legal_hold', `The legal hold ${hold.hold_id} covers the device`, { holdId: hold.hold_id });
}

/** `goOn` is called before each statement, and may reject. Before the row of its measurements go. */
export async function eraseTelemetry(
  db: Database,
  device: Erased,
  limit: number,
  goOn: () => Promise<void>,
): Promise<void> {
  for (const part of await listParts(db, 'telemetry'))
    do await goOn();
    while ((await erasePart(db, device, part, limit)) >= limit);
  await goOn();
  await db.query('DELETE FROM telemetry_change WHERE device_uid = $1', [device.device_uid]);
  const series = await db.query<{ measurement_id: number }>(
    'SELECT measurement_id FROM device_measurement WHERE device_uid = $1',
    [device.device_uid],
  );
  // One measurement after the other, and at last what is left of others.
  for (const measurement of [...series.map(it => it.measurement_id), null]) {
    await goOn();
    await db.query(`SELECT telemetry_remove_rollups(ARRAY[$1::int4], ARRAY[$2::int4], '-infinity', 'infinity')`, [
      device.device_uid,
      measurement,
    ]);
  }
  await db.query('DELETE FROM telemetry_removed WHERE device_uid = $1', [device.device_uid]);
}

/** Rows between bounds that the planner knows, so that only their partition is opened. */
const erasePart = (db: Database, { device_uid }: Erased, { from_day, to_day }: Part, limit: number): Promise<number> =>
  db.transaction(async tx => {
    if (db.engine === 'timescale')
      await tx.query(`SELECT set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)`);
    const rows = await tx.query(
      `DELETE FROM telemetry t USING (
         SELECT measurement_id, ts FROM telemetry WHERE device_uid = $1 AND ts >= ${dayStart('$3')} AND ts < ${dayStart('$4')} LIMIT $2) old
       WHERE t.device_uid = $1 AND t.measurement_id = old.measurement_id AND t.ts = old.ts
         AND t.ts >= ${dayStart('$3')} AND t.ts < ${dayStart('$4')} RETURNING 1 AS gone`,
      [device_uid, limit, from_day, to_day],
    );
    return rows.length;
  });

/** After its rows are gone: what was being archived meanwhile is in a file by then, or is not archived at all. */
export const eraseArchived = (
  db: Database,
  files: ArchiveFiles,
  device: Erased,
  goOn: () => Promise<void>,
): Promise<void> =>
  eraseFromArchive(
    { database: db, files },
    { tenantId: device.tenant_id, deviceUid: device.device_uid, deviceId: device.device_id },
    goOn,
  );
