/** Twins as they are stored, and how they look outside. */
import { delta } from '../../actors/device/merge-patch.ts';
import type { Database } from '../../adapters/database/database.ts';
import { type NoTwinRow, type TwinRow, twinOf } from '../../adapters/database/twins.ts';
import type { TwinView } from '../../contracts/twins.contract.ts';
import { NO_TWIN, type TwinRecord } from '../../contracts/twins.ts';

/** Undefined: there is no such device. */
export async function readTwin(database: Database, tenantId: number, id: string): Promise<TwinRecord | undefined> {
  const [row] = await database.query<TwinRow | NoTwinRow>(
    `SELECT reported, reported_version, reported_times, desired, desired_version, desired_times
     FROM device LEFT JOIN device_twin USING (device_uid) WHERE tenant_id = $1 AND device_id = $2`,
    [tenantId, id],
  );
  return row && (twinOf(row) ?? NO_TWIN);
}

export const twinView = (deviceId: string, { reported, desired }: TwinRecord): TwinView => ({
  deviceId,
  reported: reported.document,
  reportedVersion: reported.version,
  desired: desired.document,
  desiredVersion: desired.version,
  delta: delta(desired.document, reported.document),
  timestamps: { reported: reported.times, desired: desired.times },
});
