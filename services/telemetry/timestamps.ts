/** Times of telemetry: whole microseconds since 1970, as PostgreSQL keeps them. A double holds them exactly until 2255. */
import { EARLIEST_US, LATEST_US, type Range } from '../../adapters/database/telemetry/reading/moments.ts';
import { SkeinError } from '../../contracts/errors.ts';

/** What was left out is open. */
export type AskedRange = Range & { readonly hasFrom: boolean; readonly hasTo: boolean };

/** `from` included, `to` not; the one that is left out is open. Rejects with `invalid_request`. */
export function rangeOf(fromMs: number | undefined, toMs: number | undefined): AskedRange {
  const fromUs = clamp(fromMs === undefined ? EARLIEST_US : Math.round(fromMs * 1000));
  const toUs = clamp(toMs === undefined ? LATEST_US : Math.round(toMs * 1000));
  if (fromUs > toUs) throw new SkeinError('invalid_request', 'from is after to');
  return { fromUs, toUs, hasFrom: fromMs !== undefined, hasTo: toMs !== undefined };
}

const clamp = (us: number): number => Math.min(Math.max(us, EARLIEST_US), LATEST_US);
