/** Chance that can be had again: the same seed, the same kills at the same moments. */
export type Chance = {
  /** [0, 1) */
  next(): number;
  /** A whole number of [from, to]. */
  between(from: number, to: number): number;
  /** One of them, each as likely as it appears. */
  pick<T>(choices: readonly T[]): T;
};

/** Mulberry32 (Tommy Ettinger, public domain): small, and good enough to choose moments. @param seed any whole number */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick: choices => choices[Math.floor(next() * choices.length)]!,
  };
}
