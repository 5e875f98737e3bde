/** Which devices and measurements a question is about. Whatever it names, only those of the caller's tenant. */
import type { Database } from '../../adapters/database/database.ts';
import { isDeviceId } from '../../contracts/addresses.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';

export type Measured = {
  readonly id: number;
  readonly name: string;
  readonly unit: string | null;
  readonly newestDay: number;
};
export type DeviceSource = {
  readonly tenantId: number;
  readonly deviceUid: number;
  readonly measured: readonly Measured[];
  /** Those that were named, and that the device has nothing of. */
  readonly unknown: readonly string[];
};

type SourceRow = {
  device_uid: number;
  measurement_id: number | null;
  name: string | null;
  unit: string | null;
  newest_day: number;
};

/** Rejects with `invalid_request`. */
export function checkNames(names: readonly string[] | undefined, limits: Limits): void {
  if (names !== undefined && names.length > limits.telemetryMeasurementsMax)
    throw new SkeinError('invalid_request', `measurements has at most ${limits.telemetryMeasurementsMax} names`);
}

/** What a device measures; only these, when some are named. Undefined: no such device. */
export async function sourceOfDevice(
  database: Database,
  tenantId: number,
  deviceId: string,
  names: readonly string[] | undefined,
): Promise<DeviceSource | undefined> {
  const rows = await database.query<SourceRow>(
    `SELECT d.device_uid, m.measurement_id, m.name, m.newest_day, dt.measurements -> m.name ->> 'unit' AS unit
     FROM device d
     LEFT JOIN LATERAL (
       SELECT m.measurement_id, m.name, dm.newest_day FROM device_measurement dm JOIN measurement m USING (measurement_id)
       WHERE dm.device_uid = d.device_uid AND m.tenant_id = d.tenant_id AND ($3::text[] IS NULL OR m.name = ANY($3))) m ON true
     LEFT JOIN device_type dt ON dt.tenant_id = d.tenant_id AND dt.name = d.device_type
     WHERE d.tenant_id = $1 AND d.device_id = $2 ORDER BY m.name`,
    [tenantId, deviceId, names ?? null],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  const measured = rows.flatMap(({ measurement_id: id, name, unit, newest_day: newestDay }) =>
    id === null || name === null ? [] : [{ id, name, unit, newestDay }],
  );
  const known = new Set(measured.map(it => it.name));
  const unknown = [...new Set(names)].filter(name => !known.has(name));
  return { tenantId, deviceUid: first.device_uid, measured, unknown };
}

export type DeviceChoice = {
  readonly deviceIds?: readonly string[] | undefined;
  readonly type?: string | undefined;
  readonly tag?: string | undefined;
  readonly group?: string | undefined;
};
/** `within`: only devices that fit, as `limitOf` says it. */
export type Choice = { readonly tenantId: number; readonly within: string | null; readonly choice: DeviceChoice };

/** SQL, of devices `d`. Takes $1 to $6. */
export const CHOSEN = `d.tenant_id = $1 AND ($2::text[] IS NULL OR d.device_id = ANY($2))
  AND ($3::text IS NULL OR d.device_type = $3) AND ($4::text IS NULL OR d.tags @> ARRAY[$4::text])
  AND ($5::text IS NULL OR EXISTS (
    SELECT FROM device_group g JOIN device_group_member gm USING (group_uid)
    WHERE g.tenant_id = $1 AND g.name = $5 AND gm.device_uid = d.device_uid))
  AND ($6::text IS NULL OR device_fits(d, $6::text::jsonb))`;

/** The parameters of `CHOSEN`. Rejects with `invalid_request` and `too_large`. */
export function chosenParams({ tenantId, within, choice }: Choice, limits: Limits): unknown[] {
  const { deviceIds, type, tag, group } = choice;
  if (deviceIds !== undefined && deviceIds.length > limits.listMaxItems)
    throw new SkeinError('too_large', `deviceIds has at most ${limits.listMaxItems} ids`);
  const ids = deviceIds?.filter(id => isDeviceId(id, limits.deviceIdMaxLength));
  return [tenantId, ids ?? null, type ?? null, tag ?? null, group ?? null, within];
}

export type ManySource = {
  readonly tenantId: number;
  readonly measurementId: number;
  readonly unit: string | null;
  readonly devices: readonly { readonly uid: number; readonly id: string; readonly newestDay: number }[];
};
type ManyRow = {
  device_uid: number;
  device_id: string;
  newest_day: number;
  measurement_id: number;
  unit: string | null;
};

/** The chosen devices that have this measurement; undefined when none has. Rejects with `too_large` when there are too many. */
export async function sourceOfMany(
  database: Database,
  asked: Choice,
  measurement: string,
  limits: Limits,
): Promise<ManySource | undefined> {
  const most = limits.telemetryDevicesMax;
  const rows = await database.query<ManyRow>(
    `SELECT d.device_uid, d.device_id, dm.newest_day, m.measurement_id, dt.measurements -> m.name ->> 'unit' AS unit
     FROM measurement m JOIN device_measurement dm USING (measurement_id) JOIN device d USING (device_uid)
     LEFT JOIN device_type dt ON dt.tenant_id = d.tenant_id AND dt.name = d.device_type
     WHERE m.tenant_id = $1 AND m.name = $7 AND ${CHOSEN} LIMIT $8`,
    [...chosenParams(asked, limits), measurement, most + 1],
  );
  if (rows.length > most)
    throw new SkeinError('too_large', `One question is about at most ${most} devices; choose fewer`);
  const [first] = rows;
  if (first === undefined) return undefined;
  const isOneUnit = rows.every(it => it.unit === first.unit);
  return {
    tenantId: asked.tenantId,
    measurementId: first.measurement_id,
    unit: isOneUnit ? first.unit : null,
    devices: rows.map(it => ({ uid: it.device_uid, id: it.device_id, newestDay: it.newest_day })),
  };
}
