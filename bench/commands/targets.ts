/** What the figures of commands should be, and whether they are. */
import { type Spread, spread } from '../measure/statistics.ts';
import { decimals, inSpread, whole } from '../measure/table.ts';
import type { Verdict } from '../measure/verdicts.ts';
import type { CommandsRound } from './round.ts';

const OVER_REFERENCE_MS = 2;
const COMMANDS_PER_SECOND = 2_000;
/** Where the rate is looked at: callers enough to keep the system busy. */
const BUSY_UNDER_WAY = 32;

export const rateOf = ({ count, activeSeconds }: { count: number; activeSeconds: number }): number =>
  count / activeSeconds;

/** How much longer one command takes than its reference of the same round, milliseconds; undefined: that was not measured. */
export function overReference(rounds: readonly CommandsRound[]): Spread | undefined {
  const over = rounds.flatMap(({ calls, reference }) =>
    calls['1'] ? [calls['1'].latency.p50 - reference.latency.p50] : [],
  );
  return over.length === 0 ? undefined : spread(over);
}

export function judgeCommands(rounds: readonly CommandsRound[]): Verdict[] {
  const over = overReference(rounds);
  const busy = rounds.flatMap(({ calls }) => {
    const rates = Object.entries(calls).filter(([underWay]) => Number(underWay) >= BUSY_UNDER_WAY);
    return rates.length === 0 ? [] : [Math.max(...rates.map(it => rateOf(it[1])))];
  });
  const errors = rounds.some(({ calls }) => Object.values(calls).some(it => Object.keys(it.errors).length > 0));
  const clean = (met: boolean) => (errors ? undefined : met);
  const verdicts: Verdict[] = [];
  if (over)
    verdicts.push({
      figure: 'p50 of one under way, over that of the reference',
      target: `at most ${OVER_REFERENCE_MS} ms`,
      measured: `${inSpread(over, it => decimals(it, 2))} ms`,
      met: clean(over.median <= OVER_REFERENCE_MS),
    });
  if (busy.length > 0)
    verdicts.push({
      figure: `commands a second, with ${BUSY_UNDER_WAY} or more under way`,
      target: `at least ${whole(COMMANDS_PER_SECOND)}`,
      measured: inSpread(spread(busy), whole),
      met: clean(spread(busy).median >= COMMANDS_PER_SECOND),
    });
  return verdicts;
}
