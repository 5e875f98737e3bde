/** Local time of a zone, as ICU knows it. In milliseconds: no zone has changed within a second. */
import { SkeinError } from '../contracts/errors.ts';

const NAME_MAX_CHARACTERS = 64;
export const DAY_MS = 86_400_000;

export type TimeZone = {
  /** What clocks there show, as if they were in UTC. */
  local(ms: number): number;
  /** When a local day (since 1970) begins: mostly at midnight, later where the clock jumps over it, with the first one of two. */
  startOfDay(day: number): number;
};

const UTC: TimeZone = { local: ms => ms, startOfDay: day => day * DAY_MS };
const NAMES_OF_UTC = new Set(['UTC', 'Etc/UTC', 'Z', 'GMT', 'Etc/GMT']);
export const isUtc = (name: string | undefined): boolean => name === undefined || NAMES_OF_UTC.has(name);

/** Rejects with `invalid_request`. */
export function timeZoneOf(name: string | undefined): TimeZone {
  if (name === undefined || isUtc(name)) return UTC;
  const format = formatOf(name);
  const offset = steadyOffset(ms => shownBy(format, ms) - ms);
  const local = (ms: number): number => ms + offset(ms);
  const startOfDay = (day: number): number => {
    const midnight = day * DAY_MS;
    const before = offset(midnight - DAY_MS);
    const after = offset(midnight + DAY_MS);
    const [first, second] = [midnight - Math.max(before, after), midnight - Math.min(before, after)];
    if (local(first) === midnight) return first;
    if (local(second) === midnight) return second;
    // There is no midnight: the clock jumps when it would be.
    return midnight - before;
  };
  return { local, startOfDay };
}

function shownBy(format: Intl.DateTimeFormat, ms: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) parts[type] = Number(value);
  const date = new Date(0);
  date.setUTCFullYear(parts.year!, parts.month! - 1, parts.day!);
  date.setUTCHours(parts.hour!, parts.minute!, parts.second!);
  return date.getTime() + (((ms % 1000) + 1000) % 1000);
}

/** No zone has gone to another offset and back within this. */
const STEADY_MS = 4 * DAY_MS;

/**
 * ICU takes microseconds to say an offset, and ten thousand days ask for tens of thousands: they would hold up everything else for most of a
 * second. Where it is the same at both ends of a few days, it is so between them.
 */
function steadyOffset(ask: (ms: number) => number): (ms: number) => number {
  const known = new Map<number, number>();
  const at = (place: number): number => {
    const found = known.get(place) ?? ask(place * STEADY_MS);
    known.set(place, found);
    return found;
  };
  return ms => {
    const place = Math.floor(ms / STEADY_MS);
    const offset = at(place);
    return offset === at(place + 1) ? offset : ask(ms);
  };
}

function formatOf(name: string): Intl.DateTimeFormat {
  try {
    if (name.length > NAME_MAX_CHARACTERS) throw new RangeError();
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new SkeinError(
      'invalid_request',
      'timezone must be a name of the IANA time zone database, like Europe/Berlin',
    );
  }
}
