/** How time is cut into buckets: `floor` is where the bucket of a moment begins, `next` where the one after it does. */
import type { Binning } from './bucket-statement.ts';
import { coarsest, type Source } from './plan.ts';

export type Steps = {
  floor(us: number): number;
  next(edge: number): number;
  /** All of one width. */
  readonly fixed?: { readonly widthUs: number; readonly originUs: number };
};

/** One bucket, from `fromUs` on. */
export const oneBucket = (fromUs: number): Steps => ({ floor: () => fromUs, next: () => Number.POSITIVE_INFINITY });

/** More edges than this make statements long. */
const EDGES_MAX = 2_000;

export type Stretch = { readonly endUs: number; readonly binning: Binning; readonly source: Source };

/** So many buckets from an edge on, until `toUs` at most, and the longest rollup that they can be made of. */
export function stretch(steps: Steps, edgeUs: number, buckets: number, toUs: number): Stretch {
  if (steps.fixed !== undefined) {
    const { widthUs, originUs } = steps.fixed;
    const endUs = Math.min(edgeUs + widthUs * buckets, Math.max(toUs, edgeUs + widthUs));
    return { endUs, binning: steps.fixed, source: coarsest([widthUs, originUs]) };
  }
  const edgesUs = [edgeUs];
  let endUs = steps.next(edgeUs);
  while (endUs < toUs && edgesUs.length < Math.min(buckets, EDGES_MAX)) {
    edgesUs.push(endUs);
    endUs = steps.next(endUs);
  }
  const isOne = endUs === Number.POSITIVE_INFINITY;
  return { endUs, binning: { edgesUs }, source: isOne ? '1d' : coarsest([...edgesUs, endUs]) };
}
