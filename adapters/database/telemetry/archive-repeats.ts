/**
 * Datapoints that were archived, and came again: they are rows once more. Before what is late in a day is archived too, those are removed, so that
 * each datapoint is in one file.
 */
import type { Database } from '../database.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { listArchives } from './archive-records.ts';
import { DAY_US, dayStart, hourOf, momentOf } from './days.ts';
import type { SeriesHour } from './removal-series.ts';

/** Answers how many rows there were. */
export async function removeRepeated(
  { database, files }: { readonly database: Database; readonly files: ArchiveFiles },
  { tenantId, day }: { readonly tenantId: number; readonly day: number },
  hours: readonly SeriesHour[],
): Promise<number> {
  const deviceUids = [...new Set(hours.map(it => it.device))];
  const measurementIds = [...new Set(hours.map(it => it.measurement))];
  const within = { deviceUids, measurementIds, fromUs: day * DAY_US, toUs: (day + 1) * DAY_US };
  const byName = new Map(hours.map(it => [`${it.deviceId} ${it.name} ${it.hour}`, it]));
  const names = { devices: new Set(hours.map(it => it.deviceId)), measurements: new Set(hours.map(it => it.name)) };
  let removed = 0;
  for (const record of await listArchives(database, tenantId, within))
    for await (const batch of files.read(record, names)) {
      const some = batch.flatMap(it => {
        const found = byName.get(`${it.device} ${it.measurement} ${hourOf(it.tsUs)}`);
        return found === undefined ? [] : [{ ...found, us: it.tsUs }];
      });
      if (some.length === 0) continue;
      const gone = await database.query(
        `DELETE FROM telemetry t USING unnest($1::int4[], $2::int4[], $3::int8[]) AS it (device, measurement, us)
         WHERE t.device_uid = it.device AND t.measurement_id = it.measurement AND t.ts = ${momentOf('it.us')}
           AND t.ts >= ${dayStart('$4')} AND t.ts < ${dayStart('($4::int + 1)')} RETURNING 1 AS one`,
        [some.map(it => it.device), some.map(it => it.measurement), some.map(it => it.us), day],
      );
      removed += gone.length;
    }
  return removed;
}
