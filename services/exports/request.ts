/** What an export is asked to have in it, once it is known to make sense. */
import { isDeviceId } from '../../contracts/addresses.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ExportRequest } from '../../contracts/exports.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import { USUAL_AGGREGATES } from '../../contracts/telemetry.contract.ts';
import { checkText } from '../../mixins/bounded-json.ts';
import { checkBuckets, intervalOf, stepsOf } from '../../mixins/intervals.ts';

const CHOICES = ['deviceIds', 'group', 'deviceType', 'tag'] as const;
/** What PostgreSQL, JavaScript and ISO 8601 can all say. */
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00Z');
const LATEST_MS = Date.parse('9999-12-31T00:00:00Z');

/**
 * Rejects with `invalid_request` or `too_large`.
 *
 * @param ofSchedule a schedule has a time zone of its own
 */
export function requestOf(said: ExportRequest, limits: Limits, ofSchedule = false): ExportRequest {
  const { deviceIds, group, deviceType, tag, measurements, format, compression, interval, timezone, escapeFormulas } =
    said;
  const chosen = CHOICES.filter(it => said[it] !== undefined);
  if (chosen.length > 1) throw new SkeinError('invalid_request', `At most one of ${CHOICES.join(', ')}`);
  for (const [name, value] of Object.entries({ group, deviceType, tag }))
    if (value !== undefined) checkText(name, value);
  for (const name of measurements ?? []) checkText('measurements', name);
  if (deviceIds !== undefined && deviceIds.length > limits.listMaxItems)
    throw new SkeinError('too_large', `deviceIds has at most ${limits.listMaxItems} ids`);
  if (measurements !== undefined && measurements.length > limits.telemetryMeasurementsMax)
    throw new SkeinError('too_large', `measurements has at most ${limits.telemetryMeasurementsMax} names`);
  if (format === 'parquet' && compression !== undefined)
    throw new SkeinError('invalid_request', 'compression does not go with parquet, which is compressed already');
  if (format !== 'csv' && escapeFormulas !== undefined)
    throw new SkeinError('invalid_request', 'escapeFormulas is for csv only');
  const { deviceIds: _ids, measurements: _names, ...rest } = given(said);
  return {
    ...rest,
    ...(deviceIds !== undefined && { deviceIds: possibleIds(deviceIds, limits) }),
    ...(measurements !== undefined && { measurements: [...new Set(measurements)] }),
    ...bucketsOf(said, interval, timezone, ofSchedule),
  };
}

/** Only what is known here, and was said. */
const given = ({
  deviceIds,
  group,
  deviceType,
  tag,
  measurements,
  format,
  compression,
  interval,
  timezone,
  escapeFormulas,
}: ExportRequest): ExportRequest => ({
  format,
  ...(deviceIds !== undefined && { deviceIds }),
  ...(group !== undefined && { group }),
  ...(deviceType !== undefined && { deviceType }),
  ...(tag !== undefined && { tag }),
  ...(measurements !== undefined && { measurements }),
  ...(compression !== undefined && { compression }),
  ...(interval !== undefined && { interval }),
  ...(timezone !== undefined && { timezone }),
  ...(escapeFormulas !== undefined && { escapeFormulas }),
});

function possibleIds(deviceIds: readonly string[], { deviceIdMaxLength }: Limits): string[] {
  const ids = [...new Set(deviceIds)];
  const wrong = ids.filter(id => !isDeviceId(id, deviceIdMaxLength));
  if (wrong.length > 0) throw unknownDevices(wrong);
  return ids;
}

export function unknownDevices(ids: readonly string[]): SkeinError {
  const named = ids.slice(0, 10).map(it => `"${it.slice(0, 100)}"`);
  const rest = ids.length > named.length ? ` and ${ids.length - named.length} more` : '';
  return new SkeinError('not_found', `There are no devices ${named.join(', ')}${rest}`);
}

function bucketsOf(
  { aggregate }: ExportRequest,
  interval: string | undefined,
  timezone: string | undefined,
  ofSchedule: boolean,
): Pick<ExportRequest, 'aggregate'> {
  if (interval !== undefined) {
    stepsOf(intervalOf(interval), timezone);
    return { aggregate: [...new Set(aggregate ?? USUAL_AGGREGATES)] };
  }
  if (aggregate !== undefined) throw new SkeinError('invalid_request', 'aggregate needs an interval');
  if (timezone !== undefined && !ofSchedule) throw new SkeinError('invalid_request', 'timezone needs an interval');
  return {};
}

/** From there until before there, in milliseconds. */
export type Span = { readonly fromMs: number; readonly toMs: number };

/** Rejects with `invalid_request` and `too_many_buckets`. */
export function checkSpan({ fromMs, toMs }: Span, { interval }: ExportRequest, limits: Limits): void {
  if (!(fromMs >= EARLIEST_MS && toMs <= LATEST_MS))
    throw new SkeinError('invalid_request', 'from and to must be of the years 1 to 9999');
  if (fromMs >= toMs)
    throw new SkeinError('invalid_request', fromMs > toMs ? 'from is after to' : 'from and to are the same');
  if (interval !== undefined)
    checkBuckets(intervalOf(interval), (toMs - fromMs) * 1000, limits.telemetryPagedBucketsMax);
}
