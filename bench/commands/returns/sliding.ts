/** How much happens in a second, whichever second one looks at. */

const SECOND_MS = 1_000;

/** The most moments within any second: from one moment to just before the one a second later. @param momentsMs in any order */
export function mostInAnySecond(momentsMs: Float64Array): number {
  const sorted = momentsMs.toSorted();
  let most = 0;
  let first = 0;
  for (let last = 0; last < sorted.length; last++) {
    while (sorted[last]! - sorted[first]! >= SECOND_MS) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** How many there are in a second in the middle: without the first and the last tenth, when things begin and come to their end. */
export function rateInTheMiddle(momentsMs: Float64Array): number {
  const sorted = momentsMs.toSorted();
  const from = Math.floor(sorted.length * 0.1);
  const to = Math.floor(sorted.length * 0.9);
  return ((to - from) * SECOND_MS) / (sorted[to]! - sorted[from]!);
}
