import type { Outcome } from '../../contracts/uplinks.ts';

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

  count({ state }: Outcome): void {
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
