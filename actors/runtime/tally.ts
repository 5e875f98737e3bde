import type { Outcome } from '../../contracts/uplinks.ts';
import type { Settle } from './slot.ts';

/** Who waits for the outcome of what a host sends to its actors itself. */
export const nobody: Settle = () => {};

/** How uplinks ended, since the start. */
export class Tally {
  uplinks = 0;
  stored = 0;
  duplicates = 0;
  rejected = 0;
  unknown = 0;
  moved = 0;
  opened = 0;
  answered = 0;
  /** Taken, and neither stored nor given up yet. */
  unsettled = 0;

  /** What a host sends itself is no uplink of anybody. */
  count({ state }: Outcome, settle: Settle): void {
    if (settle === nobody) return;
    if (state === 'stored' || state === 'rejected' || state === 'opened' || state === 'answered') this[state]++;
    else if (state === 'duplicate') this.duplicates++;
    else if (state === 'moved' || state === 'not_owner') this.moved++;
    else this.unknown++;
  }
}

/** Resolves when as many outcomes came in as there are uplinks. */
export function outcomesOf<T>(
  uplinks: readonly T[],
  receive: (uplink: T, settle: (outcome: Outcome) => void, place: number) => void,
): Promise<Outcome[]> {
  return new Promise(resolve => {
    const outcomes = new Array<Outcome>(uplinks.length);
    let left = uplinks.length;
    if (left === 0) resolve(outcomes);
    for (let place = 0; place < uplinks.length; place++) {
      const settle = (outcome: Outcome) => {
        outcomes[place] = outcome;
        if (--left === 0) resolve(outcomes);
      };
      receive(uplinks[place]!, settle, place);
    }
  });
}
