/** One value at one time, as the long form of CSV, a line of NDJSON and a row of Parquet say it: as a reading that the device would have sent. */
import { aboutOf } from '../../actors/device/reading-about.ts';
import type { Reading } from '../../actors/device/readings.ts';
import { timestampUs } from '../../actors/device/timestamp.ts';
import type { Refusal } from '../../contracts/uplinks.ts';
import { qualityOf } from '../../mixins/telemetry-items.ts';
import { type Content, type Reckoning, refusedLine } from './lines.ts';

export type OneValue = {
  readonly device: string;
  readonly measurement: string;
  /** Milliseconds since 1970, or a text. */
  readonly time: unknown;
  readonly value: unknown;
  readonly quality: unknown;
  readonly unit: unknown;
};

export function contentOf(said: OneValue, reckoning: Reckoning): Content {
  const { device, measurement, time, value, quality, unit } = said;
  const tsUs = timeOf(time, reckoning);
  if (typeof tsUs === 'object') return { device, refusal: tsUs };
  const isPlain = (quality === undefined || quality === null) && (unit === undefined || unit === null);
  // A computed name defines the property, whatever it is.
  const about = isPlain
    ? null
    : aboutOf({ quality: qualityOf(quality), ...(isGiven(unit) && { units: { [measurement]: unit } }) });
  if (about !== null && 'reason' in about) return { device, refusal: about };
  return { device, readings: [{ tsUs, messageId: null, values: { [measurement]: value }, about } satisfies Reading] };
}

const isGiven = (it: unknown): boolean => it !== undefined && it !== null;

/** History has its own times: the server's would be wrong. */
export function timeOf(time: unknown, reckoning: Reckoning): number | Refusal {
  if (!isGiven(time) || time === '') return { reason: 'invalid_timestamp', detail: 'It has no time' };
  // Lines with the values of one moment follow each other.
  if (time !== last.time || reckoning !== last.of)
    last = { time, of: reckoning, us: timestampUs(time, reckoning.nowMs, reckoning.limits) };
  return last.us;
}
let last: { readonly time: unknown; readonly of: Reckoning | undefined; readonly us: number | Refusal } = {
  ...{ time: undefined, of: undefined, us: 0 },
};

export const NO_DEVICE = refusedLine(null, 'invalid_shape', 'It names no device');
