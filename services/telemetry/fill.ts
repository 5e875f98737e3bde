/** Buckets in which nothing was measured. */
import { isoOfMicros } from '../../adapters/database/telemetry/reading/iso-time.ts';
import type { Aggregate, Bucket, Fill } from '../../contracts/telemetry.contract.ts';

export type Placed = { readonly us: number; readonly bucket: Bucket };

/**
 * One bucket of a measurement for each edge. `null`: nothing is known there; `previous`: as in the one before; `linear`: on the line between
 * the ones before and after, by the beginnings of the buckets. Before the first one (and with `linear` after the last one) nothing is known.
 */
export function filled(
  edges: readonly number[],
  placed: readonly Placed[],
  measurement: string,
  aggregates: readonly Aggregate[],
  fill: Exclude<Fill, 'none'>,
): Placed[] {
  let next = 0;
  return edges.map(us => {
    const here = placed[next];
    if (here?.us === us) {
      next++;
      return here;
    }
    const before = placed[next - 1];
    const bucket: Bucket = { timestamp: isoOfMicros(us), measurement, filled: true };
    for (const name of aggregates) bucket[name] = name === 'count' ? 0 : between(fill, name, us, before, here);
    return { us, bucket };
  });
}

function between(
  fill: Fill,
  name: Aggregate,
  us: number,
  before: Placed | undefined,
  after: Placed | undefined,
): number | null {
  const a = before?.bucket[name] ?? null;
  if (fill === 'null' || a === null) return null;
  if (fill === 'previous') return a;
  const b = after?.bucket[name] ?? null;
  return b === null ? null : a + ((b - a) * (us - before!.us)) / (after!.us - before!.us);
}
