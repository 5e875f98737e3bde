/** Which dead letters are meant. Each statement that uses this names the tenant itself. */
import type { DeadLetterFilter } from '../../contracts/dead-letters.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';

export type Matching = DeadLetterFilter & {
  /** Only of devices that fit, for the function `device_fits` of the database; null: of all. */
  readonly within: string | null;
};

/** With the parameters $2 to $8 of `matchingParams`, of a `dead_letter l` of one tenant. */
export const MATCHES = `($2::text IS NULL OR l.device_id = $2) AND ($3::text IS NULL OR l.reason = $3)
  AND ($4::text IS NULL OR l.kind = $4)
  AND ($5::timestamptz IS NULL OR l.received_at >= $5) AND ($6::timestamptz IS NULL OR l.received_at < $6)
  AND ($7::bool IS NULL OR (l.replayed_at IS NOT NULL) = $7)
  AND ($8::text IS NULL OR EXISTS (
    SELECT FROM device d
    WHERE d.tenant_id = l.tenant_id AND d.device_id = l.device_id AND device_fits(d, $8::text::jsonb)))`;

export const matchingParams = (it: Matching): unknown[] => [
  it.deviceId ?? null,
  it.reason ?? null,
  it.kind ?? null,
  dateOf(it.from),
  dateOf(it.to),
  it.replayed ?? null,
  it.within,
];

/** What is asked for, without anything else that the request says. Rejects with `invalid_request`. */
export function filterOf({ deviceId, reason, kind, from, to, replayed }: DeadLetterFilter): DeadLetterFilter {
  for (const [name, ms] of Object.entries({ from, to }))
    if (ms !== undefined && !(Math.abs(ms) <= LATEST_MS))
      throw new SkeinError('invalid_request', `${name} is no moment that can be stored`);
  if (from !== undefined && to !== undefined && from >= to)
    throw new SkeinError('invalid_request', 'from must be before to');
  const given = { deviceId, reason, kind, from, to, replayed };
  const isText = (it: unknown) => typeof it !== 'string' || (it.length <= LONGEST && !it.includes('\0'));
  if (!Object.values(given).every(isText))
    throw new SkeinError('invalid_request', `A text of a filter has at most ${LONGEST} characters, and no U+0000`);
  return Object.fromEntries(Object.entries(given).filter(([, it]) => it !== undefined));
}
/** Year 9999: what both ISO 8601 and the database have a form for. */
const LATEST_MS = 253_402_300_799_000;
const LONGEST = 200;

/** For people: times in ISO 8601. */
export const shownFilter = (filter: DeadLetterFilter): Record<string, string> =>
  Object.fromEntries(
    Object.entries(filter).map(([name, it]) => [
      name,
      typeof it === 'number' ? new Date(it).toISOString() : String(it),
    ]),
  );

const dateOf = (ms: number | undefined): Date | null => (ms === undefined ? null : new Date(ms));
