import type { Limits } from '../../contracts/limits.ts';
import type { Refusal } from '../../contracts/uplinks.ts';

/** Nothing that speaks to us measured before this; a number below it is mostly a clock in seconds, or one never set. */
const OLDEST_MS = Date.UTC(2000, 0, 1);
/** RFC 3339, section 5.6. */
const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

const refusal = (detail: string): Refusal => ({ reason: 'invalid_timestamp', detail });
const show = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 60);

/**
 * The microseconds since 1970 of what a device sent as a time: milliseconds as a number, or RFC 3339 text.
 *
 * @param nowMs the server's time, milliseconds since 1970: what lies too far ahead of it is refused
 */
export function timestampUs(value: unknown, nowMs: number, limits: Limits): number | Refusal {
  const us = typeof value === 'number' ? value * 1_000 : typeof value === 'string' ? textUs(value) : Number.NaN;
  if (!Number.isFinite(us)) return refusal(`${show(value)} is not milliseconds since 1970, nor RFC 3339`);
  const ms = us / 1_000;
  if (ms < OLDEST_MS) {
    const asSeconds = ms * 1_000;
    const seconds = asSeconds >= OLDEST_MS && asSeconds <= nowMs + 366 * 86_400_000;
    return refusal(`${show(value)} is before 2000${seconds ? '; it looks like seconds: send milliseconds' : ''}`);
  }
  if (ms > nowMs + limits.timestampMaxAheadSeconds * 1_000)
    return refusal(`${show(value)} is more than ${limits.timestampMaxAheadSeconds} seconds ahead of the server`);
  return Math.round(us);
}

function textUs(text: string): number {
  const parts = RFC_3339.exec(text);
  if (!parts) return Number.NaN;
  const [, date, time, fraction = '', zone] = parts;
  const day = new Date(`${date}T00:00:00Z`);
  // `Date` rolls February 30th over to March; RFC 3339 does not have such a day.
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== date) return Number.NaN;
  return Date.parse(`${date}T${time}${zone?.toUpperCase()}`) * 1_000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}
