/** Paths that promise another shape than the canonical one. */
import { SkeinError } from '../../contracts/errors.ts';
import type { Bucket, LatestValue, Reading } from '../../contracts/telemetry.contract.ts';
import type { ApiRequest, Reply } from './endpoint.ts';
import { numberOf } from './readings.ts';

/** `{device_id, temperature: 22.5, ..., timestamp}`; the timestamp is the newest of all, null without any value. */
export function seedLatest(latest: { deviceId: string; values: Record<string, LatestValue> }): Reply {
  const entries = Object.entries(latest.values);
  // Without their Z, so that a time with microseconds comes after the same one with milliseconds.
  const newest = entries
    .map(([, it]) => it.timestamp.slice(0, -1))
    .sort()
    .at(-1);
  const values = Object.fromEntries(entries.map(([name, it]) => [name, it.value]));
  return {
    status: 200,
    body: { ...values, device_id: latest.deviceId, timestamp: newest === undefined ? null : `${newest}Z` },
  };
}

/** `{data: [{timestamp, field, value}]}`, and the cursor of what did not fit. */
export function seedHistory(page: { items: (Reading | Bucket)[]; nextCursor: string | null }): Reply {
  const data = page.items.map(it => ({
    timestamp: it.timestamp,
    field: it.measurement,
    value: 'value' in it ? it.value : null,
  }));
  return { status: 200, body: { data, nextCursor: page.nextCursor } };
}

const HOURS_DEFAULT = 24;
const HOURS_MAX = 100 * 366 * 24;

/** `?hours=`: the series of the last so many hours, as much of it as a page can hold. */
export function hoursOf({ path, query, limits, nowMs }: ApiRequest): Record<string, unknown> {
  const { hours: given, ...rest } = query;
  const hours = given === undefined ? HOURS_DEFAULT : (numberOf(given) as number);
  if (!(hours > 0 && hours <= HOURS_MAX))
    throw new SkeinError('invalid_request', `hours must be a number between 0 and ${HOURS_MAX}`);
  const limit = rest.limit === undefined ? limits.listMaxItems : numberOf(rest.limit);
  return { limit, cursor: rest.cursor, ...unknownIn(rest), id: path.id, from: nowMs - hours * 3_600_000 };
}

/** What neither path nor query of this path knows, so that it is refused like everywhere. */
function unknownIn({ limit: _limit, cursor: _cursor, ...rest }: Record<string, unknown>): Record<string, unknown> {
  const [name] = Object.keys(rest);
  if (name !== undefined) throw new SkeinError('invalid_request', `${name.slice(0, 100)} is not known here`);
  return {};
}
