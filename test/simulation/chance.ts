/** All chance of a simulated world comes from one seed. Each part of the world has its own stream of it. */

import { fnv1a } from '../../contracts/addresses.ts';
import { type Chance as Choices, chance as choices } from '../faults/random.ts';

export type Chance = Choices & {
  /** True in this share of all cases: 0 never, 1 always. */
  happens(share: number): boolean;
  /** Any number of [from, to). */
  span(from: number, to: number): number;
};

/** @param part the part of the world: that one part asks more often must not change what the others get */
export function chanceOf(seed: number, part: string): Chance {
  const it = choices(fnv1a(`${seed} ${part}`));
  return { ...it, happens: share => it.next() < share, span: (from, to) => from + it.next() * (to - from) };
}
