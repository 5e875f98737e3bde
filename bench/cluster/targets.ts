/** What the figures should be, and whether they are. */
import { type Spread, spread } from '../measure/statistics.ts';
import { decimals, inSpread, whole } from '../measure/table.ts';
import type { Verdict } from '../measure/verdicts.ts';
import { type CpuFigures, keptRate } from './cpu.part.ts';
import type { JoinFigures } from './join.part.ts';
import type { KillFigures } from './kill.part.ts';
import { type StopFigures, sawOnlyTheEnd } from './stop.part.ts';
import { systemCpuSeconds } from './usage.ts';

/** CPU for each message with so many nodes, as a multiple of that with one. */
export const CPU_TIMES: Readonly<Record<string, number>> = { '3': 1.5, '8': 1.7 };
const OWNED_WITHIN_MS = 14_000;
const STOP_WAIT_MS = 1_500;
/** A quarter of all: a fair share for the fifth is 51, and loads that are nearly fair are left alone. */
const SHARDS_MOVED = 64;

/**
 * The CPU of each setup for a message, round by round, as a multiple of the same round's with one node that is a cluster of its own;
 * undefined when that was not measured.
 */
export function cpuRatios(figures: readonly CpuFigures[], setup: string, one = '1'): Spread | undefined {
  const perMessage = (name: string) =>
    figures.find(it => it.setup === name)?.runs.map(run => systemCpuSeconds(run.used) / run.committed) ?? [];
  const reference = perMessage(one);
  const ratios = perMessage(setup).flatMap((it, round) => (reference[round] ? [it / reference[round]] : []));
  return ratios.length === 0 ? undefined : spread(ratios);
}

/** @param rate that all runs should have kept: one that did not says nothing about the price of a message */
export function judgeCpu(figures: readonly CpuFigures[], rate: number): Verdict[] {
  return Object.entries(CPU_TIMES).flatMap(([setup, times]) => {
    const ratios = cpuRatios(figures, setup);
    if (ratios === undefined) return [];
    const runs = figures.filter(it => it.setup === setup || it.setup === '1').flatMap(it => it.runs);
    const comparable = runs.every(run => keptRate(run, rate));
    return {
      figure: `CPU for each message with ${setup} nodes, times that with one`,
      target: `at most ${times}`,
      measured: `${inSpread(ratios, it => decimals(it, 2))}${comparable ? '' : ', but not every run kept the rate'}`,
      met: comparable ? ratios.median <= times : undefined,
    };
  });
}

/** The worst of all repetitions is what counts. */
const atMost = (figure: string, unit: string, limit: number, measured: readonly number[]): Verdict => ({
  figure,
  target: `at most ${whole(limit)}${unit}`,
  measured: `${inSpread(spread(measured), whole)}${unit}`,
  met: spread(measured).max <= limit,
});

export const judgeKill = (figures: readonly KillFigures[]): Verdict[] => [
  atMost(
    'kill -9: every shard is owned again after',
    ' ms',
    OWNED_WITHIN_MS,
    figures.map(it => it.ownedMs),
  ),
];

export const judgeStop = (figures: readonly StopFigures[]): Verdict[] => [
  atMost(
    'SIGTERM: longest wait for a PUBACK',
    ' ms',
    STOP_WAIT_MS,
    figures.map(it => it.longestWaitMs),
  ),
  {
    figure: 'SIGTERM: clients saw',
    target: 'an end with 0x8b, and nothing elsewhere',
    measured: figures.every(sawOnlyTheEnd) ? 'just that' : 'other things too (see above)',
    met: figures.every(sawOnlyTheEnd),
  },
];

export const judgeJoin = (figures: readonly JoinFigures[]): Verdict[] => [
  atMost(
    'a fifth node joins: shards moved',
    '',
    SHARDS_MOVED,
    figures.map(it => it.shardsMoved),
  ),
];
