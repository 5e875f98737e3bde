/** Times of telemetry: whole microseconds since 1970, as PostgreSQL keeps them. A double holds them exactly until 2255. */
import { SkeinError } from '../../contracts/errors.ts';

/** SQL that makes a `timestamptz` of microseconds since 1970, and the other way round. */
export const fromMicros = (us: string): string => `'epoch'::timestamptz + ${us}::float8 * interval '1 microsecond'`;
export const toMicros = (ts: string): string => `(extract(epoch FROM ${ts}) * 1000000)::int8`;

/** ISO 8601, UTC: with milliseconds, or with microseconds when there are any. */
export function isoOfMicros(us: number): string {
  const ms = Math.floor(us / 1000);
  const rest = us - ms * 1000;
  const text = new Date(ms).toISOString();
  return rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** What both JavaScript and PostgreSQL can hold. */
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00Z');
const LATEST_MS = 8.64e15;

export type Range = { readonly fromUs: number; readonly toUs: number };

/** `from` included, `to` not; the one that is left out is open. Rejects with `invalid_request`. */
export function rangeOf(fromMs = EARLIEST_MS, toMs = LATEST_MS): Range {
  if (fromMs > toMs) throw new SkeinError('invalid_request', 'from is after to');
  const clamp = (ms: number) => Math.min(Math.max(ms, EARLIEST_MS), LATEST_MS);
  return { fromUs: Math.round(clamp(fromMs) * 1000), toUs: Math.round(clamp(toMs) * 1000) };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** The seconds of `30s`, `5m`, `1h`, `1d`. Rejects with `invalid_request`. */
export function intervalSeconds(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,3})([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined)
    throw new SkeinError('invalid_request', 'interval must be a whole number with s, m, h or d, like 5m');
  return Number(count) * UNIT_SECONDS[unit]!;
}
