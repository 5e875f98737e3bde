/** So many exchanges under way at once, one after the other in each place, for some seconds. */
import { Histogram, type Percentiles } from './histogram.ts';

export type LoopFigures = {
  /** Exchanges that ended well; `latency` is theirs, milliseconds. */
  readonly count: number;
  /** What went wrong, and how often. */
  readonly errors: Readonly<Record<string, number>>;
  /** From the begin to the end of the last exchange. */
  readonly activeSeconds: number;
  readonly latency: Percentiles;
};

/** Puts an end to a loop in which nothing works. */
const MAX_ERRORS = 10_000;

/**
 * @param exchange one exchange in one place: resolves when it ended well, rejects when not
 * @param seconds after these no exchange begins; those under way are waited for
 */
export async function closedLoop(
  places: number,
  seconds: number,
  exchange: (place: number) => Promise<unknown>,
): Promise<LoopFigures> {
  const latency = new Histogram();
  const errors: Record<string, number> = {};
  let count = 0;
  let failed = 0;
  const beganMs = performance.now();
  const endMs = beganMs + seconds * 1_000;
  const work = async (_: unknown, place: number) => {
    for (let atMs = performance.now(); atMs < endMs && failed < MAX_ERRORS; ) {
      const beforeMs = atMs;
      try {
        await exchange(place);
        atMs = performance.now();
        latency.record(atMs - beforeMs);
        count++;
      } catch (error) {
        atMs = performance.now();
        const what = (error as Error).message;
        errors[what] = (errors[what] ?? 0) + 1;
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: places }, work));
  return { count, errors, activeSeconds: (performance.now() - beganMs) / 1_000, latency: latency.percentiles() };
}
