/** Which commands a run asks for: every mode and way to end, by chance. */
import { PRIORITIES } from '../../../contracts/commands.ts';
import type { Chance } from '../random.ts';
import { OUTCOMES, UNKNOWN_WORK, WORK, type Work } from './work.ts';

/** `absent`: never connects, so what is for it waits until its time is over. */
export type Target = { readonly deviceId: string; readonly kind: 'library' | 'plain' | 'absent' };
export type Order = {
  readonly deviceId: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Milliseconds after its answer; undefined: it is not cancelled. */
  readonly cancelAfterMs: number | undefined;
};
export type Times = {
  readonly shortTtlMs: { readonly from: number; readonly to: number };
  readonly longTtlMs: number;
};

const percent = ({ next }: Chance, share: number): boolean => next() * 100 < share;

export function makeOrder(chance: Chance, targets: readonly Target[], times: Times): Order {
  const { deviceId, kind } = chance.pick(targets);
  const isOnce = kind === 'plain' || percent(chance, 30);
  // What a plain device did when it was killed takes its place among those under way until the deadline.
  const isShort = kind === 'plain' || percent(chance, 40);
  const { from, to } = times.shortTtlMs;
  const body = {
    command: kind === 'library' && percent(chance, 3) ? UNKNOWN_WORK : WORK,
    parameters: makeWork(chance, kind),
    mode: isOnce ? 'once' : 'retry',
    priority: chance.pick(PRIORITIES),
    ttlMs: isShort ? chance.between(from, to) : times.longTtlMs,
    ...(percent(chance, 25) && { supersedes: chance.pick(['target', 'mode']) }),
  };
  return { deviceId, body, cancelAfterMs: percent(chance, 10) ? chance.between(0, 3_000) : undefined };
}

function makeWork(chance: Chance, kind: Target['kind']): Work {
  const takesTime = percent(chance, 30);
  return {
    // A plain device does what it gets.
    outcome: kind === 'plain' ? chance.pick(OUTCOMES.slice(0, 2)) : chance.pick([...MOSTLY, ...OUTCOMES]),
    beforeMs: takesTime ? chance.between(0, 100) : 0,
    afterMs: takesTime ? chance.between(0, 100) : 0,
  };
}
const MOSTLY = Array<Work['outcome']>(7).fill('succeeds');
