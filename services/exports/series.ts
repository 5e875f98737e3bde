/** Which series an export is about: one after the other, whatever their number. Only those of its tenant, and of devices that its maker may see. */
import type { Transaction } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ExportRequest } from '../../contracts/exports.contract.ts';
import { unknownDevices } from './request.ts';

type Querying = Pick<Transaction, 'query'>;
export type Choice = {
  readonly tenantId: number;
  readonly request: ExportRequest;
  /** Only devices that fit, as `limitOf` says it; null: all. */
  readonly within: string | null;
};
export type ExportSeries = {
  readonly deviceUid: number;
  readonly deviceId: string;
  readonly measurementId: number;
  readonly name: string;
  readonly unit: string | null;
  readonly newestDay: number;
};
/** The last reading or bucket that is in the file. `us` is null when all of its series is. */
export type Place = { readonly device: number; readonly measurement: number; readonly us: number | null };

/** Of devices `d`. Takes $1 to $6. */
const CHOSEN = `d.tenant_id = $1 AND ($2::text[] IS NULL OR d.device_id = ANY($2))
  AND ($3::text IS NULL OR d.device_type = $3) AND ($4::text IS NULL OR d.tags @> ARRAY[$4::text])
  AND ($5::text IS NULL OR EXISTS (
    SELECT FROM device_group g JOIN device_group_member gm USING (group_uid)
    WHERE g.tenant_id = $1 AND g.name = $5 AND gm.device_uid = d.device_uid))
  AND ($6::text IS NULL OR device_fits(d, $6::text::jsonb))`;
/** Of these devices. Takes $7 as well. */
const SERIES = `FROM device d JOIN device_measurement dm ON dm.device_uid = d.device_uid
  JOIN measurement m ON m.measurement_id = dm.measurement_id AND m.tenant_id = d.tenant_id`;
const OF_SERIES = `${CHOSEN} AND ($7::text[] IS NULL OR m.name = ANY($7))`;

const paramsOf = ({ tenantId, request, within }: Choice): unknown[] => [
  tenantId,
  request.deviceIds ?? null,
  request.deviceType ?? null,
  request.tag ?? null,
  request.group ?? null,
  within,
  request.measurements ?? null,
];

/** Rejects with `not_found` when it names a group or devices that are not there, or that its maker may not see. */
export async function checkChoice(db: Querying, { tenantId, request, within }: Choice): Promise<void> {
  const { group, deviceIds } = request;
  if (group !== undefined) {
    const rows = await db.query('SELECT FROM device_group WHERE tenant_id = $1 AND name = $2', [tenantId, group]);
    if (rows.length === 0) throw new SkeinError('not_found', `There is no group "${group}"`);
  }
  if (deviceIds === undefined) return;
  const known = await db.query<{ device_id: string }>(
    `SELECT device_id FROM device d WHERE tenant_id = $1 AND device_id = ANY($2)
       AND ($3::text IS NULL OR device_fits(d, $3::text::jsonb))`,
    [tenantId, deviceIds, within],
  );
  const ids = new Set(known.map(it => it.device_id));
  const missing = deviceIds.filter(id => !ids.has(id));
  if (missing.length > 0) throw unknownDevices(missing);
}

export async function countSeries(db: Querying, choice: Choice): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `SELECT count(*)::int AS count ${SERIES} WHERE ${OF_SERIES}`,
    paramsOf(choice),
  );
  return row!.count;
}

type SeriesRow = {
  device_uid: number;
  device_id: string;
  measurement_id: number;
  name: string;
  unit: string | null;
  newest_day: number;
};

/** In the order of their numbers, from that of `place` on when it is not done, else from the one after it. */
export async function* seriesFrom(
  db: Querying,
  choice: Choice,
  place: Place | null,
  pageSeries: number,
): AsyncGenerator<ExportSeries> {
  let after = place === null ? [0, 0] : [place.device, place.us === null ? place.measurement : place.measurement - 1];
  for (;;) {
    const rows = await db.query<SeriesRow>(
      `SELECT d.device_uid, d.device_id, m.measurement_id, m.name, dm.newest_day, dt.measurements -> m.name ->> 'unit' AS unit
       ${SERIES} LEFT JOIN device_type dt ON dt.tenant_id = d.tenant_id AND dt.name = d.device_type
       WHERE ${OF_SERIES} AND (d.device_uid, dm.measurement_id) > ($8::bigint, $9::int)
       ORDER BY d.device_uid, dm.measurement_id LIMIT $10`,
      [...paramsOf(choice), ...after, pageSeries],
    );
    for (const row of rows)
      yield {
        deviceUid: row.device_uid,
        deviceId: row.device_id,
        measurementId: row.measurement_id,
        name: row.name,
        unit: row.unit,
        newestDay: row.newest_day,
      };
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSeries) return;
    after = [last.device_uid, last.measurement_id];
  }
}
