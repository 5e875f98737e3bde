/** Erasing a device in the archive: each file that has something of it is written again without it, and the old one removed. */
import type { TelemetryRow } from '../../parquet/telemetry-rows.ts';
import type { Database } from '../database.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { type ArchiveRecord, archivesOf, beginArchive, endArchive, retireArchive } from './archive-records.ts';
import { writeChecked } from './archive-writing.ts';

type Parts = { readonly database: Database; readonly files: ArchiveFiles };
type Device = { readonly tenantId: number; readonly deviceUid: number; readonly deviceId: string };

/** `goOn` is called before each file, and may reject. Again: changes nothing. Resolves when no file has a row of it. */
export async function eraseFromArchive(parts: Parts, device: Device, goOn: () => Promise<void>): Promise<void> {
  const { database, files } = parts;
  for (const record of await archivesOf(database, device.tenantId, device.deviceUid)) {
    await goOn();
    await rewrite(parts, record, device);
  }
  // Also those of an erasure that ended before it had removed them, and what is being written now is waited for by the second erasure.
  for (const { key } of await retiredOf(database, device)) await files.blobs.remove(key);
}

async function rewrite({ database, files }: Parts, record: ArchiveRecord, device: Device): Promise<void> {
  const { archiveId, key } = await beginArchive(database, record);
  try {
    const written = await writeChecked(files, key, without(files.read(record), device.deviceId));
    await database.transaction(async tx => {
      if (!(await retireArchive(tx, record.archiveId, 'valid'))) throw new Error('Somebody else replaced the file');
      if (written.rows === 0) return;
      const others = await tx.query<{ device: number; measurement: number }>(
        `SELECT device, measurement FROM telemetry_archive, unnest(device_uids, measurement_ids) AS series (device, measurement)
         WHERE archive_id = $1 AND tenant_id = $2 AND device <> $3`,
        [record.archiveId, device.tenantId, device.deviceUid],
      );
      const content = {
        ...written,
        deviceUids: others.map(it => it.device),
        measurementIds: others.map(it => it.measurement),
        firstUs: record.fromUs,
        lastUs: record.toUs - 1,
      };
      if (!(await endArchive(tx, archiveId, content))) throw new Error('Writing the file took too long');
    });
    if (written.rows === 0) await retireArchive(database, archiveId, 'writing');
  } catch (error) {
    await retireArchive(database, archiveId, 'writing').catch(() => {});
    throw error;
  }
}

async function* without(rows: AsyncIterable<TelemetryRow[]>, deviceId: string): AsyncGenerator<TelemetryRow[]> {
  for await (const batch of rows) {
    const others = batch.filter(it => it.device !== deviceId);
    if (others.length > 0) yield others;
  }
}

const retiredOf = (database: Database, { tenantId, deviceUid }: Device): Promise<{ key: string }[]> =>
  database.query<{ key: string }>(
    `SELECT key FROM telemetry_archive WHERE tenant_id = $1 AND state = 'removing'
       AND (rows = 0 OR $2::int BETWEEN first_device AND last_device)`,
    [tenantId, deviceUid],
  );
