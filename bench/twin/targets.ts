/** What the figures of twins should be, and whether they are. */
import { spread } from '../measure/statistics.ts';
import { decimals, inSpread, whole } from '../measure/table.ts';
import type { Verdict } from '../measure/verdicts.ts';
import type { ReadRound } from './reads.part.ts';
import type { UpdateRound } from './updates.part.ts';

const SHARE_OF_REDIS = 0.5;
const UPDATE_P99_MS = 40;
/** A run that acknowledged less of what was offered did not keep the rate. */
const KEPT = 0.99;

export const readsPerSecond = ({ count, activeSeconds }: { count: number; activeSeconds: number }): number =>
  count / activeSeconds;
export const updatesPerSecond = ({ report }: UpdateRound['open']): number => report.acknowledged / report.activeSeconds;

export function judgeReads(rounds: readonly ReadRound[]): Verdict {
  const share = spread(rounds.map(it => readsPerSecond(it.skein) / readsPerSecond(it.redis)));
  return {
    figure: 'reads through twins.get, as a share of GET of Redis, round by round',
    target: `at least ${SHARE_OF_REDIS}`,
    measured: inSpread(share, it => decimals(it, 2)),
    met: share.median >= SHARE_OF_REDIS,
  };
}

export function judgeUpdates(rounds: readonly UpdateRound[], rate: number): Verdict[] {
  const rates = spread(rounds.map(it => updatesPerSecond(it.open)));
  const p99 = spread(rounds.map(it => it.open.report.latency.p99));
  const kept = rates.median >= rate * KEPT;
  return [
    {
      figure: 'durable updates a second, when so many are offered',
      target: `at least ${whole(rate)}`,
      measured: inSpread(rates, whole),
      met: kept,
    },
    {
      figure: 'their p99, from when it was due to its PUBACK',
      target: `under ${UPDATE_P99_MS} ms`,
      measured: `${inSpread(p99, it => decimals(it, 1))} ms`,
      met: kept ? p99.median < UPDATE_P99_MS : undefined,
    },
  ];
}
