/** Datapoints of devices as actors would store them, and what the rollups must say of them. */
import assert from 'node:assert/strict';
import type { Database } from '../../../../adapters/database/database.ts';
import { DAY_US, hourOf } from '../../../../adapters/database/telemetry/days.ts';
import { inRollups, ROLLUP_COLUMNS, ROLLUP_OF_ROWS } from '../../../../adapters/database/telemetry/rollups.sql.ts';
import { rollupsOf } from '../../../../adapters/database/telemetry/rollups.ts';
import { LIMITS, type Limits } from '../../../../contracts/limits.ts';
import type { Datapoint } from '../../../../contracts/store.ts';
import type { StoredDevice, StoredDevices } from '../stored-devices.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = DAY_US / 1_000;

export type Given = {
  readonly ms: number;
  readonly value: number | null;
  readonly json?: string;
  readonly messageId?: string;
};

/** One measurement of one device, which knows its newest datapoint as its actor does. */
export class Feed {
  readonly measurement: string;
  readonly device: StoredDevice;
  readonly #world: StoredDevices;
  #newestUs = 0;

  constructor(world: StoredDevices, device: StoredDevice, measurement: string) {
    this.#world = world;
    this.device = device;
    this.measurement = measurement;
  }

  points(given: readonly Given[]): Datapoint[] {
    return given.map(({ ms, value, json = null, messageId = null }) => {
      const tsUs = ms * 1_000;
      const point: Datapoint = {
        measurement: this.measurement,
        tsUs,
        value,
        json,
        mayExist: tsUs <= this.#newestUs,
        opens: hourOf(tsUs) !== hourOf(this.#newestUs),
        quality: null,
        flags: 0,
        messageId,
      };
      this.#newestUs = Math.max(this.#newestUs, tsUs);
      return point;
    });
  }

  async send(...given: Given[]): Promise<boolean[]> {
    return this.#world.store.commit(0, [this.#world.effects(this.device, { datapoints: this.points(given) })], false);
  }

  async id(): Promise<number> {
    const [row] = await this.#world.database.query<{ it: number }>(
      'SELECT measurement_id AS it FROM measurement WHERE name = $1',
      [this.measurement],
    );
    return row!.it;
  }
}

export async function foldAll(database: Database, nowMs: number, limits: Partial<Limits> = {}): Promise<number> {
  const rollups = rollupsOf(database, { ...LIMITS, ...limits }, (hour, error) => assert.fail(`${hour}: ${error}`));
  let pieces = 0;
  while (await rollups.fold(nowMs)) pieces++;
  return pieces;
}

/** The hours that are marked, of one device, as milliseconds. */
export async function markedHours(database: Database, { uid }: StoredDevice): Promise<number[]> {
  const rows = await database.query<{ hour: Date }>(
    'SELECT hour FROM telemetry_change WHERE device_uid = $1 ORDER BY hour',
    [uid],
  );
  return rows.map(row => row.hour.getTime());
}

export const ROLLUPS = { telemetry_1m: 'minute', telemetry_1h: 'hour', telemetry_1d: 'day' } as const;
export type RollupName = keyof typeof ROLLUPS;
export type RollupRow = {
  readonly device_uid: number;
  readonly bucket: Date;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly variance: number;
  readonly first: number;
  readonly last: number;
};

const ORDER = 'ORDER BY device_uid, measurement_id, bucket';

/** What the datapoints say. */
const ofRows = (unit: string): string =>
  `SELECT device_uid, measurement_id, date_trunc('${unit}', ts) AS bucket, ${ROLLUP_OF_ROWS}
   FROM telemetry t WHERE device_uid = ANY($1) AND ts >= $2 AND ts < $3 AND ${inRollups('value')} GROUP BY 1, 2, 3`;

/** As readers do it: the rollups where no hour is marked, and the datapoints where one is. `trusting`: the rollups everywhere. */
function asRead(name: RollupName, trusting: boolean): string {
  const unit = ROLLUPS[name];
  const marked = trusting
    ? 'false'
    : `EXISTS (SELECT FROM telemetry_change c WHERE c.device_uid = r.device_uid AND c.measurement_id = r.measurement_id
         AND date_trunc('${unit === 'day' ? 'day' : 'hour'}', c.hour) = date_trunc('${unit === 'day' ? 'day' : 'hour'}', r.bucket))`;
  const columns = `device_uid, measurement_id, bucket, ${ROLLUP_COLUMNS}`;
  return `SELECT ${columns} FROM ${name} r WHERE device_uid = ANY($1) AND bucket >= $2 AND bucket < $3 AND NOT ${marked}
    UNION ALL SELECT ${columns} FROM (${ofRows(unit)}) r WHERE ${marked}`;
}

export type Span = { readonly devices: readonly StoredDevice[]; readonly fromMs: number; readonly toMs: number };

export const readRollups = (
  database: Database,
  name: RollupName,
  { devices, fromMs, toMs }: Span,
  trusting = false,
): Promise<RollupRow[]> =>
  database.query<RollupRow>(`SELECT * FROM (${asRead(name, trusting)}) it ${ORDER}`, [
    devices.map(it => it.uid),
    new Date(fromMs),
    new Date(toMs),
  ]);

/** Fails where what readers make of rollups and marks is not what the datapoints say. */
export async function assertExact(database: Database, span: Span, trusting = false): Promise<void> {
  const params = [span.devices.map(it => it.uid), new Date(span.fromMs), new Date(span.toMs)];
  for (const name of Object.keys(ROLLUPS) as RollupName[]) {
    const wanted = await database.query<RollupRow>(`SELECT * FROM (${ofRows(ROLLUPS[name])}) it ${ORDER}`, params);
    const found = await readRollups(database, name, span, trusting);
    assert.deepEqual(found.map(exactly), wanted.map(exactly), name);
    for (let i = 0; i < wanted.length; i++) assertNear(found[i]!, wanted[i]!, name);
  }
}

const exactly = ({ sum: _sum, variance: _variance, ...rest }: RollupRow) => rest;

/** Sums of another order differ in their last digits. */
function assertNear(found: RollupRow, wanted: RollupRow, name: string): void {
  const size = Math.max(Math.abs(wanted.min), Math.abs(wanted.max), 1e-9);
  const near = (a: number, b: number, allowed: number) => Math.abs(a - b) <= allowed;
  const text = `${name}: ${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`;
  assert.ok(near(found.sum, wanted.sum, 1e-9 * size * wanted.count), text);
  assert.ok(near(found.variance, wanted.variance, 1e-9 * size * size), text);
}
